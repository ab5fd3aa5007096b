#pragma once

// Which partitions are left, who reads which, and what is done: the one place that the threads of a load
// share.

#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "dataplane/pipeline/load_run.hpp"
#include "dataplane/pipeline/partitions.hpp"
#include "dataplane/pipeline/row.hpp"
#include "dataplane/pipeline/setup.hpp"

namespace penstock::pipeline {

/// One table of a load: what it is, and what of it is in.
struct TableWork {
  BoundTable table;
  LoadLayout layout;
  std::string partitions{};  ///< TableLoad::partitions
  IndexSet done;
  Lsn snapshot;
  std::int64_t rows = 0;
  bool finished = false;
  std::optional<Error> error{};  ///< it is left alone
  ClampCounts clamped{};
  std::set<std::int64_t> taken{};  ///< being read now
  std::int64_t next = 0;           ///< every partition below is done or taken
};

struct Task {
  std::size_t table = 0;
  std::int64_t partition = 0;
};

/// Thread-safe.
class LoadBoard {
 public:
  /// `faults`: tables that cannot even begin.
  LoadBoard(std::vector<TableWork> tables, std::vector<TableLoad> faults, int parallel_tables,
            int workers_per_table);

  /// The next partition to read; waits while all that is left is taken by others; nullopt: nothing left, or
  /// stopped.
  [[nodiscard]] std::optional<Task> take();
  void finish(const Task& task, std::int64_t rows, Lsn snapshot, const ClampCounts& clamped);
  /// What failed while this task was worked on: its table alone, if the fault lies there (BadData); else the
  /// load ends with this error (the first one counts). Partitions being read by others are finished.
  void fail(const std::optional<Task>& task, Error error);
  void stop();  ///< no further partitions are handed out

  void report_retry(const std::optional<Error>& error);
  [[nodiscard]] const BoundTable& table(std::size_t index) const { return tables_[index].table; }
  [[nodiscard]] Partition partition(const Task& task) const;
  [[nodiscard]] std::vector<TableLoad> progress() const;
  [[nodiscard]] std::optional<Error> error() const;
  [[nodiscard]] std::optional<Error> retrying() const;

 private:
  [[nodiscard]] std::optional<Task> pick();

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<TableWork> tables_;
  std::vector<TableLoad> faults_;
  int parallel_tables_;
  int workers_per_table_;
  bool stopped_ = false;
  std::optional<Error> error_;
  std::optional<Error> retrying_;
};

}  // namespace penstock::pipeline
