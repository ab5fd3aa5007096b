#include "controller/engine/sql_lexer.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace penstock::engine {
namespace {

using testing::ElementsAre;

std::vector<std::string> tokens(std::string_view text) {
  SqlLexer lexer(text);
  std::vector<std::string> found;
  for (Token token = lexer.next(); token.kind != Token::Kind::End; token = lexer.next()) {
    found.emplace_back(lexer.text_of(token));
  }
  return found;
}

TEST(SqlLexer, ReadsWordsNumbersAndSymbols) {
  EXPECT_THAT(tokens("SELECT a.b1,-3.5e2 FROM t_x;"),
              ElementsAre("SELECT", "a", ".", "b1", ",", "-", "3.5e2", "FROM", "t_x", ";"));
}

TEST(SqlLexer, SkipsEveryKindOfComment) {
  EXPECT_THAT(tokens("-- one\nSELECT /* two\n three */ 1 # four\n#! five\n, 2 -- six"),
              ElementsAre("SELECT", "1", ",", "2"));
}

TEST(SqlLexer, KeepsStringsWholeWithQuotesAndBackslashesInThem) {
  EXPECT_THAT(tokens(R"('it''s' 'a\'b' 'c\\' "x""y" `a``b` '-- no')"),
              ElementsAre("'it''s'", R"('a\'b')", R"('c\\')", R"("x""y")", "`a``b`", "'-- no'"));
}

TEST(SqlLexer, ReadsHeredocs) {
  EXPECT_THAT(tokens("SELECT $doc$ it's; $x$ $doc$ , 1"),
              ElementsAre("SELECT", "$doc$ it's; $x$ $doc$", ",", "1"));
}

TEST(SqlLexer, EndsAnUnclosedLiteralWithTheText) {
  EXPECT_THAT(tokens("SELECT 'open"), ElementsAre("SELECT", "'open"));
  EXPECT_THAT(tokens("SELECT 'open\\"), ElementsAre("SELECT", "'open\\"));
  EXPECT_THAT(tokens("/* open"), ElementsAre());
  EXPECT_THAT(tokens("$a"), ElementsAre("$", "a"));
}

TEST(SqlLexer, TakesAnyBytes) {
  std::string bytes;
  for (int c = 0; c < 256; ++c)
    bytes += static_cast<char>(c);
  EXPECT_FALSE(tokens(bytes + bytes).empty());
}

TEST(SqlLexer, KnowsKeywordsInAnyCaseButNotQuoted) {
  SqlLexer lexer("Insert \"INSERT\"");
  EXPECT_TRUE(lexer.is_keyword(lexer.next(), "INSERT"));
  EXPECT_FALSE(lexer.is_keyword(lexer.next(), "INSERT"));
}

}  // namespace
}  // namespace penstock::engine
