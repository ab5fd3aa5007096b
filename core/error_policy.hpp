#pragma once

#include <chrono>

#include "core/backoff.hpp"
#include "core/result.hpp"

namespace penstock {

/// What an error of a kind leads to. The one switch over ErrorKind.
struct ErrorPolicy {
  bool stalls = false;              ///< a person is needed: condition Stalled
  bool fails_the_pipe = false;      ///< state Failed: no probe cures it
  bool probes_credentials = false;  ///< look every 2 s whether a Secret was changed, and try at once then
  std::chrono::milliseconds first{500};
  std::chrono::milliseconds limit{30'000};
};
[[nodiscard]] ErrorPolicy policy(ErrorKind kind);

/// How long to wait after the n-th failure in a row (1 and up).
[[nodiscard]] std::chrono::milliseconds wait_after(ErrorKind kind, int failures);

}  // namespace penstock
