#include "controller/runtime/rate_limit.hpp"

#include <algorithm>
#include <cmath>

namespace penstock::runtime {
namespace {

constexpr Millis kFirstDelay{5};
constexpr Millis kLongestDelay{1'000'000};
constexpr int kDoublings = 18;  // 5 ms * 2^18 is past the longest delay

}  // namespace

void TokenBucket::refill(SteadyTime now) {
  if (last_ == SteadyTime{}) last_ = now;  // full at first use
  if (now <= last_) return;
  tokens_ = std::min(burst_, tokens_ + seconds_between(last_, now) * per_second_);
  last_ = now;
}

Millis TokenBucket::reserve(SteadyTime now) {
  refill(now);
  tokens_ -= 1.0;
  if (tokens_ >= 0.0) return Millis{0};
  return Millis{static_cast<Millis::rep>(std::ceil(-tokens_ / per_second_ * 1000.0))};
}

bool TokenBucket::try_take(SteadyTime now) {
  refill(now);
  if (tokens_ < 1.0) return false;
  tokens_ -= 1.0;
  return true;
}

Millis RetryLimiter::delay(const ObjectKey& key, SteadyTime now) {
  const int failed = failures_[key]++;
  const auto own = std::min(kLongestDelay, kFirstDelay * (Millis::rep{1} << std::min(failed, kDoublings)));
  return std::max(own, overall_.reserve(now));
}

int RetryLimiter::failures(const ObjectKey& key) const {
  const auto found = failures_.find(key);
  return found == failures_.end() ? 0 : found->second;
}

}  // namespace penstock::runtime
