#include <fmt/format.h>

#include <algorithm>

#include "dataplane/columns/column_type.hpp"
#include "dataplane/columns/type_family.hpp"

namespace penstock {

namespace {

std::string decimal_or_string(const NumericTypmod& declared) {
  constexpr int kMostDigits = 76;  // of a Decimal256
  if (declared.unbounded) return "Decimal(76, 38)";
  const int scale = std::max(declared.scale, 0);
  const int precision = std::max(declared.precision - std::min(declared.scale, 0), scale);
  return precision <= kMostDigits ? fmt::format("Decimal({}, {})", precision, scale) : "String";
}

/// The type of a value that is not NULL; empty for those that travel as their text output.
std::string scalar_type(const PgType& type, const TargetFeatures& features) {
  switch (family_of(type)) {
    case TypeFamily::Bool:
      return "Bool";
    case TypeFamily::Int2:
      return "Int16";
    case TypeFamily::Int4:
      return "Int32";
    case TypeFamily::Int8:
      return "Int64";
    case TypeFamily::Float4:
      return "Float32";
    case TypeFamily::Float8:
      return "Float64";
    case TypeFamily::Numeric:
      return decimal_or_string(read_numeric_typmod(type.typmod));
    case TypeFamily::Text:
    case TypeFamily::Jsonb:
    case TypeFamily::Bytea:
      return "String";
    case TypeFamily::Uuid:
      return "UUID";
    case TypeFamily::Date:
      return "Date32";
    case TypeFamily::Timestamp:
      return "DateTime64(6, 'UTC')";
    case TypeFamily::Time:
      return features.time64 ? "Time64(6)" : "String";
    default:
      return {};
  }
}

std::string with_null(const PgType& type, const std::string& scalar, bool nullable) {
  const std::string text = nullable ? fmt::format("Nullable({})", scalar) : scalar;
  return type.kind == PgType::Kind::Enum ? fmt::format("LowCardinality({})", text) : text;
}

/// An array column's typmod is that of its elements.
PgType element_of(const PgType& array) {
  PgType element = *array.element;
  if (element.typmod < 0) element.typmod = array.typmod;
  return element;
}

}  // namespace

std::string default_column_type(const PgType& type, bool nullable, const TargetFeatures& features) {
  const TypeFamily family = family_of(type);
  if (family == TypeFamily::Vector) return "Array(Float32)";
  if (family == TypeFamily::Array) {
    const PgType element = element_of(type);
    const std::string scalar = scalar_type(element, features);
    if (!scalar.empty()) return fmt::format("Array({})", with_null(element, scalar, true));
  }
  const std::string scalar = scalar_type(type, features);
  return with_null(type, scalar.empty() ? "String" : scalar, nullable);
}

}  // namespace penstock
