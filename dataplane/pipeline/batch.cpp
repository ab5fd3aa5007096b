#include "dataplane/pipeline/batch.hpp"

#include <algorithm>

namespace penstock::pipeline {

std::size_t Batch::bytes() const {
  std::size_t out = 0;
  for (const auto& table : tables)
    if (table) out += table->block.bytes();
  return out;
}

std::size_t Batch::inserts() const {
  std::size_t out = 0;
  for (const auto& table : tables)
    if (table) ++out;
  return out;
}

void BatchQueue::push(Batch batch) {
  const std::lock_guard lock(mutex_);
  waiting_.push_back(std::move(batch));
  changed_.notify_all();
}

bool BatchQueue::full() const {
  const std::lock_guard lock(mutex_);
  return waiting_.size() >= depth_;
}

bool BatchQueue::overfull() const {
  const std::lock_guard lock(mutex_);
  return waiting_.size() > depth_;
}

bool BatchQueue::idle() const {
  const std::lock_guard lock(mutex_);
  return nothing_owed();
}

Lsn BatchQueue::safe(Lsn received) const {
  const std::lock_guard lock(mutex_);
  return nothing_owed() ? std::max(written_, received) : written_;
}

std::optional<Batch> BatchQueue::pop() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return closed_ || !waiting_.empty(); });
  if (waiting_.empty()) return std::nullopt;
  Batch out = std::move(waiting_.front());
  waiting_.pop_front();
  in_flight_ = true;
  in_flight_commit_ = out.oldest_commit;
  return out;
}

void BatchQueue::done(const Batch& batch) {
  const std::lock_guard lock(mutex_);
  in_flight_ = false;
  if (batch.covers > written_) written_ = batch.covers;
}

void BatchQueue::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

Lsn BatchQueue::written() const {
  const std::lock_guard lock(mutex_);
  return written_;
}

std::int64_t BatchQueue::oldest_commit() const {
  const std::lock_guard lock(mutex_);
  if (in_flight_) return in_flight_commit_;
  return waiting_.empty() ? 0 : waiting_.front().oldest_commit;
}

}  // namespace penstock::pipeline
