#pragma once

#include <optional>
#include <string>

namespace penstock::types {

/// A finite number as its digits, without zeros at either end, × 10^exponent.
struct Digits {
  bool negative = false;
  std::string digits;  ///< none: zero
  long exponent = 0;

  bool operator==(const Digits& other) const {
    return digits == other.digits &&
           (digits.empty() || (negative == other.negative && exponent == other.exponent));
  }
  [[nodiscard]] std::string text() const;
};

/// 12.50, -1e+20, .5; none for what is no finite number.
[[nodiscard]] std::optional<Digits> digits_of(const std::string& text);

/// A float's text in the form of its bits; NaN is one.
[[nodiscard]] std::string bits_of(float value);
[[nodiscard]] std::string bits_of(double value);

}  // namespace penstock::types
