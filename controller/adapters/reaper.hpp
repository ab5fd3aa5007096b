#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

namespace penstock::adapters {

/// Destroys what takes a while to end (it joins threads that wait for servers), on a thread of its own:
/// nobody else is to wait for that. Thread-safe. Destroyed, it ends all that it was given first.
class Reaper {
 public:
  Reaper() = default;
  ~Reaper();
  Reaper(const Reaper&) = delete;
  Reaper& operator=(const Reaper&) = delete;

  /// Where no thread can be had, `what` is destroyed before this returns.
  void take(std::shared_ptr<void> what);

 private:
  void work();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<void>> waiting_;
  bool ending_ = false;
  std::jthread thread_;  // started with the first that comes
};

}  // namespace penstock::adapters
