#pragma once

// What travels from the thread that reads the stream to the one that writes: blocks, and how far they reach.

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "core/row_version.hpp"
#include "dataplane/columns/column.hpp"
#include "dataplane/pipeline/row.hpp"

namespace penstock::pipeline {

struct TableBatch {
  std::size_t table = 0;  ///< index into the run's tables
  Block block;
  ClampCounts clamped;
  RowVersion first{{~std::uint64_t{0}}, {~std::uint64_t{0}}};  ///< the lowest in the block
};

struct Batch {
  std::vector<std::unique_ptr<TableBatch>> tables;  ///< by table index; null where a table has no rows
  std::optional<std::pair<std::size_t, RowVersion>>
      truncate;                    ///< instead of rows: this table was truncated here
  Lsn covers;                      ///< every transaction up to here is in this batch or an earlier one
  LastCommit last;                 ///< the transaction that ends at `covers`; null: of an earlier batch
  std::int64_t oldest_commit = 0;  ///< µs since 2000-01-01, of the first change in it
  std::size_t rows = 0;

  [[nodiscard]] bool empty() const { return rows == 0 && !truncate; }
  [[nodiscard]] std::size_t bytes() const;
  [[nodiscard]] std::size_t inserts() const;
};

/// The queue from one reader to one writer, and the acknowledgements back. Every batch is in it from the
/// moment the decoder gives it away until it is in the destination, so that what is safe is told by it alone.
/// Thread-safe.
class BatchQueue {
 public:
  /// `depth`: how many batches may wait for the writer.
  explicit BatchQueue(std::size_t depth) : depth_(depth) {}

  /// Takes it however full the queue is: then the reader waits until overfull() has passed.
  void push(Batch batch);
  [[nodiscard]] bool full() const;
  [[nodiscard]] bool overfull() const;
  /// Nothing is queued or being written.
  [[nodiscard]] bool idle() const;
  /// The LSN that is safe: `received`, of a reader that holds no row itself, where nothing is queued or being
  /// written either; else what is written.
  [[nodiscard]] Lsn safe(Lsn received) const;
  /// The next batch; nullopt once closed and empty. It counts as in flight until done().
  [[nodiscard]] std::optional<Batch> pop();
  void done(const Batch& batch);
  void close();

  [[nodiscard]] Lsn written() const;                 ///< every batch up to here is in the destination
  [[nodiscard]] std::int64_t oldest_commit() const;  ///< of what is queued or in flight; 0: nothing

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  [[nodiscard]] bool nothing_owed() const { return waiting_.empty() && !in_flight_; }

  std::deque<Batch> waiting_;
  std::size_t depth_;
  std::int64_t in_flight_commit_ = 0;
  bool in_flight_ = false;
  bool closed_ = false;
  Lsn written_;
};

}  // namespace penstock::pipeline
