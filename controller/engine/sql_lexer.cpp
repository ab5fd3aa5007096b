#include "controller/engine/sql_lexer.hpp"

#include <algorithm>
#include <cctype>

namespace penstock::engine {
namespace {

bool is_space(char c) {
  return std::isspace(static_cast<unsigned char>(c)) != 0;
}
bool is_digit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}
bool starts_word(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_' ||
         (static_cast<unsigned char>(c) & 0x80U) != 0;
}
bool continues_word(char c) {
  return starts_word(c) || is_digit(c) || c == '$';
}

}  // namespace

bool SqlLexer::is_keyword(const Token& token, std::string_view keyword) const {
  if (token.kind != Token::Kind::Word) return false;
  const std::string_view word = text_of(token);
  return std::equal(word.begin(), word.end(), keyword.begin(), keyword.end(), [](char a, char b) {
    return std::toupper(static_cast<unsigned char>(a)) == static_cast<unsigned char>(b);
  });
}

Token SqlLexer::peek() const {
  SqlLexer ahead = *this;
  return ahead.next();
}

Token SqlLexer::next() {
  skip_blanks_and_comments();
  const std::size_t begin = position_;
  if (begin >= text_.size()) return {Token::Kind::End, begin, begin};
  const char first = text_[begin];
  Token::Kind kind = Token::Kind::Symbol;
  if (first == '\'' || first == '"' || first == '`') {
    skip_quoted(first);
    kind = first == '\'' ? Token::Kind::String : Token::Kind::Quoted;
  } else if (first == '$' && skip_heredoc()) {
    kind = Token::Kind::String;
  } else if (starts_word(first)) {
    while (position_ < text_.size() && continues_word(text_[position_]))
      ++position_;
    kind = Token::Kind::Word;
  } else if (is_digit(first)) {
    while (position_ < text_.size() && (continues_word(text_[position_]) || text_[position_] == '.'))
      ++position_;
    kind = Token::Kind::Number;
  } else {
    ++position_;
  }
  return {kind, begin, position_};
}

void SqlLexer::skip_blanks_and_comments() {
  const auto skip_past = [this](std::string_view closing, std::size_t from) {
    const auto found = text_.find(closing, from);
    position_ = found == std::string_view::npos ? text_.size() : found + closing.size();
  };
  while (position_ < text_.size()) {
    const std::string_view rest = text_.substr(position_);
    if (is_space(rest.front())) {
      ++position_;
    } else if (rest.starts_with("--") || rest.starts_with("# ") || rest.starts_with("#!")) {
      skip_past("\n", position_);
    } else if (rest.starts_with("/*")) {
      skip_past("*/", position_ + 2);
    } else {
      return;
    }
  }
}

void SqlLexer::skip_quoted(char quote) {
  ++position_;
  while (position_ < text_.size()) {
    const char c = text_[position_++];
    if (c == '\\' && position_ < text_.size()) {
      ++position_;
    } else if (c == quote) {
      // A doubled quote is one quote inside the literal.
      if (position_ >= text_.size() || text_[position_] != quote) return;
      ++position_;
    }
  }
}

// $tag$ ... $tag$
bool SqlLexer::skip_heredoc() {
  std::size_t end = position_ + 1;
  while (end < text_.size() && continues_word(text_[end]) && text_[end] != '$')
    ++end;
  if (end >= text_.size() || text_[end] != '$') return false;
  const std::string_view tag = text_.substr(position_, end + 1 - position_);
  const auto closing = text_.find(tag, end + 1);
  if (closing == std::string_view::npos) return false;
  position_ = closing + tag.size();
  return true;
}

}  // namespace penstock::engine
