#include <array>
#include <string>

#include "dataplane/columns/conversions.hpp"
#include "dataplane/columns/number_text.hpp"

namespace penstock::conversions {

namespace {

struct Int128 {
  static constexpr std::string_view kName = "Int128", kMost = "170141183460469231731687303715884105727",
                                    kLeast = "170141183460469231731687303715884105728";
};
struct UInt128 {
  static constexpr std::string_view kName = "UInt128", kMost = "340282366920938463463374607431768211455",
                                    kLeast = "0";
};
struct Int256 {
  static constexpr std::string_view
      kName = "Int256",
      kMost = "57896044618658097711785492504342953926634992332820282019728792003956564819967",
      kLeast = "57896044618658097711785492504342953926634992332820282019728792003956564819968";
};
struct UInt256 {
  static constexpr std::string_view
      kName = "UInt256",
      kMost = "115792089237316195423570985008687907853269984665640564039457584007913129639935", kLeast = "0";
};

/// Digits without zeros in front: the longer number is the larger.
bool exceeds(std::string_view digits, std::string_view limit) {
  return digits.size() != limit.size() ? digits.size() > limit.size() : digits > limit;
}

/// Appends the digits alone: the server takes no 12.00.
template <typename Type>
FieldOutcome append_whole(const Conversion& /*conversion*/, Column& column, std::string_view bytes) {
  const auto number = parse_number(bytes);
  if (!number || number->kind != NumberText::Kind::Finite) return FieldOutcome::Unrepresentable;
  const SignificantDigits digits = significant_digits(*number);
  const int zeros = digits.point - static_cast<int>(digits.count);
  constexpr int kMostDigits = 78;
  if (digits.count > 0 && (zeros < 0 || digits.point > kMostDigits)) return FieldOutcome::Unrepresentable;
  std::string whole;
  for (std::size_t i = 0; i < digits.count; ++i)
    whole.push_back(number->digit(digits.first + i));
  whole.append(whole.empty() ? 1 : static_cast<std::size_t>(zeros), '0');
  const bool negative = number->negative && digits.count > 0;
  if (exceeds(whole, negative ? Type::kLeast : Type::kMost)) return FieldOutcome::Unrepresentable;
  column.append_string(negative ? "-" + whole : whole);
  return FieldOutcome::Exact;
}

std::string_view without_wrappers(std::string_view text) {
  for (const std::string_view wrapper : {"LowCardinality(", "Nullable("})
    if (text.starts_with(wrapper)) text = text.substr(wrapper.size(), text.size() - wrapper.size() - 1);
  return text;
}

template <typename... Types>
std::optional<Forms> one_of(std::string_view name) {
  std::optional<Forms> out;
  ((name == Types::kName ? void(out = Forms{nullptr, append_whole<Types>}) : void()), ...);
  return out;
}

}  // namespace

std::optional<Forms> to_wide_integer(const ColumnType& target) {
  return one_of<Int128, UInt128, Int256, UInt256>(without_wrappers(target.text));
}

}  // namespace penstock::conversions
