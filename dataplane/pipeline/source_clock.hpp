#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace penstock::pipeline {

/// What time it is at the source, by the times that it sends with the stream: the age of a commit is told by
/// the clock that dated it, whatever ours is set to. Pure; times are microseconds since 2000-01-01, as
/// PostgreSQL sends them.
class SourceClock {
 public:
  using Steady = std::chrono::steady_clock::time_point;

  /// A message was sent at `sent`, and is read `now`. It may have waited to be read: for a minute the message
  /// counts that waited least.
  void heard(std::int64_t sent, Steady now) {
    constexpr std::chrono::minutes kKept{1};
    const auto ahead = sent - micros(now);
    if (known_ && ahead <= ahead_ && now - since_ < kKept) return;
    known_ = true;
    ahead_ = ahead;
    since_ = now;
  }
  /// In seconds; 0 while nothing has been heard.
  [[nodiscard]] double age_of(std::int64_t commit, Steady now) const {
    return known_ ? std::max(0.0, static_cast<double>(micros(now) + ahead_ - commit) / 1e6) : 0;
  }

 private:
  static std::int64_t micros(Steady time) {
    return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
  }

  bool known_ = false;
  std::int64_t ahead_ = 0;  ///< of our steady clock
  Steady since_;
};

}  // namespace penstock::pipeline
