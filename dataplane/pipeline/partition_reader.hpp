#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "core/result.hpp"
#include "dataplane/pipeline/insert.hpp"
#include "dataplane/pipeline/partitions.hpp"
#include "dataplane/pipeline/row.hpp"
#include "dataplane/pipeline/setup.hpp"

namespace penstock::pipeline {

/// What every worker of a load has in common.
struct LoadContext {
  const PipeJob& job;
  std::string snapshot;     ///< exported name, imported by each worker
  Lsn snapshot_lsn;         ///< all that the snapshot sees is below this
  Lsn version;              ///< of the rows
  std::string attempt;      ///< unique to this run: part of the deduplication tokens
  std::size_t block_bytes;  ///< what a worker may keep of rows that ClickHouse has not answered for
  const StopFlags& stop;
};

/// When a block is full: at the first of these.
struct BlockLimits {
  std::size_t rows = 0;
  std::size_t bytes = 0;
  /// Since fill() was called, to some milliseconds; asked when a row has come.
  std::chrono::milliseconds age = std::chrono::hours(24);
};

/// Reads one partition by COPY, a block at a time. What it is made from must outlive it; destroyed before the
/// end it cancels the COPY, and with it the session's transaction. One thread.
class PartitionReader {
 public:
  /// On a session at the context's snapshot (postgres::begin_at_snapshot).
  [[nodiscard]] static Result<PartitionReader> start(pg_conn* session, const LoadContext& context,
                                                     const BoundTable& table, const Partition& partition);

  /// Fills `block`, of the binding's fields and emptied first; without rows it is the partition's end. Fails
  /// with what the source says, SnapshotOutdated where the heap was rewritten meanwhile,
  /// UnrepresentableValue, or Cancelled once the load is to stop now.
  [[nodiscard]] Status fill(Block& block, const BlockLimits& limits);

  [[nodiscard]] std::int64_t rows() const { return rows_; }
  [[nodiscard]] const ClampCounts& clamped() const { return clamped_; }

 private:
  PartitionReader(pg_conn* session, const LoadContext& context, const Binding& binding, std::uint32_t heap,
                  postgres::CopyReader rows);

  pg_conn* session_;
  const LoadContext& context_;
  const Binding& binding_;
  std::uint32_t heap_;
  postgres::CopyReader reader_;
  ClampCounts clamped_;
  std::int64_t rows_ = 0;
  bool ended_ = false;
};

}  // namespace penstock::pipeline
