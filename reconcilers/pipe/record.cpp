#include "reconcilers/pipe/record.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/error_policy.hpp"
#include "reconcilers/pipe/conditions.hpp"

namespace penstock::reconcile {
namespace {

using Activity = RunFacts::Activity;

const TableFacts* facts_of(const RunFacts& run, const std::string& source) {
  const auto at = std::find_if(run.tables.begin(), run.tables.end(),
                               [&](const TableFacts& facts) { return facts.source == source; });
  return at == run.tables.end() ? nullptr : &*at;
}

void absorb_load(TableStatus& table, const TableFacts& facts, const Pipe& pipe) {
  const bool still_to_load = table.state == TableState::Pending || table.state == TableState::Loading;
  if (!still_to_load || facts.load.layout.empty()) return;
  table.rows_loaded = facts.rows_loaded;
  table.rows_estimated = facts.rows_estimated;
  table.partitions_loaded = facts.partitions_loaded;
  table.partitions_total = facts.partitions_total;
  table.load = facts.load;
  table.state = TableState::Loading;
  if (!facts.load_finished) return;
  const bool streams = pipe.spec.mode != Mode::SnapshotOnly;
  table.state = streams ? TableState::CatchingUp : TableState::Completed;
  if (!streams) table.load.reset();
}

/// Streaming once everything that the load's newest snapshot saw has come by in the stream.
void absorb_stream(TableStatus& table, const RunFacts& run) {
  if (!run.connected || table.state == TableState::Streaming) return;
  const auto snapshot = table.load ? Lsn::parse(table.load->snapshot_lsn) : Result<Lsn>(Lsn{});
  if (snapshot && run.confirmed < *snapshot) return;
  table.state = TableState::Streaming;
  table.load.reset();
}

std::string slot_name(const std::string& uid) {
  std::string out = "penstock_" + uid;
  std::replace(out.begin(), out.end(), '-', '_');
  return out;
}

}  // namespace

PipeStatus first_status(const Pipe& pipe) {
  PipeStatus out = pipe.status;
  if (out.state) return out;
  out.state = PipeState::Provisioning;
  out.observed_resync_generation = pipe.spec.resync_generation;
  if (pipe.spec.mode == Mode::SnapshotOnly) return out;
  const auto& source = pipe.spec.source;
  out.replication.owns_slot = source.replication_slot.empty();
  out.replication.owns_publication = source.publication.empty();
  out.replication.slot = out.replication.owns_slot ? slot_name(pipe.uid) : source.replication_slot;
  out.replication.publication = out.replication.owns_publication ? slot_name(pipe.uid) : source.publication;
  return out;
}

PipeStatus absorb(const Pipe& pipe, const RunFacts& run) {
  PipeStatus out = pipe.status;
  if (run.activity == Activity::Idle) return out;
  for (auto& table : out.tables) {
    const auto* facts = facts_of(run, table.source);
    if (!facts) continue;
    if (run.activity == Activity::Loading) {
      absorb_load(table, *facts, pipe);
    } else {
      table.rows_streamed = facts->rows_streamed;
      absorb_stream(table, run);
    }
  }
  if (run.activity == Activity::Streaming && run.connected) {
    if (run.confirmed) out.replication.confirmed_lsn = run.confirmed.text();
    if (run.received) out.replication.received_lsn = run.received.text();
    out.replication.lag_bytes = run.lag_bytes;
    out.replication.lag_seconds = run.lag_seconds;
  }
  return out;
}

PipeStatus after_setup(const Pipe& pipe, const SetupFacts& facts) {
  PipeStatus out = pipe.status;
  out.source = facts.source;
  std::vector<TableStatus> tables;
  for (const auto& table : facts.tables) {
    const auto known = std::find_if(out.tables.begin(), out.tables.end(),
                                    [&](const TableStatus& t) { return t.source == table.source; });
    TableStatus status = known == out.tables.end() ? TableStatus{} : *known;
    status.source = table.source;
    status.target = table.target;
    status.rows_estimated = table.rows_estimated;
    tables.push_back(std::move(status));
  }
  out.tables = std::move(tables);
  return out;
}

PipeStatus with_decision(const Pipe& pipe, PipeStatus status, const Decision& decision, WallTime now) {
  status.state = decision.state;
  status.message = decision.message;
  status.observed_generation = pipe.generation;
  status.conditions =
      merge_conditions(status.conditions,
                       conditions_of(decision.state, decision.message, decision.fault, pipe.generation), now);
  summarize(status);
  return status;
}

std::vector<EventNote> events_between(const PipeStatus& before, const PipeStatus& after,
                                      const Decision& decision) {
  std::vector<EventNote> out;
  if (before.state != after.state && after.state && !(decision.fault && *after.state == PipeState::Failed))
    out.push_back({false, to_text(*after.state), decision.fault ? "Held up" : after.message});
  if (!decision.fault) return out;
  const auto* ready = find_condition(before.conditions, "Ready");
  const bool known = ready && !ready->status && before.message == after.message;
  if (!known) out.push_back({true, decision.fault->reason, decision.fault->text()});
  return out;
}

Retry after_failure(const std::optional<Retry>& before, const Error& error, const View& view) {
  Retry out;
  const bool same =
      before && before->generation == view.pipe.generation && before->fingerprint == view.fingerprint;
  out.failures = same ? before->failures + 1 : 1;
  out.error = error;
  out.generation = view.pipe.generation;
  out.fingerprint = view.fingerprint;
  out.next =
      policy(error.kind).fails_the_pipe ? WallTime::max() : view.now + wait_after(error.kind, out.failures);
  return out;
}

bool has_moved(const PipeStatus& recorded, const RunFacts& run) {
  if (run.ended) return false;
  if (run.activity == Activity::Streaming) return run.connected;
  if (run.activity != Activity::Loading) return false;
  return std::any_of(recorded.tables.begin(), recorded.tables.end(), [&](const TableStatus& table) {
    const auto* facts = facts_of(run, table.source);
    return facts && facts->partitions_loaded > table.partitions_loaded;
  });
}

}  // namespace penstock::reconcile
