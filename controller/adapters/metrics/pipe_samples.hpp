#pragma once

// What /metrics tells of one pipe. Pure: the stored Pipe and what was measured in, samples out.

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "controller/adapters/metrics/pipe_meter.hpp"
#include "crds/pipe.hpp"

namespace penstock::adapters {

/// In the order of kPipeMetrics.
enum class PipeMetric : std::size_t {
  State,
  StateSince,
  Condition,
  LagSeconds,
  LagBytes,
  ResyncGeneration,
  Warnings,
  TableState,
  TableRows,
  TableLag,
  TablePartitions,
  ClampedValues,
  SlotRetained,
  SlotSafe
};

struct PipeMetricInfo {
  const char* name;
  bool counts;                        ///< a counter, else a gauge
  const char* question;               ///< that it answers: its HELP
  std::array<const char*, 2> labels;  ///< beside namespace and name; null: none
};

/// docs/metrics.md has a row for each; a test holds the two together.
inline constexpr std::array<PipeMetricInfo, 14> kPipeMetrics{{
    {"penstock_pipe_state", false, "Which state is the pipe in (1), of all ten?", {"state"}},
    {"penstock_pipe_state_since_timestamp_seconds", false, "Since when has the pipe been in its state?", {}},
    {"penstock_pipe_condition",
     false,
     "Does the condition hold (1) or not (0), and for what reason? Absent where it does not apply.",
     {"condition", "reason"}},
    {"penstock_pipe_lag_seconds",
     false,
     "How old is the oldest change that is not in ClickHouse yet, as last seen while the slot was read?",
     {}},
    {"penstock_pipe_lag_bytes",
     false,
     "How much WAL has the source written beyond what ClickHouse has, as last seen while the slot was read?",
     {}},
    {"penstock_pipe_resync_generation",
     false,
     "Which resync is wanted (spec), and which was carried out last (observed)?",
     {"which"}},
    {"penstock_pipe_warnings_total",
     true,
     "What went wrong with the pipe, and how often was it told?",
     {"reason"}},
    {"penstock_table_state", false, "Which state is the table in (1), of all six?", {"table", "state"}},
    {"penstock_table_rows_total",
     true,
     "How many rows of the load, and how many changes of the stream, has ClickHouse got?",
     {"table", "phase"}},
    {"penstock_table_lag_seconds",
     false,
     "How old is the oldest change of a table that streams and that ClickHouse does not have? It grows while "
     "the table is held up, though the others flow.",
     {"table"}},
    {"penstock_table_partitions",
     false,
     "How many partitions has the table's load, and how many of them are done?",
     {"table", "state"}},
    {"penstock_clamped_values_total",
     true,
     "How many values were moved into the range of their target column?",
     {"table", "column"}},
    {"penstock_slot_wal_retained_bytes", false, "How much WAL does the source keep for the pipe's slot?", {}},
    {"penstock_slot_safe_wal_bytes",
     false,
     "How much WAL may the source still write before the slot is lost? Absent where it sets no limit.",
     {}},
}};

[[nodiscard]] constexpr const PipeMetricInfo& info_of(PipeMetric metric) {
  return kPipeMetrics[static_cast<std::size_t>(metric)];
}

struct Sample {
  PipeMetric metric{};
  std::vector<std::string> labels;  ///< values of the metric's own labels, in order
  double value = 0;
  bool operator==(const Sample&) const = default;
};

/// The samples of one pipe. Their number is bounded by the manifest: about 25 and 10 for each table; and by
/// the source's columns, for values that are clamped.
[[nodiscard]] std::vector<Sample> samples_of(const Pipe& pipe, const PipeMeasures& measures);

}  // namespace penstock::adapters
