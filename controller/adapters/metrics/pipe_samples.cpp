#include "controller/adapters/metrics/pipe_samples.hpp"

#include <chrono>

#include "crds/enum_names.hpp"

namespace penstock::adapters {
namespace {

using Samples = std::vector<Sample>;

double number(std::int64_t value) {
  return static_cast<double>(value);
}

double unix_seconds(WallTime time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

/// The slot is looked at now and then: what was last seen of it is news, and not the memory of a former one.
bool has_a_slot(PipeState state) {
  switch (state) {
    case PipeState::Snapshot:
    case PipeState::Running:
    case PipeState::Pausing:
    case PipeState::Paused:
    case PipeState::Modifying:
    case PipeState::Resync:
      return true;
    case PipeState::Provisioning:
    case PipeState::Setup:
    case PipeState::Completed:
    case PipeState::Failed:
      return false;
  }
  return false;
}

void add_state(Samples& out, const PipeStatus& status) {
  for (const auto& [state, name] : kEnumNames<PipeState>)
    out.push_back({PipeMetric::State, {name}, status.state == state ? 1.0 : 0.0});
  if (status.state_since) out.push_back({PipeMetric::StateSince, {}, unix_seconds(*status.state_since)});
  for (const auto& condition : status.conditions)
    out.push_back({PipeMetric::Condition, {condition.type, condition.reason}, condition.status ? 1.0 : 0.0});
}

void add_table(Samples& out, const TableStatus& table, bool is_read) {
  for (const auto& [state, name] : kEnumNames<TableState>)
    out.push_back({PipeMetric::TableState, {table.source, name}, table.state == state ? 1.0 : 0.0});
  out.push_back({PipeMetric::TableRows, {table.source, "load"}, number(table.rows_loaded)});
  out.push_back({PipeMetric::TableRows, {table.source, "stream"}, number(table.rows_streamed)});
  if (is_read && table.lag_seconds) out.push_back({PipeMetric::TableLag, {table.source}, *table.lag_seconds});
  out.push_back({PipeMetric::TablePartitions, {table.source, "done"}, number(table.partitions_loaded)});
  out.push_back({PipeMetric::TablePartitions, {table.source, "total"}, number(table.partitions_total)});
}

void add_counts(Samples& out, const PipeMeasures& measures) {
  for (const auto& [reason, count] : measures.warnings)
    out.push_back({PipeMetric::Warnings, {reason}, static_cast<double>(count)});
  for (const auto& [where, count] : measures.clamped)
    out.push_back({PipeMetric::ClampedValues, {where.first, where.second}, static_cast<double>(count)});
}

void add_slot(Samples& out, const PipeStatus& status, const std::optional<SlotMeasures>& slot) {
  if (!status.state || !has_a_slot(*status.state)) return;
  if (*status.state != PipeState::Paused && !status.replication.received_lsn.empty()) {
    out.push_back({PipeMetric::LagSeconds, {}, status.replication.lag_seconds});
    out.push_back({PipeMetric::LagBytes, {}, number(status.replication.lag_bytes)});
  }
  if (!slot) return;
  out.push_back({PipeMetric::SlotRetained, {}, number(slot->retained_bytes)});
  if (slot->safe_bytes) out.push_back({PipeMetric::SlotSafe, {}, number(*slot->safe_bytes)});
}

}  // namespace

std::vector<Sample> samples_of(const Pipe& pipe, const PipeMeasures& measures) {
  Samples out;
  const auto& status = pipe.status;
  add_state(out, status);
  add_slot(out, status, measures.slot);
  out.push_back({PipeMetric::ResyncGeneration, {"wanted"}, number(pipe.spec.resync_generation)});
  out.push_back({PipeMetric::ResyncGeneration, {"observed"}, number(status.observed_resync_generation)});
  for (const auto& table : status.tables)
    add_table(out, table, status.state != PipeState::Paused);
  add_counts(out, measures);
  return out;
}

}  // namespace penstock::adapters
