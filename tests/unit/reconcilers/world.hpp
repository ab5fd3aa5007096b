#pragma once

// A healthy world for decisions; a test changes only what its case is about.

#include "reconcilers/pipe/plan.hpp"

namespace penstock::reconcile::test {

inline constexpr WallTime kNow{std::chrono::seconds(1'700'000'000)};

/// A CDC pipe of two tables that streams, given to a worker, Secrets at hand.
inline View streaming() {
  View view;
  view.now = kNow;
  view.fingerprint = "f1";
  auto& pipe = view.pipe;
  pipe.ns = "data";
  pipe.name = "shop";
  pipe.uid = "11111111-2222-3333-4444-555555555555";
  pipe.resource_version = "7";
  pipe.generation = 1;
  pipe.has_finalizer = true;
  pipe.finalizers = {kPipeFinalizer};
  pipe.spec.source.host = "db";
  pipe.spec.source.database = "shop";
  for (const char* name : {"public.orders", "public.customers"}) {
    TableSpec table;
    table.source = name;
    pipe.spec.tables.push_back(table);
    TableStatus status;
    status.source = name;
    status.target = target_of(table);
    status.state = TableState::Streaming;
    pipe.status.tables.push_back(status);
  }
  pipe.status.state = PipeState::Running;
  pipe.status.observed_generation = 1;
  pipe.status.worker = "dev";
  pipe.status.source = SourceIdentity{"42", 1, "shop"};
  pipe.status.replication = {"penstock_1", "penstock_1", true, true, "0/100", "0/200", "0/200", 0, 0, ""};
  view.run.activity = RunFacts::Activity::Streaming;
  view.run.fingerprint = "f1";
  view.run.connected = true;
  return view;
}

inline View without_run(View view) {
  view.run = RunFacts{};
  return view;
}

/// Set up, slot made, nothing loaded yet, no run.
inline View ready_to_load() {
  auto view = without_run(streaming());
  view.pipe.status.state = PipeState::Snapshot;
  for (auto& table : view.pipe.status.tables)
    table.state = TableState::Pending;
  return view;
}

inline View loading() {
  auto view = ready_to_load();
  view.run.activity = RunFacts::Activity::Loading;
  view.run.fingerprint = "f1";
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

}  // namespace penstock::reconcile::test
