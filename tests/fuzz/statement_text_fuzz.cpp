#include "controller/engine/sql_lexer.hpp"
#include "controller/engine/statement_text.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace penstock::engine {
namespace {

// Tokens follow each other, and each is a part of the text.
void read_tokens(std::string_view text) {
  SqlLexer lexer(text);
  std::size_t behind = 0;
  while (true) {
    const Token token = lexer.next();
    FUZZ_REQUIRE(token.begin >= behind && token.end <= text.size());
    if (token.kind == Token::Kind::End) return;
    FUZZ_REQUIRE(token.end > token.begin);
    behind = token.end;
  }
}

// One token, and nothing of the value outside of it.
void is_one_token(const std::string& quoted, Token::Kind kind) {
  SqlLexer lexer(quoted);
  FUZZ_REQUIRE(lexer.next() == (Token{kind, 0, quoted.size()}));
  FUZZ_REQUIRE(lexer.next().kind == Token::Kind::End);
}

}  // namespace

// A text that arrives in two pieces is cut where the whole one is, and a value that is quoted stays one
// token.
PENSTOCK_FUZZ(statement_text, bytes) {
  read_tokens(bytes);
  const auto whole = split_insert(bytes, true);
  if (whole) FUZZ_REQUIRE(is_insert(bytes) && whole->data_begin <= bytes.size());
  for (const std::size_t cut : {bytes.size() / 2, bytes.size() - bytes.size() / 4}) {
    if (const auto early = split_insert(bytes.substr(0, cut), false)) {
      FUZZ_REQUIRE(whole.has_value());
      FUZZ_REQUIRE(*early == *whole);
    }
  }
  const auto output = split_output(bytes);
  FUZZ_REQUIRE(bytes.starts_with(output.head));
  FUZZ_REQUIRE(output.head.size() + output.format.size() + output.tail.size() <= bytes.size());
  is_one_token(quote_string(bytes), Token::Kind::String);
  is_one_token(quote_name(bytes), Token::Kind::Quoted);
}

}  // namespace penstock::engine
