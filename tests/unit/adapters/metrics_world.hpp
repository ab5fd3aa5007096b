#pragma once

// A Pipe that has something to tell of everything.

#include "controller/adapters/metrics/metrics.hpp"
#include "controller/adapters/metrics/pipe_samples.hpp"

namespace penstock::adapters::test {

inline Pipe streaming_pipe() {
  Pipe pipe;
  pipe.ns = "data";
  pipe.name = "shop";
  pipe.uid = "11111111-2222-3333-4444-555555555555";
  pipe.spec.resync_generation = 3;
  auto& status = pipe.status;
  status.state = PipeState::Running;
  status.state_since = WallTime(std::chrono::seconds(1'700'000'000));
  status.message = "Replicating";
  status.observed_resync_generation = 2;
  status.conditions = {{"Ready", true, "Running", "Replicating", 1, {}},
                       {"ResyncRequired", true, "SettingsPending", "orderBy", 1, {}}};
  TableStatus orders;
  orders.source = "public.orders";
  orders.state = TableState::Streaming;
  orders.rows_loaded = 1'000'000;
  orders.rows_streamed = 42;
  orders.lag_seconds = 2.5;
  orders.partitions_loaded = 7;
  orders.partitions_total = 10;
  TableStatus customers;
  customers.source = "public.customers";
  customers.state = TableState::Failed;
  status.tables = {orders, customers};
  status.replication.received_lsn = "0/200";
  status.replication.lag_seconds = 1.5;
  status.replication.lag_bytes = 4096;
  return pipe;
}

inline PipeMeasures all_measured() {
  PipeMeasures out;
  out.slot = SlotMeasures{1'000'000, 500'000};
  out.clamped[{"public.orders", "amount"}] = 5;
  out.warnings["SourceUnreachable"] = 2;
  return out;
}

}  // namespace penstock::adapters::test
