#include "dataplane/pipeline/load_board.hpp"

#include <algorithm>

#include "dataplane/pipeline/same_table.hpp"

namespace penstock::pipeline {
namespace {

using SteadyClock = std::chrono::steady_clock;

TableLoad progress_of(const TableWork& work) {
  TableLoad out;
  out.source = work.table.job.source_text;
  out.load = work.table.job.load;
  out.finished = work.finished;
  if (work.taken.empty()) out.error = work.error;
  out.layout = work.layout.text();
  out.partitions = work.partitions;
  out.definition = work.definition;
  out.done = work.done.text();
  out.snapshot = work.snapshot;
  out.rows = work.rows;
  out.rows_estimated = std::max(work.table.source.rows_estimated, work.finished ? work.rows : 0);
  out.partitions_done = work.done.size();
  out.partitions_total = work.layout.partitions();
  for (std::size_t at = 0; at < work.clamped.size(); ++at)
    if (work.clamped[at]) out.clamped.emplace_back(work.table.binding.columns[at].name, work.clamped[at]);
  return out;
}

/// The first partition that nobody has, of a heap that may be tried; moves `next` on.
std::optional<std::int64_t> next_of(TableWork& work, SteadyClock::time_point now) {
  const auto total = work.layout.partitions();
  const auto is_out = [&](std::int64_t at) { return work.done.contains(at) || work.taken.contains(at); };
  while (work.next < total && is_out(work.next))
    ++work.next;
  std::int64_t end = 0;
  for (std::size_t heap = 0; heap < work.layout.heaps.size(); ++heap) {
    const auto first = end;
    end += std::max<std::int64_t>(work.layout.heaps[heap].partitions, 1);
    const auto locked = work.locked.find(heap);
    // One worker is enough to find out whether a heap is still locked.
    const auto taken = work.taken.lower_bound(first);
    const bool tried = taken != work.taken.end() && *taken < end;
    if (end <= work.next || (locked != work.locked.end() && (tried || locked->second.until > now))) continue;
    for (auto at = std::max(first, work.next); at < end; ++at)
      if (!is_out(at)) return at;
  }
  return std::nullopt;
}

bool concerns_one_table(const Error& error) {
  return is_of_one_table(error.kind) || error.reason == kTableChanged;
}

}  // namespace

LoadBoard::LoadBoard(std::vector<TableWork> tables, std::vector<TableLoad> faults, int parallel_tables,
                     int workers_per_table)
    : tables_(std::move(tables)),
      faults_(std::move(faults)),
      parallel_tables_(parallel_tables),
      workers_per_table_(workers_per_table) {
  for (auto& work : tables_)
    work.clamped.resize(work.table.binding.columns.size());
}

std::optional<Task> LoadBoard::pick() {
  const auto now = SteadyClock::now();
  int open = 0;
  for (std::size_t at = 0; at < tables_.size() && open < parallel_tables_; ++at) {
    auto& work = tables_[at];
    if (work.finished || work.error) continue;
    const auto partition = next_of(work, now);
    if (partition || !work.taken.empty()) ++open;  // one that is locked makes way for another
    if (!partition || static_cast<int>(work.taken.size()) >= workers_per_table_) continue;
    work.taken.insert(*partition);
    return Task{at, *partition};
  }
  return std::nullopt;
}

std::optional<SteadyClock::time_point> LoadBoard::next_try() const {
  const auto now = SteadyClock::now();
  std::optional<SteadyClock::time_point> out;
  for (const auto& work : tables_)
    for (const auto& [heap, locked] : work.locked)
      if (!work.finished && !work.error && locked.until > now)
        out = std::min(out.value_or(locked.until), locked.until);
  return out;
}

/// With the mutex held: nothing is handed out any more.
bool LoadBoard::over() const {
  return stopped_ || error_ ||
         std::all_of(tables_.begin(), tables_.end(), [](const auto& w) { return w.finished || w.error; });
}

std::optional<Task> LoadBoard::take() {
  std::unique_lock lock(mutex_);
  while (!over() && present_ <= allowed()) {
    if (auto task = pick()) return task;
    if (const auto until = next_try())
      changed_.wait_until(lock, *until);
    else
      changed_.wait(lock);
  }
  --present_;
  changed_.notify_all();
  return std::nullopt;
}

void LoadBoard::give_back(const Task& task, Error why) {
  const std::lock_guard lock(mutex_);
  auto& work = tables_[task.table];
  work.taken.erase(task.partition);
  work.next = std::min(work.next, task.partition);
  auto& locked = work.locked[work.layout.partition(task.partition).heap];
  locked.until = SteadyClock::now() + locked.backoff.next();
  locked.why = std::move(why);
  changed_.notify_all();
}

void LoadBoard::set_limits(int parallel_tables, int workers_per_table) {
  const std::lock_guard lock(mutex_);
  if (parallel_tables_ == parallel_tables && workers_per_table_ == workers_per_table) return;
  parallel_tables_ = parallel_tables;
  workers_per_table_ = workers_per_table;
  changed_.notify_all();
}

void LoadBoard::set_share(std::size_t workers) {
  const std::lock_guard lock(mutex_);
  if (share_ == workers) return;
  share_ = workers;
  changed_.notify_all();
}

/// With the mutex held. At least one, which finds out that nothing is left.
std::size_t LoadBoard::useful() const {
  const auto limit =
      static_cast<std::size_t>(parallel_tables_) * static_cast<std::size_t>(workers_per_table_);
  std::size_t left = 0;
  for (const auto& work : tables_) {
    if (left >= limit) break;
    if (!work.finished && !work.error)
      left += static_cast<std::size_t>(work.layout.partitions() - work.done.size());
  }
  return std::max<std::size_t>(std::min(limit, left), 1);
}

std::size_t LoadBoard::wanted() const {
  const std::lock_guard lock(mutex_);
  return over() ? 0 : useful();
}

std::size_t LoadBoard::workers() const {
  const std::lock_guard lock(mutex_);
  return allowed();
}

bool LoadBoard::admit() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return over() || present_ < allowed(); });
  if (over()) return false;
  ++present_;
  return true;
}

