#pragma once

// What travels from the thread that reads the stream to the one that writes: blocks, and how far they reach.

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "core/lsn.hpp"
#include "dataplane/columns/column.hpp"
#include "dataplane/pipeline/row.hpp"

namespace penstock::pipeline {

struct TableBatch {
  std::size_t table = 0;  ///< index into the run's tables
  Block block;
  ClampCounts clamped;
};

struct Batch {
  std::vector<std::unique_ptr<TableBatch>> tables;  ///< by table index; null where a table has no rows
  std::optional<std::pair<std::size_t, Lsn>>
      truncate;                    ///< instead of rows: this table was truncated at this LSN
  Lsn covers;                      ///< every transaction up to here is in this batch or an earlier one
  std::int64_t oldest_commit = 0;  ///< µs since 2000-01-01, of the first change in it
  std::size_t rows = 0;

  [[nodiscard]] bool empty() const { return rows == 0 && !truncate; }
  [[nodiscard]] std::size_t bytes() const;
  [[nodiscard]] std::size_t inserts() const;
};

/// A bounded queue from one reader to one writer, and the acknowledgements back. Thread-safe.
class BatchQueue {
 public:
  explicit BatchQueue(std::size_t depth) : depth_(depth) {}

  /// False when the queue is full (the batch stays the caller's).
  [[nodiscard]] bool try_push(Batch& batch);
  [[nodiscard]] bool full() const;
  /// Nothing is queued or being written.
  [[nodiscard]] bool idle() const;
  /// The next batch; nullopt once closed and empty. It counts as in flight until done().
  [[nodiscard]] std::optional<Batch> pop();
  void done(const Batch& batch);
  void close();

  [[nodiscard]] Lsn written() const;                 ///< every batch up to here is in the destination
  [[nodiscard]] std::int64_t oldest_commit() const;  ///< of what is queued or in flight; 0: nothing

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Batch> waiting_;
  std::size_t depth_;
  std::int64_t in_flight_commit_ = 0;
  bool in_flight_ = false;
  bool closed_ = false;
  Lsn written_;
};

}  // namespace penstock::pipeline
