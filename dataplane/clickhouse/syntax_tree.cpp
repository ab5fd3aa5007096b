#include "dataplane/clickhouse/syntax_tree.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

namespace penstock::clickhouse {
namespace {

struct Node {
  std::size_t depth = 0;
  std::string_view kind;
  std::string_view rest;  ///< the name, without the count of children
};

/// How the lines begin, down to the list that the expression stands in.
constexpr std::array<std::string_view, 4> kAbove{"SelectWithUnionQuery", "ExpressionList", "SelectQuery",
                                                 "ExpressionList"};

/// What ClickHouse adds to a SELECT that names no table.
const std::vector<std::string> kFromNowhere{
    "   TablesInSelectQuery (children 1)", "    TablesInSelectQueryElement (children 1)",
    "     TableExpression (children 1)", "      TableIdentifier system.one"};

tl::unexpected<Error> refuse(std::string what) {
  return fail(ErrorKind::NeedsUser, "", std::move(what));
}

Node node_of(std::string_view line) {
  Node out;
  out.depth = std::min(line.find_first_not_of(' '), line.size());
  line.remove_prefix(out.depth);
  out.kind = line.substr(0, line.find(' '));
  line.remove_prefix(std::min(out.kind.size() + 1, line.size()));
  out.rest = line.substr(0, line.starts_with("(children ") ? 0 : line.rfind(" (children "));
  return out;
}

std::string kind_in_words(std::string_view kind) {
  constexpr std::array<std::pair<std::string_view, const char*>, 6> kWords{{
      {"Subquery", "a subquery"},
      {"TablesInSelectQuery", "the name of a table"},
      {"Asterisk", "a *"},
      {"QualifiedAsterisk", "a *"},
      {"ColumnsRegexpMatcher", "a matcher of columns"},
      {"WindowDefinition", "a window"},
  }};
  for (const auto& [one, words] : kWords)
    if (one == kind) return words;
  return fmt::format("what ClickHouse calls {}", kind);
}

/// IN and its kind, whose right side may be a table by its name, or what a table function gives.
bool may_take_a_table(std::string_view function) {
  return function == "in" || function.ends_with("In") || function.ends_with("InIgnoreSet") ||
         function == "inIgnoreSet";
}

/// Whether the second argument of the function at `at` is made of values.
bool takes_values(const std::vector<Node>& nodes, std::size_t at) {
  int argument = 0;
  for (std::size_t below = at + 1; below < nodes.size() && nodes[below].depth > nodes[at].depth; ++below) {
    const auto& node = nodes[below];
    if (node.depth == nodes[at].depth + 2 && ++argument == 2)
      return node.kind == "Literal" ||
             (node.kind == "Function" && (node.rest == "tuple" || node.rest == "array"));
  }
  return false;
}

Status take_function(const std::vector<Node>& nodes, std::size_t at, ExpressionParts& out) {
  const auto name = nodes[at].rest;
  if (name == "lambda") return refuse("has a lambda expression");
  if (may_take_a_table(name) && !takes_values(nodes, at))
    return refuse("has something else than values in parentheses behind IN, which may be a table");
  out.functions.emplace(name);
  return {};
}

Status take(const std::vector<Node>& nodes, std::size_t at, ExpressionParts& out) {
  const auto& node = nodes[at];
  // A literal may hold any text, and ends with it; an alias would stand behind.
  const bool alias = node.rest.find(" (alias ") != std::string_view::npos &&
                     !(node.kind == "Literal" && (node.rest.ends_with('\'') || node.rest.ends_with("')")));
  if (alias) return refuse("names a part of itself (AS)");
  if (node.kind == "Literal") return {};
  if (node.kind == "ExpressionList" && node.rest.empty()) return {};
  if (node.kind == "Function") return take_function(nodes, at, out);
  if (node.kind != "Identifier") return refuse("has " + kind_in_words(node.kind));
  out.identifiers.emplace(node.rest);
  return {};
}

}  // namespace

Result<ExpressionParts> read_syntax_tree(const std::vector<std::string>& lines) {
  std::vector<Node> nodes;
  nodes.reserve(lines.size());
  const bool from_nowhere = lines.size() > kFromNowhere.size() &&
                            std::equal(kFromNowhere.rbegin(), kFromNowhere.rend(), lines.rbegin());
  for (std::size_t at = 0; at + (from_nowhere ? kFromNowhere.size() : 0) < lines.size(); ++at)
    nodes.push_back(node_of(lines[at]));
  if (nodes.size() <= kAbove.size()) return refuse("is no expression");
  for (std::size_t at = 0; at < kAbove.size(); ++at)
    if (nodes[at].depth != at || nodes[at].kind != kAbove[at]) return refuse("is no expression");
  ExpressionParts out;
  for (std::size_t at = kAbove.size(); at < nodes.size(); ++at) {
    // One expression, and nothing beside or above it.
    const bool first = at == kAbove.size();
    if (nodes[at].depth < kAbove.size() || (!first && nodes[at].depth == kAbove.size()))
      return refuse(nodes[at].kind == "TablesInSelectQuery" ? "has the name of a table"
                                                            : "is not one expression");
    PENSTOCK_TRY(take(nodes, at, out));
  }
  return out;
}

}  // namespace penstock::clickhouse
