#pragma once

// What EXPLAIN AST says of an expression.

#include <set>
#include <string>
#include <vector>

#include "core/result.hpp"

namespace penstock::clickhouse {

/// What stands in an expression, by the words that it was written with.
struct ExpressionParts {
  std::set<std::string> functions;
  std::set<std::string> identifiers;  ///< "at", "address.street"
};

/// Reads the lines that a server answers to "EXPLAIN AST SELECT (…)": one SELECT of one expression that is
/// made of functions, literals and identifiers alone. A subquery, a table, `*`, a window, an alias, a lambda,
/// and whatever IN could take for a table are refused, and so is what is not known. The error (NeedsUser) has
/// no reason, and a message that says what it is: "has a subquery".
[[nodiscard]] Result<ExpressionParts> read_syntax_tree(const std::vector<std::string>& lines);

}  // namespace penstock::clickhouse
