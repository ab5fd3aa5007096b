#include <type_traits>

#include "dataplane/columns/conversions.hpp"
#include "dataplane/columns/scaled_number.hpp"
#include "dataplane/columns/source_number.hpp"

namespace penstock::conversions {

namespace {

/// The widest integer targets have twenty digits.
constexpr Digits kIntegerDigits{.precision = 20, .scale = 0};

/// Bool is stored as a byte that is 0 or 1.
template <typename Target>
using Stored = std::conditional_t<std::is_same_v<Target, bool>, std::uint8_t, Target>;

template <typename Target>
FieldOutcome store(Column& column, bool negative, Uint128 magnitude) {
  const Uint128 most = negative ? (std::is_signed_v<Target> ? Uint128{1} << (8 * sizeof(Target) - 1) : 0)
                                : static_cast<Uint128>(std::numeric_limits<Target>::max());
  if (magnitude > most) return FieldOutcome::Unrepresentable;
  const auto bits = static_cast<std::uint64_t>(magnitude);
  column.append_fixed(static_cast<Stored<Target>>(negative ? negated(bits) : bits));
  return FieldOutcome::Exact;
}

template <typename Target>
FieldOutcome store_signed(Column& column, std::int64_t value) {
  const auto bits = static_cast<std::uint64_t>(value);
  return store<Target>(column, value < 0, value < 0 ? negated(bits) : bits);
}

template <typename Source, typename Target>
FieldOutcome integer_binary(const Conversion& /*conversion*/, Column& column, std::string_view bytes) {
  std::int64_t value = 0;
  if (!read_integer<Source>(bytes, value)) return FieldOutcome::Malformed;
  if constexpr (std::is_same_v<Source, Target>) {
    column.append_fixed(static_cast<Target>(value));
    return FieldOutcome::Exact;
  } else {
    return store_signed<Target>(column, value);
  }
}

template <typename Target>
FieldOutcome number_text(const Conversion& /*conversion*/, Column& column, std::string_view bytes) {
  std::int64_t value = 0;
  const char* const end = bytes.data() + bytes.size();
  if (const auto read = std::from_chars(bytes.data(), end, value);
      read.ec == std::errc() && read.ptr == end) {
    return store_signed<Target>(column, value);
  }
  const auto number = parse_number(bytes);  // 12.00, 1e+3, 18446744073709551615
  if (!number) return FieldOutcome::Malformed;
  Scaled<Uint128> scaled;
  if (scale_number(*number, kIntegerDigits, scaled) != FieldOutcome::Exact)
    return FieldOutcome::Unrepresentable;
  return store<Target>(column, scaled.negative, scaled.magnitude);
}

template <typename Target>
FieldOutcome numeric_binary(const Conversion& /*conversion*/, Column& column, std::string_view bytes) {
  NumericBinary number;
  if (!number.read(bytes)) return FieldOutcome::Malformed;
  Scaled<Uint128> scaled;
  if (scale_numeric(number, kIntegerDigits, scaled) != FieldOutcome::Exact)
    return FieldOutcome::Unrepresentable;
  return store<Target>(column, scaled.negative, scaled.magnitude);
}

template <typename Target>
FieldOutcome store_float(Column& column, double value) {
  constexpr double kBeyond = 18446744073709551616.0;  // 2^64: no target is wider
  if (!(std::fabs(value) < kBeyond) || value != std::trunc(value)) return FieldOutcome::Unrepresentable;
  return store<Target>(column, value < 0, static_cast<std::uint64_t>(std::fabs(value)));
}

template <typename Source, typename Target>
FieldOutcome float_binary(const Conversion& /*conversion*/, Column& column, std::string_view bytes) {
  Source value = 0;
  if (!read_float(bytes, value)) return FieldOutcome::Malformed;
  return store_float<Target>(column, static_cast<double>(value));
}

template <typename Source, typename Target>
FieldOutcome float_text(const Conversion& /*conversion*/, Column& column, std::string_view bytes) {
  Source value = 0;
  if (!parse_float(bytes, value)) return FieldOutcome::Malformed;
  return store_float<Target>(column, static_cast<double>(value));
}

template <typename Target>
FieldOutcome bool_binary(const Conversion& /*conversion*/, Column& column, std::string_view bytes) {
  if (bytes.size() != 1 || static_cast<unsigned char>(bytes[0]) > 1) return FieldOutcome::Malformed;
  column.append_fixed(static_cast<Stored<Target>>(bytes[0]));
  return FieldOutcome::Exact;
}

/// boolout prints t and f, a cast to text true and false.
template <typename Target>
FieldOutcome bool_text(const Conversion& /*conversion*/, Column& column, std::string_view bytes) {
  const bool yes = bytes == "t" || bytes == "true";
  if (!yes && bytes != "f" && bytes != "false") return FieldOutcome::Malformed;
  column.append_fixed(static_cast<Stored<Target>>(yes));
  return FieldOutcome::Exact;
}

template <typename Target>
FieldOutcome bool_or_number_text(const Conversion& conversion, Column& column, std::string_view bytes) {
  const FieldOutcome outcome = bool_text<Target>(conversion, column, bytes);
  return outcome == FieldOutcome::Malformed ? number_text<Target>(conversion, column, bytes) : outcome;
}

template <typename Target>
Forms forms(TypeFamily source) {
  switch (source) {
    case TypeFamily::Bool:
      return {bool_binary<Target>, bool_text<Target>};
    case TypeFamily::Int2:
      return {integer_binary<std::int16_t, Target>, number_text<Target>};
    case TypeFamily::Int4:
      return {integer_binary<std::int32_t, Target>, number_text<Target>};
    case TypeFamily::Int8:
      return {integer_binary<std::int64_t, Target>, number_text<Target>};
    case TypeFamily::Oid:
      return {integer_binary<std::uint32_t, Target>, number_text<Target>};
    case TypeFamily::Float4:
      return {float_binary<float, Target>, float_text<float, Target>};
    case TypeFamily::Float8:
      return {float_binary<double, Target>, float_text<double, Target>};
    case TypeFamily::Numeric:
      return {numeric_binary<Target>, number_text<Target>};
    default:
      if constexpr (std::is_same_v<Target, bool>) return from_foreign_text<bool_or_number_text<bool>>(source);
      return from_foreign_text<number_text<Target>>(source);
  }
}

}  // namespace

Forms to_integer(TypeFamily source, ColumnType::Kind target) {
  using Kind = ColumnType::Kind;
  switch (target) {
    case Kind::Bool:
      return forms<bool>(source);
    case Kind::Int8:
      return forms<std::int8_t>(source);
    case Kind::Int16:
      return forms<std::int16_t>(source);
    case Kind::Int32:
      return forms<std::int32_t>(source);
    case Kind::Int64:
      return forms<std::int64_t>(source);
    case Kind::UInt8:
      return forms<std::uint8_t>(source);
    case Kind::UInt16:
      return forms<std::uint16_t>(source);
    case Kind::UInt32:
      return forms<std::uint32_t>(source);
    case Kind::UInt64:
      return forms<std::uint64_t>(source);
    default:
      return {};
  }
}

}  // namespace penstock::conversions
