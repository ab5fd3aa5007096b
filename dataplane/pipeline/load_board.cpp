#include "dataplane/pipeline/load_board.hpp"

#include <algorithm>

namespace penstock::pipeline {
namespace {

TableLoad progress_of(const TableWork& work) {
  TableLoad out;
  out.source = work.table.job.source_text;
  out.load = work.table.job.load;
  out.finished = work.finished;
  out.error = work.error;
  out.layout = work.layout.text();
  out.partitions = work.partitions;
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
  int open = 0;
  for (std::size_t at = 0; at < tables_.size() && open < parallel_tables_; ++at) {
    auto& work = tables_[at];
    if (work.finished || work.error) continue;
    ++open;
    if (static_cast<int>(work.taken.size()) >= workers_per_table_) continue;
    const auto total = work.layout.partitions();
    while (work.next < total && work.done.contains(work.next))
      ++work.next;
    if (work.next == total) continue;
    work.taken.insert(work.next);
    return Task{at, work.next++};
  }
  return std::nullopt;
}

std::optional<Task> LoadBoard::take() {
  std::unique_lock lock(mutex_);
  while (!stopped_ && !error_) {
    if (auto task = pick()) return task;
    const bool all_finished =
        std::all_of(tables_.begin(), tables_.end(), [](const auto& w) { return w.finished || w.error; });
    if (all_finished) break;
    changed_.wait(lock);
  }
  return std::nullopt;
}

void LoadBoard::finish(const Task& task, std::int64_t rows, Lsn snapshot, const ClampCounts& clamped) {
  const std::lock_guard lock(mutex_);
  auto& work = tables_[task.table];
  work.taken.erase(task.partition);
  work.done.insert(task.partition);
  work.rows += rows;
  work.snapshot = std::max(work.snapshot, snapshot);
  for (std::size_t at = 0; at < clamped.size(); ++at)
    work.clamped[at] += clamped[at];
  work.finished = work.done.size() == work.layout.partitions();
  changed_.notify_all();
}

void LoadBoard::fail(const std::optional<Task>& task, Error error) {
  const std::lock_guard lock(mutex_);
  auto& place = task && error.kind == ErrorKind::BadData ? tables_[task->table].error : error_;
  if (!place) place = std::move(error);
  if (task) tables_[task->table].taken.erase(task->partition);
  changed_.notify_all();
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
  return retrying_;
}

}  // namespace penstock::pipeline
