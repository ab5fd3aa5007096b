#include "dataplane/columns/number_text.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "dataplane/columns/wide_integer.hpp"

namespace penstock {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// The digits at the front of `text`, which it loses.
std::string_view take_digits(std::string_view& text) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
  const std::string_view digits = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(digits.size());
  return digits;
}

bool take(std::string_view& text, char wanted) {
  if (text.empty() || text.front() != wanted) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<int> parse_exponent(std::string_view text) {
  constexpr int kLargest = 100'000;  // beyond every type's range, so that sums of exponents stay small
  const bool negative = take(text, '-');
  if (!negative) (void)take(text, '+');
  if (text.empty()) return std::nullopt;
  int value = 0;
  for (const char c : text) {
    if (!is_digit(c)) return std::nullopt;
    value = std::min(kLargest, value * 10 + (c - '0'));
  }
  return negative ? -value : value;
}

template <typename T>
std::string_view shortest(T value, NumberBuffer& buffer) {
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific);
  return {buffer.data(), static_cast<std::size_t>(end.ptr - buffer.data())};
}

/// Whether the number lies halfway between two neighbours of T: it takes one bit more than they have. What
/// has digits behind the point is never the shortest of such.
template <typename T>
bool is_halfway(std::string_view text) {
  const auto number = parse_number(text);
  if (!number) return false;
  const SignificantDigits digits = significant_digits(*number);
  const int zeros = digits.point - static_cast<int>(digits.count);
  constexpr int kBits = std::numeric_limits<T>::digits + 1;
  constexpr int kMostZeros = 23;  // 5^24 alone takes more bits than there are
  if (digits.count == 0 || zeros < 0 || zeros > kMostZeros) return false;
  Uint128 odd = 0;
  for (std::size_t i = 0; i < digits.count; ++i)
    odd = odd * 10 + static_cast<unsigned>(number->digit(digits.first + i) - '0');
  for (int i = 0; i < zeros; ++i)
    odd *= 5;
  while (odd % 2 == 0)
    odd /= 2;
  return odd >> (kBits - 1) == 1;
}

template <typename T>
std::string_view with_digits(T value, int behind_the_point, NumberBuffer& buffer) {
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                 std::chars_format::scientific, behind_the_point);
  return {buffer.data(), static_cast<std::size_t>(end.ptr - buffer.data())};
}

template <typename T>
std::string_view shortest_not_halfway(T value, NumberBuffer& buffer) {
  const auto text = shortest(value, buffer);
  if (!is_halfway<T>(text)) return text;
  constexpr int kMost = std::numeric_limits<T>::max_digits10 - 1;
  for (int digits = 0; digits < kMost; ++digits) {
    const auto longer = with_digits(value, digits, buffer);
    T back = 0;
    std::from_chars(longer.data(), longer.data() + longer.size(), back);
    if (back == value && !is_halfway<T>(longer)) return longer;
  }
  return with_digits(value, kMost, buffer);
}

}  // namespace

std::optional<NumberText> parse_number(std::string_view text) {
  NumberText number;
  if (text == "NaN") {
    number.kind = NumberText::Kind::NaN;
    return number;
  }
  number.negative = take(text, '-');
  if (text == "Infinity") {
    number.kind = NumberText::Kind::Infinity;
    return number;
  }
  number.whole = take_digits(text);
  if (take(text, '.')) number.fraction = take_digits(text);
  if (number.digits() == 0) return std::nullopt;
  if (take(text, 'e') || take(text, 'E')) {
    const auto exponent = parse_exponent(text);
    if (!exponent) return std::nullopt;
    number.exponent = *exponent;
    return number;
  }
  return text.empty() ? std::optional(number) : std::nullopt;
}

SignificantDigits significant_digits(const NumberText& number) {
  std::size_t first = 0;
  std::size_t last = number.digits();
  while (first < last && number.digit(first) == '0')
    ++first;
  while (last > first && number.digit(last - 1) == '0')
    --last;
  const int point = static_cast<int>(number.whole.size()) - static_cast<int>(first) + number.exponent;
  return {.first = first, .count = last - first, .point = point};
}

bool same_number(const NumberText& left, const NumberText& right) {
  if (left.kind != right.kind) return false;
  if (left.kind == NumberText::Kind::NaN) return true;
  const SignificantDigits a = significant_digits(left);
  const SignificantDigits b = significant_digits(right);
  if (a.count != b.count) return false;
  if (left.kind == NumberText::Kind::Finite && a.count == 0) return true;
  if (left.negative != right.negative || a.point != b.point) return false;
  for (std::size_t i = 0; i < a.count; ++i) {
    if (left.digit(a.first + i) != right.digit(b.first + i)) return false;
  }
  return true;
}

std::string_view shortest_text(double value, NumberBuffer& buffer) {
  return shortest_not_halfway(value, buffer);
}
std::string_view shortest_text(float value, NumberBuffer& buffer) {
  return shortest_not_halfway(value, buffer);
}

}  // namespace penstock
