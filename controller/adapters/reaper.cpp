#include "controller/adapters/reaper.hpp"

#include <utility>

#include "core/thread.hpp"

namespace penstock::adapters {

Reaper::~Reaper() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Reaper::take(std::shared_ptr<void> what) {
  if (!what) return;
  const std::lock_guard lock(mutex_);
  if (!thread_.joinable()) {
    auto started = start_thread("what has ended", [this] { work(); });
    if (!started) return;
    thread_ = *std::move(started);
  }
  waiting_.push_back(std::move(what));
  changed_.notify_all();
}

void Reaper::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    auto next = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    next.reset();
    lock.lock();
  }
}

}  // namespace penstock::adapters
