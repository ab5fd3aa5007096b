#include "controller/runtime/work_queue.hpp"

#include <algorithm>

namespace penstock::runtime {

WorkQueue::WorkQueue(std::string name, ControllerMetrics& metrics, SteadyNow now)
    : name_(std::move(name)), metrics_(metrics), now_(std::move(now)) {}

void WorkQueue::add(const ObjectKey& key) {
  const std::lock_guard lock(mutex_);
  add_locked(key, now_());
}

void WorkQueue::add_locked(const ObjectKey& key, SteadyTime now) {
  if (shutting_down_ || !dirty_.emplace(key, now).second) return;
  metrics_.queue_added(name_);
  if (!processing_.contains(key)) enqueue_locked(key);
}

void WorkQueue::enqueue_locked(const ObjectKey& key) {
  queue_.push_back(key);
  metrics_.queue_depth(name_, queue_.size());
  changed_.notify_one();
}

void WorkQueue::add_after(const ObjectKey& key, Millis delay) {
  const std::lock_guard lock(mutex_);
  add_after_locked(key, delay);
}

void WorkQueue::add_after_locked(const ObjectKey& key, Millis delay) {
  if (shutting_down_) return;
  metrics_.queue_retried(name_);
  const auto now = now_();
  if (delay <= Millis{0}) return add_locked(key, now);
  const auto when = now + delay;
  if (const auto [entry, fresh] = waiting_.emplace(key, when); !fresh) {
    if (entry->second <= when) return;
    due_.erase({entry->second, key});
    entry->second = when;
  }
  due_.emplace(when, key);
  // Whoever waits in `get` may be waiting for a later time.
  if (due_.begin()->second == key) changed_.notify_one();
}

void WorkQueue::add_rate_limited(const ObjectKey& key) {
  const std::lock_guard lock(mutex_);
  add_after_locked(key, retries_.delay(key, now_()));
}

void WorkQueue::forget(const ObjectKey& key) {
  const std::lock_guard lock(mutex_);
  retries_.forget(key);
}

int WorkQueue::failures(const ObjectKey& key) const {
  const std::lock_guard lock(mutex_);
  return retries_.failures(key);
}

void WorkQueue::release_due_locked(SteadyTime now) {
  while (!due_.empty() && due_.begin()->first <= now) {
    const ObjectKey key = due_.begin()->second;
    due_.erase(due_.begin());
    waiting_.erase(key);
    add_locked(key, now);
  }
}

std::optional<ObjectKey> WorkQueue::take_locked() {
  const auto now = now_();
  release_due_locked(now);
  if (queue_.empty()) return std::nullopt;
  ObjectKey key = std::move(queue_.front());
  queue_.pop_front();
  const auto wanted = dirty_.extract(key);
  processing_.emplace(key, now);
  metrics_.queue_depth(name_, queue_.size());
  metrics_.queue_waited(name_, seconds_between(wanted.mapped(), now));
  return key;
}

std::optional<ObjectKey> WorkQueue::poll() {
  const std::lock_guard lock(mutex_);
  return take_locked();
}

std::optional<ObjectKey> WorkQueue::get() {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (auto key = take_locked()) return key;
    if (shutting_down_) return std::nullopt;
    if (due_.empty()) {
      changed_.wait(lock);
    } else {
      changed_.wait_for(lock, due_.begin()->first - now_());
    }
  }
}

void WorkQueue::done(const ObjectKey& key) {
  const std::lock_guard lock(mutex_);
  const auto work = processing_.extract(key);
  if (work.empty()) return;
  metrics_.queue_worked(name_, seconds_between(work.mapped(), now_()));
  if (dirty_.contains(key)) enqueue_locked(key);
  if (shutting_down_) changed_.notify_all();
}

void WorkQueue::shut_down() {
  const std::lock_guard lock(mutex_);
  shutting_down_ = true;
  waiting_.clear();
  due_.clear();
  changed_.notify_all();
}

void WorkQueue::shut_down_and_drain() {
  shut_down();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return processing_.empty(); });
}

std::size_t WorkQueue::in_work_longer_than(Millis time) const {
  const std::lock_guard lock(mutex_);
  const auto now = now_();
  return static_cast<std::size_t>(std::count_if(processing_.begin(), processing_.end(),
                                                [&](const auto& one) { return now - one.second > time; }));
}

WorkQueue::InWork WorkQueue::in_work() const {
  const std::lock_guard lock(mutex_);
  const auto now = now_();
  InWork out{processing_.size()};
  for (const auto& [key, since] : processing_) {
    const double seconds = seconds_between(since, now);
    out.seconds += seconds;
    out.longest = std::max(out.longest, seconds);
  }
  return out;
}

std::size_t WorkQueue::size() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

}  // namespace penstock::runtime
