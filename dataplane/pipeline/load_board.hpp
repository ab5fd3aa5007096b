#pragma once

// Which partitions are left, who reads which, and what is done: the one place that the threads of a load
// share.

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "core/backoff.hpp"
#include "dataplane/pipeline/load_run.hpp"
#include "dataplane/pipeline/partitions.hpp"
#include "dataplane/pipeline/row.hpp"
#include "dataplane/pipeline/setup.hpp"

namespace penstock::pipeline {

/// A heap that somebody else has locked.
struct LockedHeap {
  Backoff backoff{std::chrono::seconds(1), std::chrono::seconds(30)};
  std::chrono::steady_clock::time_point until;  ///< not tried before
  Error why;
};

/// One table of a load: what it is, and what of it is in.
struct TableWork {
  BoundTable table;
  LoadLayout layout;
  std::string partitions{};  ///< TableLoad::partitions
  std::string definition{};  ///< TableLoad::definition
  IndexSet done;
  Lsn snapshot;
  std::int64_t rows = 0;
  bool finished = false;
  std::optional<Error> error{};  ///< it is left alone
  ClampCounts clamped{};
  std::set<std::int64_t> taken{};              ///< being read now
  std::int64_t next = 0;                       ///< every partition below is done or taken
  std::map<std::size_t, LockedHeap> locked{};  ///< by index into the layout's heaps
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

  /// The next partition to read; waits while all that is left is taken by others, or of locked heaps;
  /// nullopt: nothing left, stopped, or there are more workers than there may be. The caller is none then.
  [[nodiscard]] std::optional<Task> take();
  void finish(const Task& task, std::int64_t rows, Lsn snapshot, const ClampCounts& clamped);
  /// The task's heap is locked: it is handed out again after a while, longer each time, other heaps at once.
  void give_back(const Task& task, Error why);
  /// What failed while this task was worked on: its table alone, if the fault lies there (BadData,
  /// kTableChanged); else the load ends with this error (the first one counts). Partitions being read by
  /// others are finished; a table's error is told of when there are none.
  void fail(const std::optional<Task>& task, Error error);
  /// How long others are to wait for the task's heap before its reader makes way: longer after each time that
  /// it did, or there would never be an end.
  [[nodiscard]] std::chrono::milliseconds patience(const Task& task) const;
  void stop();  ///< no further partitions are handed out
  /// From the next partition on.
  void set_limits(int parallel_tables, int workers_per_table);
  /// How many workers this load may have of the process's, whatever its limits; from the next partition on.
  void set_share(std::size_t workers);
  /// How many could work at once: what the limits allow, and no more than partitions are left.
  [[nodiscard]] std::size_t wanted() const;
  /// The same within the load's share.
  [[nodiscard]] std::size_t workers() const;
  /// Waits until one more may work, and counts it: true; false once there is nothing left to hand out. A
  /// worker leaves when take() has nothing for it, or where it could not be started, by dismiss().
  [[nodiscard]] bool admit();
  void dismiss();
  [[nodiscard]] std::size_t present() const;
  /// Waits, no longer than until there is nothing left to hand out.
  void pause(std::chrono::milliseconds limit);

  void report_retry(const std::optional<Error>& error);
  [[nodiscard]] const BoundTable& table(std::size_t index) const { return tables_[index].table; }
  [[nodiscard]] Partition partition(const Task& task) const;
  [[nodiscard]] std::vector<TableLoad> progress() const;
  [[nodiscard]] std::optional<Error> error() const;
  [[nodiscard]] std::optional<Error> retrying() const;

 private:
  [[nodiscard]] std::optional<Task> pick();
  /// When the next of the locked heaps is to be tried again.
  [[nodiscard]] std::optional<std::chrono::steady_clock::time_point> next_try() const;
  [[nodiscard]] bool over() const;
  [[nodiscard]] std::size_t useful() const;
  [[nodiscard]] std::size_t allowed() const { return std::min(share_, useful()); }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<TableWork> tables_;
  std::vector<TableLoad> faults_;
  int parallel_tables_;
  int workers_per_table_;
  std::size_t share_ = std::numeric_limits<std::size_t>::max();
  std::size_t present_ = 0;
  bool stopped_ = false;
  std::optional<Error> error_;
  std::optional<Error> retrying_;
};

}  // namespace penstock::pipeline
