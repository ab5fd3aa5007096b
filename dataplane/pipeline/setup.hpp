#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "dataplane/pipeline/binding.hpp"
#include "dataplane/pipeline/job.hpp"

namespace penstock::pipeline {

struct TableReport {
  std::string source;  ///< as the manifest writes it
  std::string target;
  std::int64_t rows_estimated = 0;
};

struct SetupReport {
  SourceSystem system;
  std::vector<TableReport> tables;
};

/// Validates source and destination, then makes the target tables that are absent. Nothing is touched unless
/// every check passes. Safe to repeat. The Error of a failed check carries the first fault's reason and the
/// text of all. Bounded: each server has 10 s to answer the first time.
[[nodiscard]] Result<SetupReport> set_up(const PipeJob& job);

/// What load and stream stand on, read from both sides at their start.
struct BoundTable {
  TableJob job;
  postgres::SourceTable source;
  Binding binding;
  std::vector<std::string> target_columns;
};

/// A column that the source has dropped, and that the stream still brings values of.
struct DroppedColumn {
  std::string table;  ///< as the manifest writes it
  std::string name;
  std::uint32_t type = 0;
  std::int32_t typmod = -1;
};

/// `dropped`: columns to bind although the catalog has them no more.
[[nodiscard]] Result<std::vector<BoundTable>> bind_tables(const PipeJob& job, clickhouse::Client& client,
                                                          const std::vector<DroppedColumn>& dropped = {});

/// Fails with SourceChanged (Terminal) when the source is not the system that the pipe was set up against.
[[nodiscard]] Status check_same_system(const PipeJob& job, const SourceSystem& expected);

/// Drops what is ours in the source, and the target tables where asked. Safe to repeat; absent things are
/// done.
struct Release {
  bool slot = false;
  bool publication = false;
  std::vector<std::string> targets;  ///< only tables that carry this pipe's mark are dropped
};
[[nodiscard]] Status release(const PipeJob& job, const Release& what);

}  // namespace penstock::pipeline
