#include "dataplane/columns/conversions.hpp"
#include "dataplane/columns/scaled_number.hpp"
#include "dataplane/columns/source_number.hpp"

namespace penstock::conversions {

namespace {

/// What a decimal of some precision is stored as, and what it is counted in.
template <typename StoredAs, typename CountedIn>
struct Width {
  using Stored = StoredAs;
  using Magnitude = CountedIn;
};
using Width32 = Width<std::uint32_t, std::uint64_t>;
using Width64 = Width<std::uint64_t, std::uint64_t>;
using Width128 = Width<Uint128, Uint128>;
using Width256 = Width<Uint256, Uint256>;

Digits limit_of(const Conversion& conversion) {
  return {.precision = conversion.precision, .scale = conversion.scale};
}

template <typename W>
FieldOutcome store(Column& column, FieldOutcome outcome, const Scaled<typename W::Magnitude>& scaled) {
  if (outcome == FieldOutcome::Exact) {
    column.append_fixed(static_cast<typename W::Stored>(scaled.twos_complement()));
  }
  return outcome;
}

template <typename W>
FieldOutcome numeric_binary(const Conversion& conversion, Column& column, std::string_view bytes) {
  NumericBinary number;
  if (!number.read(bytes)) return FieldOutcome::Malformed;
  Scaled<typename W::Magnitude> scaled;
  const FieldOutcome outcome = scale_numeric(number, limit_of(conversion), scaled);
  return store<W>(column, outcome, scaled);
}

template <typename W>
FieldOutcome number_text(const Conversion& conversion, Column& column, std::string_view bytes) {
  const auto number = parse_number(bytes);
  if (!number) return FieldOutcome::Malformed;
  Scaled<typename W::Magnitude> scaled;
  const FieldOutcome outcome = scale_number(*number, limit_of(conversion), scaled);
  return store<W>(column, outcome, scaled);
}

template <typename Source, typename W>
FieldOutcome integer_binary(const Conversion& conversion, Column& column, std::string_view bytes) {
  std::int64_t value = 0;
  if (!read_integer<Source>(bytes, value)) return FieldOutcome::Malformed;
  const auto bits = static_cast<std::uint64_t>(value);
  Scaled<typename W::Magnitude> scaled;
  const FieldOutcome outcome =
      scale_integer(value < 0 ? negated(bits) : bits, value < 0, limit_of(conversion), scaled);
  return store<W>(column, outcome, scaled);
}

/// A float stands for the decimal that it is printed as: 0.1 is 0.1, not 0.1000000000000000055.
template <typename Source, typename W>
FieldOutcome store_float(const Conversion& conversion, Column& column, Source value) {
  if (!std::isfinite(value)) return FieldOutcome::Unrepresentable;
  NumberBuffer buffer;
  return number_text<W>(conversion, column, shortest_text(value, buffer));
}

template <typename Source, typename W>
FieldOutcome float_binary(const Conversion& conversion, Column& column, std::string_view bytes) {
  Source value = 0;
  if (!read_float(bytes, value)) return FieldOutcome::Malformed;
  return store_float<Source, W>(conversion, column, value);
}

template <typename Source, typename W>
FieldOutcome float_text(const Conversion& conversion, Column& column, std::string_view bytes) {
  Source value = 0;
  if (!parse_float(bytes, value)) return FieldOutcome::Malformed;
  return store_float<Source, W>(conversion, column, value);
}

template <typename W>
Forms forms(TypeFamily source) {
  switch (source) {
    case TypeFamily::Int2:
      return {integer_binary<std::int16_t, W>, number_text<W>};
    case TypeFamily::Int4:
      return {integer_binary<std::int32_t, W>, number_text<W>};
    case TypeFamily::Int8:
      return {integer_binary<std::int64_t, W>, number_text<W>};
    case TypeFamily::Oid:
      return {integer_binary<std::uint32_t, W>, number_text<W>};
    case TypeFamily::Float4:
      return {float_binary<float, W>, float_text<float, W>};
    case TypeFamily::Float8:
      return {float_binary<double, W>, float_text<double, W>};
    case TypeFamily::Numeric:
      return {numeric_binary<W>, number_text<W>};
    default:
      return from_foreign_text<number_text<W>>(source);
  }
}

}  // namespace

Forms to_decimal(TypeFamily source, int precision) {
  if (precision <= 9) return forms<Width32>(source);
  if (precision <= 18) return forms<Width64>(source);
  return precision <= 38 ? forms<Width128>(source) : forms<Width256>(source);
}

}  // namespace penstock::conversions
