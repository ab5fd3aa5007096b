#pragma once

// A healthy world for decisions; a test changes only what its case is about.

#include <functional>
#include <utility>

#include "reconcilers/pipe/plan.hpp"
#include "reconcilers/pipe/tables.hpp"

namespace penstock::reconcile::test {

inline constexpr WallTime kNow{std::chrono::seconds(1'700'000'000)};
inline constexpr SteadyTime kSteady{kNow.time_since_epoch()};
inline constexpr const char* kUid = "11111111-2222-3333-4444-555555555555";
inline constexpr const char* kLoadPrint = "l1";
inline constexpr const char* kStreamPrint = "s1";

inline View with(View view, const std::function<void(View&)>& change) {
  change(view);
  return view;
}

inline TableSpec table_spec(const std::string& source) {
  TableSpec out;
  out.source = source;
  return out;
}

inline TableStatus& table(View& view, std::size_t at) {
  return view.pipe.status.tables.at(at);
}

inline RunFacts active_load() {
  RunFacts out;
  out.there = true;
  out.fingerprint = kLoadPrint;
  return out;
}

inline RunFacts active_stream() {
  RunFacts out;
  out.there = true;
  out.fingerprint = kStreamPrint;
  out.connected = true;
  return out;
}

inline TableFacts said_of(const std::string& source, std::int64_t load_generation = 1) {
  TableFacts out;
  out.source = source;
  out.load_generation = load_generation;
  return out;
}

/// A CDC pipe of two tables that streams, given to a worker, Secrets at hand.
inline View streaming() {
  View view;
  view.now = kSteady;
  view.wall = kNow;
  view.fingerprint = {kLoadPrint, kStreamPrint};
  auto& pipe = view.pipe;
  pipe.ns = "data";
  pipe.name = "shop";
  pipe.uid = kUid;
  pipe.resource_version = "7";
  pipe.generation = 1;
  pipe.has_finalizer = true;
  pipe.finalizers = {kPipeFinalizer};
  pipe.spec.source.host = "db";
  pipe.spec.source.database = "shop";
  for (const char* name : {"public.orders", "public.customers"}) {
    pipe.spec.tables.push_back(table_spec(name));
    auto status = declared(pipe.spec.tables.back());
    status.state = TableState::Streaming;
    status.load_generation = 1;
    status.making = false;
    pipe.status.tables.push_back(std::move(status));
  }
  pipe.status.state = PipeState::Running;
  pipe.status.observed_generation = 1;
  pipe.status.worker = "dev";
  pipe.status.source = SourceIdentity{"42", 1, "shop"};
  const auto name = own_name(kUid, 0);
  pipe.status.replication = {name, name, true, true, "0/100", "0/200", "0/200", 0, 0, ""};
  view.run.stream = active_stream();
  return view;
}

inline View without_run(View view) {
  view.run = {};
  return view;
}

/// Set up, slot made, nothing loaded yet, no run.
inline View ready_to_load() {
  auto view = without_run(streaming());
  view.pipe.status.state = PipeState::Snapshot;
  for (auto& one : view.pipe.status.tables)
    one.state = TableState::Pending;
  return view;
}

inline View loading() {
  auto view = ready_to_load();
  view.run.load = active_load();
  return view;
}

/// Every table is loaded, of a pipe without a stream.
inline View completed() {
  auto view = without_run(streaming());
  view.pipe.spec.mode = Mode::SnapshotOnly;
  view.pipe.status.state = PipeState::Completed;
  view.pipe.status.replication = {};
  for (auto& one : view.pipe.status.tables)
    one.state = TableState::Completed;
  return view;
}

/// Adopted and given to a worker, nothing else.
inline View fresh() {
  auto view = without_run(streaming());
  view.pipe.status.state = PipeState::Provisioning;
  view.pipe.status.source.reset();
  view.pipe.status.tables.clear();
  view.pipe.status.replication.start_lsn.clear();
  return view;
}

/// A resync to generation 1 that has come to `step`; its tables are in `_resync`, nothing runs.
inline View resyncing(ResyncStep step) {
  auto view = without_run(streaming());
  view.pipe.spec.resync_generation = 1;
  view.pipe.status = with_resync_begun(view.pipe, kNow);
  if (step != ResyncStep::TakeDown) view.pipe.status = with_tables_of_resync(view.pipe);
  if (step == ResyncStep::Load)
    for (auto& table : view.pipe.status.tables)
      table.making = false;
  view.pipe.status.resync->step = step;
  view.pipe.status.state = PipeState::Setup;
  return view;
}

/// Loaded into `_resync`, and the stream has passed the load's snapshot.
inline void make_ready_to_swap(TableStatus& one) {
  one.staged = true;
  one.load_generation = 2;
  one.state = TableState::CatchingUp;
  one.load.reset();
}

/// All of a resync is loaded and caught up with.
inline View ready_to_swap() {
  auto view = resyncing(ResyncStep::Load);
  view.pipe.status.state = PipeState::Snapshot;
  view.pipe.status.replication.start_lsn = "0/300";
  for (auto& one : view.pipe.status.tables)
    make_ready_to_swap(one);
  return view;
}

/// Recorded as what no waiting cures.
inline void make_failed(View& view) {
  view.pipe.status.state = PipeState::Failed;
  view.pipe.status.message = "slot lost";
  view.pipe.status.conditions = {{"Ready", false, "SlotLost", "slot lost", 1, {}},
                                 {"Stalled", true, "SlotLost", "slot lost", 1, {}}};
}

/// One table's resync generation is raised.
inline View bumped(View view, std::size_t at = 0) {
  ++view.pipe.spec.tables.at(at).resync_generation;
  view.pipe.generation = 2;
  return view;
}

inline Retry failed(ErrorKind kind, std::chrono::seconds ago, std::chrono::seconds wait) {
  return {1, {kind, "Reason", "it failed", "mend it"}, kSteady - ago + wait, 1, kLoadPrint};
}
/// It failed a moment ago, and it is not yet time to try again.
inline Retry failed_just_now(ErrorKind kind) {
  return failed(kind, std::chrono::seconds(1), std::chrono::seconds(30));
}
/// It failed a while ago, and it is time to try again.
inline Retry failed_before(ErrorKind kind) {
  return failed(kind, std::chrono::seconds(31), std::chrono::seconds(30));
}

}  // namespace penstock::reconcile::test
