#include "dataplane/clickhouse/expression_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "dataplane/clickhouse/client.hpp"
#include "dataplane/clickhouse/key_text.hpp"

namespace penstock::clickhouse {
namespace {

constexpr std::string_view kSymbols = "()[],.+-*/%=!<>|:?";

/// Words that begin what a server does not always show in the tree that it makes of an expression.
constexpr std::array<std::pair<std::string_view, const char*>, 2> kRefusedWords{{
    {"SELECT", "has a subquery (a column of the name SELECT is to be quoted with backticks)"},
    {"OVER", "has a window (a column of the name OVER is to be quoted with backticks)"},
}};

bool is_same(std::string_view word, std::string_view upper) {
  return std::equal(word.begin(), word.end(), upper.begin(), upper.end(), [](char a, char b) {
    return (a >= 'a' && a <= 'z' ? static_cast<char>(a - ('a' - 'A')) : a) == b;
  });
}

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  Result<ExpressionText> read() {
    if (rest_.find('\0') != std::string_view::npos) return wrong("has a NUL character");
    while (!rest_.empty()) {
      if (is_blank(rest_.front())) {
        skip(1);
      } else if (rest_.starts_with("--")) {
        skip(std::min(rest_.find('\n'), rest_.size()));
      } else if (rest_.starts_with("/*")) {
        const auto end = rest_.find("*/", 2);
        if (end == std::string_view::npos) return wrong("has a comment that is not closed");
        skip(end + 2);
      } else {
        PENSTOCK_TRY(take());
      }
    }
    if (out_.sql.empty()) return wrong("is empty");
    if (!open_.empty()) return wrong("has a bracket that is not closed");
    out_.sql = "(" + out_.sql + ")";
    out_.with_plain_names = "(" + out_.with_plain_names + ")";
    return std::move(out_);
  }

 private:
  static bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
  static tl::unexpected<Error> wrong(std::string what) {
    return fail(ErrorKind::NeedsUser, "", std::move(what));
  }

  void skip(std::size_t length) {
    rest_.remove_prefix(length);
    blank_ = true;
  }

  void put(std::string_view sql, std::string_view plain) {
    for (auto* text : {&out_.sql, &out_.with_plain_names})
      if (blank_ && !text->empty()) *text += ' ';
    blank_ = false;
    out_.sql += sql;
    out_.with_plain_names += plain;
  }

  Status take() {
    const char c = rest_.front();
    if (c == '\'' || c == '"' || c == '`') return take_quoted();
    std::size_t length = 0;
    while (length < rest_.size() && is_word(rest_[length]))
      ++length;
    if (length == 0) {
      PENSTOCK_TRY(check_symbol(c));
      length = 1;
    }
    const auto taken = rest_.substr(0, length);
    for (const auto& [word, fault] : kRefusedWords)
      if (is_same(taken, word)) return wrong(fault);
    put(taken, taken);
    rest_.remove_prefix(length);
    return {};
  }

  Status take_quoted() {
    const auto length = quoted_length(rest_);
    if (!length) return wrong("has a quote that is not closed");
    const auto quoted = rest_.substr(0, *length);
    rest_.remove_prefix(*length);
    if (quoted.front() == '\'') {
      put(quoted, quoted);
      return {};
    }
    const auto name = unquoted_name(quoted);
    const auto plain = fmt::format("penstock_name_{}", out_.names.size());
    put(quote(name), plain);
    out_.names.emplace(plain, name);
    return {};
  }

  Status check_symbol(char c) {
    if (kSymbols.find(c) == std::string_view::npos) return wrong(what_is(c));
    if (c == '(' || c == '[') open_ += c == '(' ? ')' : ']';
    if (c != ')' && c != ']') return {};
    if (open_.empty() || open_.back() != c) return wrong("closes a bracket that is not open");
    open_.pop_back();
    return {};
  }

  static std::string what_is(char c) {
    if (c == '{' || c == '}') return "has a parameter or a map in braces";
    if (c == ';') return "has a semicolon";
    if (c > ' ' && c < 0x7f) return fmt::format("has a {}", c);
    return "has a control character, or one that is not ASCII, outside of quotes";
  }

  std::string_view rest_;
  bool blank_ = false;
  std::string open_;  ///< the closing brackets that are to come, the next one last
  ExpressionText out_;
};

}  // namespace

Result<ExpressionText> read_expression(std::string_view text) {
  return Reader(text).read();
}

}  // namespace penstock::clickhouse
