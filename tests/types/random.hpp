#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace penstock::types {

/// What a seed decides. The same seed gives the same numbers on every machine.
class Random {
 public:
  explicit Random(std::uint64_t seed) : bits_(seed) {}

  std::uint64_t bits() { return bits_(); }
  /// Both ends included. Not std::uniform_int_distribution, whose numbers differ between libraries.
  std::int64_t number(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(bits() % static_cast<std::uint64_t>(high - low + 1));
  }
  bool chance(int percent) { return number(1, 100) <= percent; }
  template <typename T>
  const T& of(const std::vector<T>& all) {
    return all[static_cast<std::size_t>(bits() % all.size())];
  }

 private:
  std::mt19937_64 bits_;
};

}  // namespace penstock::types
