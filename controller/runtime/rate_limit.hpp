#pragma once

#include <map>

#include "controller/runtime/object.hpp"
#include "controller/runtime/steady_time.hpp"
#include "core/clock.hpp"

namespace penstock::runtime {

/// A bucket that holds up to `burst` tokens and gains `per_second`. A value type; not thread-safe.
class TokenBucket {
 public:
  TokenBucket(double per_second, double burst) : per_second_(per_second), burst_(burst), tokens_(burst) {}

  /// Takes a token, if need be one that comes in the future, and says how long until then.
  [[nodiscard]] Millis reserve(SteadyTime now);
  /// Takes a token if there is one now.
  [[nodiscard]] bool try_take(SteadyTime now);

 private:
  void refill(SteadyTime now);

  double per_second_;
  double burst_;
  double tokens_;
  SteadyTime last_{};
};

/// When a failed key may be tried again: the later of its own exponential delay (5 ms·2^n, at most 1000 s)
/// and an overall bucket of 10 per second, burst 100 (client-go, DefaultControllerRateLimiter). Not
/// thread-safe.
class RetryLimiter {
 public:
  /// Counts one more failure of `key`.
  [[nodiscard]] Millis delay(const ObjectKey& key, SteadyTime now);
  void forget(const ObjectKey& key) { failures_.erase(key); }
  [[nodiscard]] int failures(const ObjectKey& key) const;

 private:
  std::map<ObjectKey, int> failures_;
  TokenBucket overall_{10.0, 100.0};
};

}  // namespace penstock::runtime
