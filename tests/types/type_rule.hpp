#pragma once

#include <string>

#include "tests/support/text_rules.hpp"
#include "tests/types/source_type.hpp"

namespace penstock::types {

/// What becomes of one value of the source in a column of the target, by its text output alone. Written from
/// the type table of the documentation, apart from the code that is tested: what the two have in common would
/// be missed.
struct TypeRule {
  Family family = Family::Other;   ///< of the source column
  Family element = Family::Other;  ///< of its elements, where it is an array
  std::string target;              ///< as system.columns has it
  bool key = false;                ///< part of the target's ORDER BY
  bool null_if_unrepresentable = false;
};

struct Expected {
  enum class Kind {
    Value,
    Null,
    Unrepresentable,  ///< the table fails
    Unruled           ///< the target rewrites it (JSON): load and stream are compared alone
  };
  Kind kind = Kind::Value;
  std::string text{};  ///< of a Value, in a form that found() gives
  bool moved = false;  ///< not what the source has: at the edge of the target's range, or NULL instead
};

/// `printed`: by PostgreSQL, with TimeZone UTC, DateStyle ISO, bytea_output hex.
[[nodiscard]] Expected expected(const TypeRule& rule, const test::Value& printed);

/// What test::TextRule::target_expression() selected, in the form of Expected::text.
[[nodiscard]] std::string found(const std::string& target, const std::string& selected);

}  // namespace penstock::types
