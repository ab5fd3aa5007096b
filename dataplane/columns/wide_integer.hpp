#pragma once

#include <array>
#include <cstdint>

namespace penstock {

__extension__ typedef unsigned __int128
    Uint128;  // NOLINT(modernize-use-using): `using` takes no __extension__

/// 256 bits, lowest word first, as ClickHouse stores Decimal256.
struct Uint256 {
  std::array<std::uint64_t, 4> words{};
};

/// `number` × `factor` + `digits`; the caller knows that it fits.
inline void push_digits(std::uint64_t& number, std::uint64_t factor, std::uint64_t digits) {
  number = number * factor + digits;
}
inline void push_digits(Uint128& number, std::uint64_t factor, std::uint64_t digits) {
  number = number * factor + digits;
}
inline void push_digits(Uint256& number, std::uint64_t factor, std::uint64_t digits) {
  Uint128 carry = digits;
  for (std::uint64_t& word : number.words) {
    carry += static_cast<Uint128>(word) * factor;
    word = static_cast<std::uint64_t>(carry);
    carry >>= 64;
  }
}

/// Two's complement of a magnitude.
inline std::uint64_t negated(std::uint64_t number) {
  return ~number + 1;
}
inline Uint128 negated(Uint128 number) {
  return ~number + 1;
}
inline Uint256 negated(Uint256 number) {
  Uint128 carry = 1;
  for (std::uint64_t& word : number.words) {
    carry += ~word;
    word = static_cast<std::uint64_t>(carry);
    carry >>= 64;
  }
  return number;
}

inline constexpr int kMostTens = 18;  ///< the largest power of ten that power_of_ten() knows
inline constexpr std::array<std::uint64_t, kMostTens + 1> kPowersOfTen = [] {
  std::array<std::uint64_t, kMostTens + 1> powers{1};
  for (std::size_t i = 1; i < powers.size(); ++i)
    powers[i] = powers[i - 1] * 10;
  return powers;
}();
[[nodiscard]] inline std::uint64_t power_of_ten(int exponent) {
  return kPowersOfTen[static_cast<std::size_t>(exponent)];
}

/// `number` × 10^`exponent`; the caller knows that it fits. No exponent above zero: nothing.
template <typename Number>
void push_zeros(Number& number, int exponent) {
  for (; exponent > kMostTens; exponent -= kMostTens)
    push_digits(number, power_of_ten(kMostTens), 0);
  if (exponent > 0) push_digits(number, power_of_ten(exponent), 0);
}

/// Decimal digits of `number`, 0 for 0.
[[nodiscard]] inline int digit_count(std::uint64_t number) {
  int count = 0;
  while (count <= kMostTens && number >= power_of_ten(count))
    ++count;
  return count == kMostTens + 1 && number >= power_of_ten(kMostTens) * 10 ? kMostTens + 2 : count;
}

}  // namespace penstock
