#pragma once

#include <chrono>

namespace penstock {

/// Time is an argument: whoever decides is handed a Clock or a time, never asks the system.
using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;
using Millis = std::chrono::milliseconds;

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual WallTime now() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] WallTime now() const override {
    return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
  }
};

}  // namespace penstock
