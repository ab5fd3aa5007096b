#pragma once

// Decimal numbers as integers: value × 10^scale, exactly, or not at all.

#include <cstddef>
#include <string_view>

#include "dataplane/columns/big_endian.hpp"
#include "dataplane/columns/field_decoder.hpp"
#include "dataplane/columns/number_text.hpp"
#include "dataplane/columns/wide_integer.hpp"

namespace penstock {

/// A number × 10^scale that has at most the asked-for digits.
template <typename Magnitude>
struct Scaled {
  Magnitude magnitude{};
  bool negative = false;

  [[nodiscard]] Magnitude twos_complement() const { return negative ? negated(magnitude) : magnitude; }
};

/// The most digits that a scaled number may have, and its scale.
struct Digits {
  int precision;
  int scale;
};

/// Exact; Unrepresentable: NaN, infinite, too many digits, or digits other than 0 beyond the scale; never
/// Malformed. `Magnitude` must hold `precision` digits.
template <typename Magnitude>
FieldOutcome scale_number(const NumberText& number, Digits limit, Scaled<Magnitude>& out) {
  if (number.kind != NumberText::Kind::Finite) return FieldOutcome::Unrepresentable;
  const SignificantDigits digits = significant_digits(number);
  if (digits.count == 0) return FieldOutcome::Exact;
  const int zeros = digits.point + limit.scale - static_cast<int>(digits.count);
  if (zeros < 0 || digits.point + limit.scale > limit.precision) return FieldOutcome::Unrepresentable;
  for (std::size_t i = 0; i < digits.count; ++i) {
    push_digits(out.magnitude, 10, static_cast<std::uint64_t>(number.digit(digits.first + i) - '0'));
  }
  push_zeros(out.magnitude, zeros);
  out.negative = number.negative;
  return FieldOutcome::Exact;
}

template <typename Magnitude>
FieldOutcome scale_integer(std::uint64_t magnitude, bool negative, Digits limit, Scaled<Magnitude>& out) {
  if (magnitude == 0) return FieldOutcome::Exact;
  if (digit_count(magnitude) + limit.scale > limit.precision) return FieldOutcome::Unrepresentable;
  push_digits(out.magnitude, 1, magnitude);
  push_zeros(out.magnitude, limit.scale);
  out.negative = negative;
  return FieldOutcome::Exact;
}

/// The binary form of a numeric (PostgreSQL source, numeric.c, numeric_recv(): counts and digits of base
/// 10,000, the first one worth 10,000^weight).
class NumericBinary {
 public:
  enum class Sign : std::uint16_t {
    Plus = 0,
    Minus = 0x4000,
    NaN = 0xC000,
    Infinity = 0xD000,
    MinusInfinity = 0xF000
  };

  /// False: malformed.
  [[nodiscard]] bool read(std::string_view bytes) {
    if (bytes.size() < kHeader) return false;
    count_ = load_big_endian<std::int16_t>(bytes.data());
    weight_ = load_big_endian<std::int16_t>(bytes.data() + 2);
    sign_ = static_cast<Sign>(load_big_endian<std::uint16_t>(bytes.data() + 4));
    digits_ = bytes.data() + kHeader;
    if (count_ < 0 || bytes.size() != kHeader + 2 * static_cast<std::size_t>(count_)) return false;
    for (int i = 0; i < count_; ++i) {
      if (digit(i) > 9999) return false;
    }
    strip_zeros();
    return finite() || sign_ == Sign::NaN || sign_ == Sign::Infinity || sign_ == Sign::MinusInfinity;
  }

  [[nodiscard]] bool finite() const { return sign_ == Sign::Plus || sign_ == Sign::Minus; }
  [[nodiscard]] Sign sign() const { return sign_; }
  [[nodiscard]] int count() const { return count_; }  ///< without zeros at either end
  [[nodiscard]] std::uint16_t digit(int index) const {
    return load_big_endian<std::uint16_t>(digits_ + std::ptrdiff_t{2} * index);
  }
  /// The power of ten that digit `index` counts.
  [[nodiscard]] int exponent(int index) const { return 4 * (weight_ - index); }

 private:
  static constexpr std::size_t kHeader = 8;

  void strip_zeros() {
    for (; count_ > 0 && digit(0) == 0; --count_, --weight_)
      digits_ += 2;
    while (count_ > 0 && digit(count_ - 1) == 0)
      --count_;
  }

  int count_ = 0;
  int weight_ = 0;
  Sign sign_ = Sign::Plus;
  const char* digits_ = nullptr;
};

template <typename Magnitude>
FieldOutcome scale_numeric(const NumericBinary& number, Digits limit, Scaled<Magnitude>& out) {
  if (!number.finite()) return FieldOutcome::Unrepresentable;
  if (number.count() == 0) return FieldOutcome::Exact;
  if (digit_count(number.digit(0)) + number.exponent(0) + limit.scale > limit.precision) {
    return FieldOutcome::Unrepresentable;
  }
  int exponent = 0;
  for (int i = 0; i < number.count(); ++i) {
    exponent = number.exponent(i) + limit.scale;
    if (exponent >= 0) {
      push_digits(out.magnitude, 10'000, number.digit(i));
      continue;
    }
    if (exponent <= -4) return FieldOutcome::Unrepresentable;  // the last digit is not 0
    const std::uint64_t beyond = power_of_ten(-exponent);
    if (number.digit(i) % beyond != 0) return FieldOutcome::Unrepresentable;
    push_digits(out.magnitude, 10'000 / beyond, number.digit(i) / beyond);
  }
  push_zeros(out.magnitude, exponent);
  out.negative = number.sign() == NumericBinary::Sign::Minus;
  return FieldOutcome::Exact;
}

}  // namespace penstock
