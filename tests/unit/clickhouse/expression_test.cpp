// An expression of a manifest: its text, and what a server says of it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/clickhouse/expression_text.hpp"
#include "dataplane/clickhouse/syntax_tree.hpp"

namespace penstock::clickhouse {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string sql_of(std::string_view text) {
  const auto read = read_expression(text);
  return read ? read->sql : read.error().message;
}

TEST(ExpressionText, IsWhatWasWrittenInParentheses) {
  EXPECT_EQ(sql_of("toYYYYMM(created_at)"), "(toYYYYMM(created_at))");
  EXPECT_EQ(sql_of(" (a, toDate(b)) "), "((a, toDate(b)))");
  EXPECT_EQ(sql_of("a%16 = 1e-3 || x[1]"), "(a%16 = 1e-3 || x[1])");
  EXPECT_EQ(sql_of("'it''s; -- \\' {1} $$'"), "('it''s; -- \\' {1} $$')");
}

TEST(ExpressionText, HasNoComments) {
  EXPECT_EQ(sql_of("toYYYYMM(at) -- monthly"), "(toYYYYMM(at))");
  EXPECT_EQ(sql_of("a /* ) ' */ + b"), "(a + b)");
  EXPECT_EQ(sql_of("a -/**/- b"), "(a - - b)");
  EXPECT_EQ(sql_of("a -- )\n % 2"), "(a % 2)");
}

TEST(ExpressionText, QuotesNamesAnewAndTellsThem) {
  const auto read = read_expression("f(`a\\`b (alias x)`, \"Ü;\n\")");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->sql, "(f(`a\\`b (alias x)`, `Ü;\\n`))");
  EXPECT_EQ(read->with_plain_names, "(f(penstock_name_0, penstock_name_1))");
  EXPECT_THAT(read->names, ElementsAre(testing::Pair("penstock_name_0", "a`b (alias x)"),
                                       testing::Pair("penstock_name_1", "Ü;\n")));
}

TEST(ExpressionText, EndsWhereItEnds) {
  EXPECT_THAT(sql_of("id) FROM (SELECT 1"), HasSubstr("closes a bracket that is not open"));
  EXPECT_THAT(sql_of("x) SETTINGS y = 1 --"), HasSubstr("closes a bracket that is not open"));
  EXPECT_THAT(sql_of("f(a]"), HasSubstr("closes a bracket that is not open"));
  EXPECT_THAT(sql_of("f(a"), HasSubstr("bracket that is not closed"));
  EXPECT_THAT(sql_of("f(a -- )"), HasSubstr("bracket that is not closed"));
  EXPECT_THAT(sql_of("'a\\'"), HasSubstr("quote that is not closed"));
  EXPECT_THAT(sql_of("`a``"), HasSubstr("quote that is not closed"));
  EXPECT_THAT(sql_of("a /* b"), HasSubstr("comment that is not closed"));
  EXPECT_THAT(sql_of("tuple() ORDER BY id; DROP TABLE private.s SYNC"), HasSubstr("a semicolon"));
}

TEST(ExpressionText, HasNoCharacterOfAnythingElse) {
  EXPECT_THAT(sql_of("{x:UInt8}"), HasSubstr("in braces"));
  EXPECT_THAT(sql_of("$a$ ) $a$"), HasSubstr("has a $"));
  EXPECT_THAT(sql_of("a # b"), HasSubstr("has a #"));
  EXPECT_THAT(sql_of("@@max_threads"), HasSubstr("has a @"));
  EXPECT_THAT(sql_of("a \\ b"), HasSubstr("has a \\"));
  EXPECT_THAT(sql_of("a \xe2\x88\x92 b"), HasSubstr("not ASCII"));
  EXPECT_THAT(sql_of(std::string("'a\0b'", 5)), HasSubstr("NUL"));
  EXPECT_THAT(sql_of(" -- nothing"), HasSubstr("empty"));
}

