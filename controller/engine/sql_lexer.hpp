#pragma once

#include <cstddef>
#include <string_view>

namespace penstock::engine {

/// A lexical token of ClickHouse SQL: a byte range of the text it was read from.
struct Token {
  enum class Kind { End, Word, Quoted, String, Number, Symbol };

  Kind kind = Kind::End;
  std::size_t begin = 0;
  std::size_t end = 0;

  bool operator==(const Token&) const = default;
};

/// Reads tokens, skipping white space and comments (ClickHouse docs, "Syntax"; src/Parsers/Lexer.cpp). Total:
/// any bytes are accepted, an unclosed string or comment ends with the text. Keeps a view of the text.
class SqlLexer {
 public:
  explicit SqlLexer(std::string_view text, std::size_t position = 0) : text_(text), position_(position) {}

  [[nodiscard]] Token next();
  /// The next token without taking it.
  [[nodiscard]] Token peek() const;
  /// All of the text is read, blanks behind the last token too.
  [[nodiscard]] bool at_end() const { return position_ >= text_.size(); }

  [[nodiscard]] std::string_view text_of(const Token& token) const {
    return text_.substr(token.begin, token.end - token.begin);
  }
  /// True for an unquoted word equal to `keyword` (given in upper case), whatever its case.
  [[nodiscard]] bool is_keyword(const Token& token, std::string_view keyword) const;
  [[nodiscard]] bool is_symbol(const Token& token, char symbol) const {
    return token.kind == Token::Kind::Symbol && text_[token.begin] == symbol;
  }

 private:
  void skip_blanks_and_comments();
  void skip_quoted(char quote);
  bool skip_heredoc();

  std::string_view text_;
  std::size_t position_;
};

}  // namespace penstock::engine
