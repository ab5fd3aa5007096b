#pragma once

#include <atomic>
#include <exception>
#include <functional>
#include <limits>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/postgres_server.hpp"

namespace penstock::test {

/// Sessions that write at the same time, each in a thread of its own.
class Writers {
 public:
  using Step = std::function<void(PostgresSession&)>;

  Writers() = default;
  Writers(Writers&&) = delete;
  Writers& operator=(Writers&&) = delete;
  ~Writers();  ///< stops them, whatever they threw

  /// One more session, which repeats `step` until stopped, `steps` times at most. `server` outlives it.
  void start(const PostgresServer& server, const std::string& database, Step step,
             int steps = std::numeric_limits<int>::max());
  /// Whether one of them still writes.
  [[nodiscard]] bool busy() const { return left_.load() > 0; }
  /// Waits until all have ended their step; rethrows the first thing that one of them has thrown.
  void stop();

 private:
  void join();

  std::vector<std::thread> threads_;
  std::atomic<bool> go_on_{true};
  std::atomic<int> left_{0};
  std::mutex mutex_;
  std::exception_ptr thrown_;
};

}  // namespace penstock::test
