#pragma once

#include <atomic>
#include <chrono>

namespace penstock::engine {

/// For how long a connection has been waiting for its client: for the next request, for the rest of one, for
/// more of an INSERT's data, or for room to send a result. Any thread.
class PeerWait {
 public:
  void begin() { since_ = std::chrono::steady_clock::now().time_since_epoch().count(); }
  void end() { since_ = kWorking; }
  /// Zero while it does not.
  [[nodiscard]] std::chrono::milliseconds lasted() const {
    const auto since = since_.load();
    if (since == kWorking) return std::chrono::milliseconds(0);
    const std::chrono::steady_clock::time_point begun{std::chrono::steady_clock::duration(since)};
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun);
  }

 private:
  static constexpr std::chrono::steady_clock::rep kWorking = -1;
  std::atomic<std::chrono::steady_clock::rep> since_{kWorking};
};

}  // namespace penstock::engine
