#pragma once

// The conversions of each group of target types, for FieldDecoder to choose from. Each answers the functions
// for values of `source`: `text` none where no value can ever be converted, `binary` none where the text form
// is needed.

#include <optional>
#include <string>
#include <vector>

#include "dataplane/columns/field_decoder.hpp"
#include "dataplane/columns/type_family.hpp"

namespace penstock::conversions {

struct Forms {
  Conversion::Append binary = nullptr;
  Conversion::Append text = nullptr;
};

[[nodiscard]] Forms to_string(TypeFamily source);
[[nodiscard]] Forms to_uuid(TypeFamily source);
/// Bool, Int8 … UInt64.
[[nodiscard]] Forms to_integer(TypeFamily source, ColumnType::Kind target);
/// Int128 … UInt256, which travel as text; nullopt: another type. The server takes numbers of more bits, too,
/// and keeps the low ones.
[[nodiscard]] std::optional<Forms> to_wide_integer(const ColumnType& target);
/// The labels of an Enum8 or Enum16, sorted; nullopt: another type.
[[nodiscard]] std::optional<std::vector<std::string>> enum_labels(const ColumnType& target);
/// Needs Conversion::labels: the server reads a text that is no label as the number of one.
[[nodiscard]] Forms to_enum(TypeFamily source);
[[nodiscard]] Forms to_float(TypeFamily source, ColumnType::Kind target);
[[nodiscard]] Forms to_decimal(TypeFamily source, int precision);
/// Date, Date32, DateTime, DateTime64.
[[nodiscard]] Forms to_instant(TypeFamily source, const ColumnType& target);
/// Time64.
[[nodiscard]] Forms to_time(TypeFamily source);
/// Needs Conversion::element.
[[nodiscard]] Forms to_array(TypeFamily source);

/// A source that is not of the target's nature (a text that may hold a number): bytes that do not parse are
/// no malformed value of the source, only one that the target cannot hold.
template <Conversion::Append Parse>
FieldOutcome foreign(const Conversion& conversion, Column& column, std::string_view bytes) {
  const FieldOutcome outcome = Parse(conversion, column, bytes);
  return outcome == FieldOutcome::Malformed ? FieldOutcome::Unrepresentable : outcome;
}

/// The forms of a source whose text may or may not hold such a value.
template <Conversion::Append Parse>
[[nodiscard]] Forms from_foreign_text(TypeFamily source) {
  switch (source) {
    case TypeFamily::Text:
      return {foreign<Parse>, foreign<Parse>};
    case TypeFamily::Jsonb:
    case TypeFamily::Other:
      return {nullptr, foreign<Parse>};
    default:
      return {};
  }
}

}  // namespace penstock::conversions
