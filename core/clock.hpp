#pragma once

#include <chrono>

namespace penstock {

/// Time is an argument: whoever decides is handed a Clock or a time, never asks the system.
/// What people read. It may be set back or forward at any moment: nothing is waited for by it.
using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;
/// For waits, ages and rates: never set, and without a meaning outside of this process.
using SteadyTime = std::chrono::steady_clock::time_point;
using Millis = std::chrono::milliseconds;

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual WallTime now() const = 0;
  [[nodiscard]] virtual SteadyTime steady() const { return std::chrono::steady_clock::now(); }
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] WallTime now() const override {
    return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
  }
};

}  // namespace penstock
