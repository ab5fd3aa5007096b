#pragma once

#include <chrono>
#include <functional>

#include "core/clock.hpp"

namespace penstock::runtime {

using penstock::SteadyTime;

/// Who is asked what time it is; tests hand in their own.
using SteadyNow = std::function<SteadyTime()>;

[[nodiscard]] inline SteadyTime steady_now() {
  return std::chrono::steady_clock::now();
}

[[nodiscard]] inline double seconds_between(SteadyTime from, SteadyTime to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace penstock::runtime
