#pragma once

// The text of an expression that a person wrote, made fit to stand in a statement.

#include <map>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace penstock::clickhouse {

struct ExpressionText {
  /// In parentheses, one line where no string literal breaks it: what was written, without comments, names
  /// quoted anew.
  std::string sql;
  /// The same with a plain word in place of each quoted name, so that nothing that a name holds can be taken
  /// for a part of what a server says of the expression.
  std::string with_plain_names;
  std::map<std::string, std::string, std::less<>> names;  ///< by the words of `with_plain_names`
};

/// Takes texts alone whose quotes, comments and brackets are closed in themselves, of characters that
/// expressions are made of: no semicolon, no `{` (a parameter), no `$` or `#`, and
/// without the words SELECT and OVER. Whatever else such a text
/// says, in parentheses it is within them. That it is an expression, a server has to say. Lexical rules:
/// ClickHouse docs, "Syntax"; its source, Parsers/Lexer.cpp. The error (NeedsUser) has no reason, and a
/// message that says what is wrong with it: "has a quote that is not closed".
[[nodiscard]] Result<ExpressionText> read_expression(std::string_view text);

}  // namespace penstock::clickhouse
