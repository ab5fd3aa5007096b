#pragma once

#include <optional>
#include <string>
#include <vector>

namespace penstock::test {

/// A value as text, or NULL.
using Value = std::optional<std::string>;

/// What a value that PostgreSQL prints (TimeZone UTC, DateStyle ISO, bytea_output hex, extra_float_digits 1)
/// has to read as in a ClickHouse column. Written from docs, apart from the code that is tested: what the two
/// have in common would be missed.
struct TextRule {
  std::string target_type;  ///< as system.columns has it: "Nullable(Decimal(12, 2))"
  bool bytea = false;       ///< the source column, or its elements, are bytes
  bool key = false;         ///< part of the target's ORDER BY: nothing is moved into its type's range

  /// The expected value in the form of found(). A value that the target's type has no form for stays as it
  /// is, and so differs from all that the target can hold.
  [[nodiscard]] Value expected(const Value& printed) const;
  /// What target_expression() gave, in the same form: numbers without their zeros at the end, and so on.
  [[nodiscard]] Value found(const Value& selected) const;
  /// Selects the column as Nullable(String), nothing of it lost.
  [[nodiscard]] std::string target_expression(const std::string& column) const;
};

/// The elements of a one-dimensional array in PostgreSQL's text; nothing for one of more dimensions.
std::optional<std::vector<Value>> array_elements(const std::string& text);

}  // namespace penstock::test
