#include <algorithm>
#include <type_traits>

#include "dataplane/columns/conversions.hpp"
#include "dataplane/columns/scaled_number.hpp"
#include "dataplane/columns/source_number.hpp"

namespace penstock::conversions {

namespace {

/// More significant digits than any float gives back.
constexpr std::size_t kTooManyDigits = 32;

template <typename Target>
FieldOutcome store(Column& column, Target value) {
  column.append_fixed(value);
  return FieldOutcome::Exact;
}

/// Whether the shortest text of `value` is the number at hand: nothing is lost that printing would show.
template <typename Target>
bool gives_back(Target value, const NumberText& number) {
  NumberBuffer buffer;
  const auto printed = parse_number(shortest_text(value, buffer));
  return printed && same_number(*printed, number);
}

template <typename Target>
FieldOutcome store_number(Column& column, std::string_view text, const NumberText& number) {
  Target value = 0;
  if (!parse_float(text, value)) return FieldOutcome::Unrepresentable;  // out of the target's range
  const bool exact = number.kind != NumberText::Kind::Finite || gives_back(value, number);
  return exact ? store(column, value) : FieldOutcome::Unrepresentable;
}

template <typename Target>
FieldOutcome number_text(const Conversion& /*conversion*/, Column& column, std::string_view bytes) {
  const auto number = parse_number(bytes);
  if (!number) return FieldOutcome::Malformed;
  return store_number<Target>(column, bytes, *number);
}

/// "-1234567800e-4": a short numeric as text, in `buffer`; empty when it has more digits than a float.
std::string_view short_text(const NumericBinary& number, std::array<char, 64>& buffer) {
  if (number.count() > static_cast<int>(kTooManyDigits / 4)) return {};
  char* out = buffer.data();
  if (number.sign() == NumericBinary::Sign::Minus) *out++ = '-';
  *out++ = '0';
  for (int i = 0; i < number.count(); ++i) {
    for (const int place : {1000, 100, 10, 1})
      *out++ = static_cast<char>('0' + number.digit(i) / place % 10);
  }
  *out++ = 'e';
  const int exponent = number.count() == 0 ? 0 : number.exponent(number.count() - 1);
  out = std::to_chars(out, buffer.data() + buffer.size(), exponent).ptr;
  return {buffer.data(), static_cast<std::size_t>(out - buffer.data())};
}

template <typename Target>
FieldOutcome numeric_binary(const Conversion& conversion, Column& column, std::string_view bytes) {
  using Sign = NumericBinary::Sign;
  constexpr Target kInfinity = std::numeric_limits<Target>::infinity();
  NumericBinary number;
  if (!number.read(bytes)) return FieldOutcome::Malformed;
  if (number.sign() == Sign::NaN) return store(column, std::numeric_limits<Target>::quiet_NaN());
  if (number.sign() == Sign::Infinity) return store(column, kInfinity);
  if (number.sign() == Sign::MinusInfinity) return store(column, -kInfinity);
  if (number.count() == 0) return store(column, Target{0});
  std::array<char, 64> buffer;
  const std::string_view text = short_text(number, buffer);
  return text.empty() ? FieldOutcome::Unrepresentable : number_text<Target>(conversion, column, text);
}

template <typename Source, typename Target>
FieldOutcome store_float(Column& column, Source value) {
  if constexpr (sizeof(Source) <= sizeof(Target)) {
    return store(column, static_cast<Target>(value));
  } else {
    if (!std::isfinite(value)) return store(column, static_cast<Target>(value));
    NumberBuffer buffer;
    const std::string_view text = shortest_text(value, buffer);
    return store_number<Target>(column, text, *parse_number(text));
  }
}

template <typename Source, typename Target>
FieldOutcome float_binary(const Conversion& /*conversion*/, Column& column, std::string_view bytes) {
  Source value = 0;
  if (!read_float(bytes, value)) return FieldOutcome::Malformed;
  return store_float<Source, Target>(column, value);
}

template <typename Source, typename Target>
FieldOutcome float_text(const Conversion& /*conversion*/, Column& column, std::string_view bytes) {
  Source value = 0;
  if (!parse_float(bytes, value)) return FieldOutcome::Malformed;
  return store_float<Source, Target>(column, value);
}

/// An integer that the target holds exactly (up to 2^24 or 2^53 all of them are).
template <typename Target>
FieldOutcome store_integer(Column& column, std::int64_t value) {
  constexpr double kBeyond = 9223372036854775808.0;  // 2^63
  const auto converted = static_cast<Target>(value);
  const auto back = static_cast<double>(converted);
  if (back >= kBeyond || static_cast<std::int64_t>(back) != value) return FieldOutcome::Unrepresentable;
  return store(column, converted);
}

template <typename Source, typename Target>
FieldOutcome integer_binary(const Conversion& /*conversion*/, Column& column, std::string_view bytes) {
  std::int64_t value = 0;
  if (!read_integer<Source>(bytes, value)) return FieldOutcome::Malformed;
  return store_integer<Target>(column, value);
}

template <typename Target>
FieldOutcome integer_text(const Conversion& /*conversion*/, Column& column, std::string_view bytes) {
  std::int64_t value = 0;
  const char* const end = bytes.data() + bytes.size();
  const auto read = std::from_chars(bytes.data(), end, value);
  if (read.ec != std::errc() || read.ptr != end) return FieldOutcome::Malformed;
  return store_integer<Target>(column, value);
}

template <typename Target>
Forms forms(TypeFamily source) {
  switch (source) {
    case TypeFamily::Int2:
      return {integer_binary<std::int16_t, Target>, integer_text<Target>};
    case TypeFamily::Int4:
      return {integer_binary<std::int32_t, Target>, integer_text<Target>};
    case TypeFamily::Int8:
      return {integer_binary<std::int64_t, Target>, integer_text<Target>};
    case TypeFamily::Oid:
      return {integer_binary<std::uint32_t, Target>, integer_text<Target>};
    case TypeFamily::Float4:
      return {float_binary<float, Target>, float_text<float, Target>};
    case TypeFamily::Float8:
      return {float_binary<double, Target>, float_text<double, Target>};
    case TypeFamily::Numeric:
      return {numeric_binary<Target>, number_text<Target>};
    default:
      return from_foreign_text<number_text<Target>>(source);
  }
}

}  // namespace

Forms to_float(TypeFamily source, ColumnType::Kind target) {
  return target == ColumnType::Kind::Float32 ? forms<float>(source) : forms<double>(source);
}

}  // namespace penstock::conversions