TEST(ExpressionText, HasNeitherSubqueryNorWindow) {
  EXPECT_THAT(sql_of("id IN (sElect 1)"), HasSubstr("has a subquery"));
  EXPECT_THAT(sql_of("sum(x) over ()"), HasSubstr("has a window"));
  EXPECT_EQ(sql_of("`over` + selected + 'select'"), "(`over` + selected + 'select')");
}

/// What a server says of "SELECT (…)", from the expression on.
std::vector<std::string> tree(std::vector<std::string> below) {
  std::vector<std::string> out{"SelectWithUnionQuery (children 1)", " ExpressionList (children 1)",
                               "  SelectQuery (children 1)", "   ExpressionList (children 1)"};
  for (auto& line : below)
    out.push_back("    " + std::move(line));
  return out;
}
std::string fault_of(const std::vector<std::string>& lines) {
  const auto read = read_syntax_tree(lines);
  return read ? "" : read.error().message;
}

TEST(SyntaxTree, TellsFunctionsAndNames) {
  const auto read =
      read_syntax_tree(tree({"Function and (children 1)", " ExpressionList (children 2)",
                             "  Function equals (children 1)", "   ExpressionList (children 2)",
                             "    Identifier a.b", "    Literal 'x (alias y)'", "  Identifier c"}));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_THAT(read->functions, ElementsAre("and", "equals"));
  EXPECT_THAT(read->identifiers, ElementsAre("a.b", "c"));
}

TEST(SyntaxTree, IsOfOneExpressionAlone) {
  EXPECT_THAT(fault_of({}), HasSubstr("is no expression"));
  EXPECT_THAT(fault_of({"DropQuery private s (children 2)"}), HasSubstr("is no expression"));
  EXPECT_THAT(fault_of(tree({"Identifier a", "Identifier b"})), HasSubstr("is not one expression"));
  auto more = tree({"Identifier a"});
  more.emplace_back("   TablesInSelectQuery (children 1)");
  EXPECT_THAT(fault_of(more), HasSubstr("the name of a table"));
  for (const char* line : {"    TablesInSelectQueryElement (children 1)", "     TableExpression (children 1)",
                           "      TableIdentifier private.s"})
    more.emplace_back(line);
  EXPECT_THAT(fault_of(more), HasSubstr("the name of a table"));
  more.back() = "      TableIdentifier system.one";
  EXPECT_EQ(fault_of(more), "") << "what ClickHouse adds by itself";
  more = tree({"Identifier a"});
  more.emplace_back("   Set");
  EXPECT_THAT(fault_of(more), HasSubstr("is not one expression"));
}

TEST(SyntaxTree, HasNothingButFunctionsLiteralsAndNames) {
  const auto argument = [](const std::string& function, const std::string& line) {
    return fault_of(tree({"Function " + function + " (children 1)", " ExpressionList (children 2)",
                          "  Identifier id", "  " + line}));
  };
  EXPECT_EQ(argument("plus", "Identifier x"), "");
  EXPECT_THAT(argument("plus", "Subquery (children 1)"), HasSubstr("a subquery"));
  EXPECT_THAT(argument("plus", "Asterisk"), HasSubstr("a *"));
  EXPECT_THAT(argument("plus", "WindowDefinition"), HasSubstr("a window"));
  EXPECT_THAT(argument("plus", "Brandnew"), HasSubstr("what ClickHouse calls Brandnew"));
  EXPECT_THAT(argument("plus", "Function lambda (children 1)"), HasSubstr("a lambda"));
  EXPECT_THAT(argument("plus", "Identifier x (alias y)"), HasSubstr("AS"));
  EXPECT_THAT(argument("plus", "Literal 'x' (alias y)"), HasSubstr("AS"));
  EXPECT_THAT(argument("in", "Identifier private.s"), HasSubstr("behind IN"));
  EXPECT_THAT(argument("globalNotIn", "Function numbers (children 1)"), HasSubstr("behind IN"));
  EXPECT_EQ(argument("in", "Literal Tuple_(UInt64_1, UInt64_2)"), "");
  EXPECT_EQ(argument("in", "Function tuple (children 1)"), "");
}

}  // namespace
}  // namespace penstock::clickhouse
