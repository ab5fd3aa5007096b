#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "core/result.hpp"
#include "dataplane/pipeline/insert.hpp"
#include "dataplane/pipeline/lock_watch.hpp"
#include "dataplane/pipeline/partitions.hpp"
#include "dataplane/pipeline/row.hpp"
#include "dataplane/pipeline/setup.hpp"
#include "dataplane/postgres/heap_state.hpp"

namespace penstock::pipeline {

/// What every worker of a load has in common.
struct LoadContext {
  const PipeJob& job;
  std::string snapshot;     ///< exported name, imported by each worker
  Lsn snapshot_lsn;         ///< all that the snapshot sees is below this
  RowVersion version;       ///< of the rows
  RowVersion log_version;   ///< of those of append-only targets: where their stream begins
  std::string attempt;      ///< unique to this run: part of the deduplication tokens
  std::size_t block_bytes;  ///< what a worker may keep of rows that ClickHouse has not answered for
  const StopFlags& stop;
  postgres::PresentCatalog& present;
  LockWatch& watch;
};

/// The reason of a partition that is to be tried later: somebody has locked its table, or wants to.
inline constexpr const char* kWaitingForLock = "WaitingForLock";

/// When a block is full: at the first of these.
struct BlockLimits {
  std::size_t rows = 0;
  std::size_t bytes = 0;
  /// Since fill() was called, to some milliseconds; asked when a row has come.
  std::chrono::milliseconds age = std::chrono::hours(24);
};

/// Reads one partition by COPY, a block at a time, in a transaction of its own: its heap is locked against
/// DDL from start() to the partition's end, and nothing else is. What it is made from must outlive it;
/// destroyed before the end it cancels the COPY, and the session is to be closed. One thread.
class PartitionReader {
 public:
  /// Fails with what the source says, kWaitingForLock (Transient)
  /// where the heap is locked for more than some seconds, kTableChanged where the table is not, any more,
  /// what was to be read (same_table.hpp).
  [[nodiscard]] static Result<PartitionReader> start(pg_conn* session, const LoadContext& context,
                                                     const BoundTable& table, const Partition& partition,
                                                     std::chrono::milliseconds patience);

  /// Once its rows are in the target: nobody keeps DDL off the heap from its end on, and a TRUNCATE that the
  /// stream has brought meanwhile did not find them there. kTableChanged then.
  [[nodiscard]] Status confirm() const;

  /// Passes over the next rows of the partition.
  [[nodiscard]] Status skip(std::int64_t rows);

  /// Fills `block`, of the binding's fields and emptied first; without rows it is the partition's end. Fails
  /// with what the source says, kWaitingForLock where others waited longer than `patience` for the heap,
  /// UnrepresentableValue, or Cancelled once the load is to stop now.
  [[nodiscard]] Status fill(Block& block, const BlockLimits& limits);

  [[nodiscard]] std::int64_t rows() const { return rows_; }
  [[nodiscard]] const ClampCounts& clamped() const { return clamped_; }
  /// Those since it was last asked.
  [[nodiscard]] ClampCounts take_clamped() { return std::exchange(clamped_, ClampCounts(clamped_.size())); }

 private:
  PartitionReader(pg_conn* session, const LoadContext& context, const BoundTable& table, std::size_t heap,
                  postgres::HeapState then, std::optional<InWatch> watched, postgres::CopyReader rows);
  [[nodiscard]] Result<std::span<const postgres::FieldView>> next_row();

  pg_conn* session_;
  const LoadContext& context_;
  const BoundTable& table_;
  const Binding& binding_;
  std::size_t heap_;
  postgres::HeapState then_;
  std::optional<InWatch> watched_;
  postgres::CopyReader reader_;
  ClampCounts clamped_;
  std::int64_t rows_ = 0;
  bool ended_ = false;
};

}  // namespace penstock::pipeline