void LoadBoard::dismiss() {
  const std::lock_guard lock(mutex_);
  --present_;
}

std::size_t LoadBoard::present() const {
  const std::lock_guard lock(mutex_);
  return present_;
}

void LoadBoard::pause(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, limit, [&] { return over() || present_ == 0; });
}

void LoadBoard::finish(const Task& task, std::int64_t rows, Lsn snapshot, const ClampCounts& clamped) {
  const std::lock_guard lock(mutex_);
  auto& work = tables_[task.table];
  work.taken.erase(task.partition);
  work.done.insert(task.partition);
  work.rows += rows;
  work.snapshot = std::max(work.snapshot, snapshot);
  work.locked.erase(work.layout.partition(task.partition).heap);
  for (std::size_t at = 0; at < clamped.size(); ++at)
    work.clamped[at] += clamped[at];
  work.finished = work.done.size() == work.layout.partitions();
  changed_.notify_all();
}

void LoadBoard::fail(const std::optional<Task>& task, Error error) {
  const std::lock_guard lock(mutex_);
  auto& place = task && concerns_one_table(error) ? tables_[task->table].error : error_;
  if (!place) place = std::move(error);
  if (task) tables_[task->table].taken.erase(task->partition);
  changed_.notify_all();
}

std::chrono::milliseconds LoadBoard::patience(const Task& task) const {
  constexpr std::chrono::milliseconds kFirst{2'000};
  constexpr int kDoublings = 6;
  const std::lock_guard lock(mutex_);
  const auto& work = tables_[task.table];
  const auto locked = work.locked.find(work.layout.partition(task.partition).heap);
  const int failures = locked == work.locked.end() ? 0 : locked->second.backoff.failures();
  return kFirst * (1 << std::min(failures, kDoublings));
}

void LoadBoard::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
}

void LoadBoard::report_retry(const std::optional<Error>& error) {
  const std::lock_guard lock(mutex_);
  retrying_ = error;
}

Partition LoadBoard::partition(const Task& task) const {
  const std::lock_guard lock(mutex_);
  return tables_[task.table].layout.partition(task.partition);
}

std::vector<TableLoad> LoadBoard::progress() const {
  const std::lock_guard lock(mutex_);
  std::vector<TableLoad> out = faults_;
  for (const auto& work : tables_)
    out.push_back(progress_of(work));
  return out;
}

std::optional<Error> LoadBoard::error() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

std::optional<Error> LoadBoard::retrying() const {
  const std::lock_guard lock(mutex_);
  if (retrying_) return retrying_;
  for (const auto& work : tables_)
    if (!work.finished && !work.error && !work.locked.empty()) return work.locked.begin()->second.why;
  return std::nullopt;
}

}  // namespace penstock::pipeline
