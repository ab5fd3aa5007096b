#pragma once

#include <algorithm>
#include <chrono>

namespace penstock {

/// Exponential back-off: `first`, doubled at each failure, never above `limit`. A value type; no clock, no
/// sleep.
class Backoff {
 public:
  Backoff(std::chrono::milliseconds first, std::chrono::milliseconds limit) : first_(first), limit_(limit) {}

  /// How long to wait now; the next call answers twice that.
  [[nodiscard]] std::chrono::milliseconds next() {
    const auto wait = std::min(limit_, first_ * (1L << std::min(failures_, 30)));
    ++failures_;
    return wait;
  }
  void reset() { failures_ = 0; }
  [[nodiscard]] int failures() const { return failures_; }

 private:
  std::chrono::milliseconds first_;
  std::chrono::milliseconds limit_;
  int failures_ = 0;
};

}  // namespace penstock
