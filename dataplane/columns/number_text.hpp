#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace penstock {

/// A number as PostgreSQL prints one: 12.50, -0.001, 1e+20, NaN, -Infinity.
struct NumberText {
  enum class Kind { Finite, NaN, Infinity };
  Kind kind = Kind::Finite;
  bool negative = false;
  std::string_view whole;     ///< digits before the point
  std::string_view fraction;  ///< digits behind it
  int exponent = 0;           ///< of ten, at most some 100,000 in size

  [[nodiscard]] std::size_t digits() const { return whole.size() + fraction.size(); }
  [[nodiscard]] char digit(std::size_t index) const {
    return index < whole.size() ? whole[index] : fraction[index - whole.size()];
  }
};

/// None for text that is no number.
[[nodiscard]] std::optional<NumberText> parse_number(std::string_view text);

/// The digits of a number that count: 0.0120 is "12" at point -1 (0.12 × 10^-1). Zero has none.
struct SignificantDigits {
  std::size_t first = 0;  ///< index into NumberText's digits
  std::size_t count = 0;
  int point = 0;  ///< the number is 0.d1d2d3… × 10^point
};
[[nodiscard]] SignificantDigits significant_digits(const NumberText& number);

/// Whether both are the same number, to the last digit.
[[nodiscard]] bool same_number(const NumberText& left, const NumberText& right);

/// The digits that PostgreSQL prints for `value`, which must be finite, in `buffer`: the shortest that read
/// back as it, whichever way a reader rounds. 1e23 lies halfway between two doubles, and is neither's text.
using NumberBuffer = std::array<char, 32>;
[[nodiscard]] std::string_view shortest_text(double value, NumberBuffer& buffer);
[[nodiscard]] std::string_view shortest_text(float value, NumberBuffer& buffer);

}  // namespace penstock
