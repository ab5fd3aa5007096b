#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace penstock {

/// A table of the source: schema and name, as the catalog holds them (unquoted, case kept).
struct TableName {
  std::string schema;
  std::string name;

  auto operator<=>(const TableName&) const = default;

  /// `schema.table` with SQL quoting only where a name needs it: public.orders, "My.Schema"."Order Lines".
  [[nodiscard]] std::string text() const;
  /// Both names quoted, for SQL: "public"."orders".
  [[nodiscard]] std::string quoted() const;

  /// Reads `schema.table`. An unquoted name is folded to lower case, as SQL does (PostgreSQL docs, "Lexical
  /// Structure"); inside quotes "" is one quote. Fails on a missing schema, empty names, stray text and NUL
  /// characters, which no name has.
  [[nodiscard]] static Result<TableName> parse(std::string_view text);
};

/// "a""b": an identifier for PostgreSQL SQL.
[[nodiscard]] std::string quote_identifier(std::string_view name);

}  // namespace penstock
