#include "controller/engine/statement_text.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

#include "controller/engine/sql_lexer.hpp"

namespace penstock::engine {
namespace {

using Kind = Token::Kind;

// Skips to behind the parenthesis that closes the one just read; at the end of the text when it is not
// closed.
void skip_parentheses(SqlLexer& lexer) {
  for (int depth = 1; depth > 0;) {
    const Token token = lexer.next();
    if (token.kind == Kind::End) return;
    if (lexer.is_symbol(token, '(')) ++depth;
    if (lexer.is_symbol(token, ')')) --depth;
  }
}

// Behind `INSERT`: INTO, TABLE, FUNCTION and the target's name, which may be any word ("insert into values
// ...").
void skip_target(SqlLexer& lexer) {
  for (const std::string_view optional : {"INTO", "TABLE", "FUNCTION"}) {
    SqlLexer ahead = lexer;
    const Token word = ahead.next();
    if (!ahead.is_keyword(word, optional)) continue;
    // "INSERT INTO table (a) ..." names a table called table.
    const Token after = ahead.peek();
    if (optional == "INTO" || after.kind == Kind::Word || after.kind == Kind::Quoted) lexer = ahead;
  }
  (void)lexer.next();
  while (lexer.is_symbol(lexer.peek(), '.')) {
    (void)lexer.next();
    (void)lexer.next();
  }
}

struct SettingList {
  std::optional<std::size_t> end;  // behind the list; none: no list
  bool cut = false;                // the text ended while it was read: more of it may follow
};

// `name = value, ...`
SettingList read_setting_list(SqlLexer lexer) {
  SettingList list;
  const auto take = [&] {
    const Token token = lexer.next();
    list.cut = lexer.at_end();
    return token;
  };
  do {
    if (take().kind != Kind::Word) return {std::nullopt, list.cut};
    if (!lexer.is_symbol(take(), '=')) return {std::nullopt, list.cut};
    Token value = take();
    if (lexer.is_symbol(value, '-') || lexer.is_symbol(value, '+')) value = take();
    if (value.kind != Kind::Word && value.kind != Kind::String && value.kind != Kind::Number)
      return {std::nullopt, list.cut};
    list.end = value.end;
    if (!lexer.is_symbol(lexer.peek(), ',')) break;
    (void)take();
  } while (true);
  list.cut = lexer.peek().kind == Kind::End;
  return list;
}

// Whether `text` is SETTINGS or the beginning of it, in any case; nothing is one, too.
bool begins_settings(std::string_view text) {
  constexpr std::string_view kSettings = "SETTINGS";
  return text.size() <= kSettings.size() &&
         std::equal(text.begin(), text.end(), kSettings.begin(), [](char a, char b) {
           return std::toupper(static_cast<unsigned char>(a)) == static_cast<unsigned char>(b);
         });
}

std::size_t skip_to_data(std::string_view text, std::size_t position) {
  while (position < text.size() &&
         (text[position] == ' ' || text[position] == '\t' || text[position] == '\f')) {
    ++position;
  }
  if (position < text.size() && text[position] == '\r') ++position;
  if (position < text.size() && text[position] == '\n') ++position;
  return position;
}

std::optional<InsertSplit> split_at_format(std::string_view text, SqlLexer lexer, std::size_t format_begin,
                                           bool complete) {
  const Token name = lexer.next();
  if (name.kind != Kind::Word && name.kind != Kind::Quoted) return std::nullopt;
  InsertSplit split{std::string(text.substr(0, format_begin)), std::string(lexer.text_of(name)), name.end};
  // On the same line, right behind blanks: all else that stands there may be data.
  const auto word = std::min(text.find_first_not_of(" \t\f", name.end), text.size());
  if (!complete && begins_settings(text.substr(word))) return std::nullopt;
  SqlLexer behind(text, word);
  const bool same_line = word < text.size() && text[word] != '\n' && text[word] != '\r';
  if (same_line && behind.is_keyword(behind.next(), "SETTINGS")) {
    const auto list = read_setting_list(behind);
    if (!complete && list.cut) return std::nullopt;
    if (list.end) {
      split.statement += "\n" + std::string(text.substr(word, *list.end - word));
      split.data_begin = *list.end;
    }
  }
  split.data_begin = skip_to_data(text, split.data_begin);
  // The last word of a text that goes on may be half a word; a line break behind it may still be missing.
  if (!complete && split.data_begin == text.size() && !text.ends_with('\n')) return std::nullopt;
  return split;
}

}  // namespace

bool is_insert(std::string_view text) {
  SqlLexer lexer(text);
  return lexer.is_keyword(lexer.next(), "INSERT");
}

std::optional<InsertSplit> split_insert(std::string_view text, bool complete) {
  if (!is_insert(text)) return std::nullopt;
  SqlLexer lexer(text);
  (void)lexer.next();
  skip_target(lexer);
  while (true) {
    const Token token = lexer.next();
    if (token.kind == Kind::End || lexer.is_symbol(token, ';')) return std::nullopt;
    if (!complete && token.end == text.size()) return std::nullopt;
    if (lexer.is_symbol(token, '(')) {
      const Token inside = lexer.peek();
      if (lexer.is_keyword(inside, "SELECT") || lexer.is_keyword(inside, "WITH")) return std::nullopt;
      skip_parentheses(lexer);
    }
    for (const std::string_view other : {"SELECT", "WITH", "WATCH", "FROM"}) {
      if (lexer.is_keyword(token, other)) return std::nullopt;
    }
    if (lexer.is_keyword(token, "VALUES")) {
      return InsertSplit{std::string(text.substr(0, token.begin)), "Values", token.end};
    }
    if (lexer.is_keyword(token, "FORMAT")) return split_at_format(text, lexer, token.begin, complete);
  }
}

OutputSplit split_output(std::string_view text) {
  OutputSplit split;
  SqlLexer lexer(text);
  std::size_t end = 0;  // behind the last token that belongs to the statement
  int depth = 0;
  for (Token token = lexer.next(); token.kind != Kind::End; token = lexer.next()) {
    if (lexer.is_symbol(token, ';') && lexer.peek().kind == Kind::End) break;
    if (lexer.is_symbol(token, '(')) ++depth;
    if (lexer.is_symbol(token, ')')) --depth;
    end = token.end;
    if (depth != 0 || !lexer.is_keyword(token, "FORMAT")) continue;
    SqlLexer ahead = lexer;
    const Token name = ahead.next();
    if (name.kind != Kind::Word) continue;
    const Token after = ahead.next();
    const bool last = after.kind == Kind::End || ahead.is_symbol(after, ';');
    const auto settings = ahead.is_keyword(after, "SETTINGS") ? read_setting_list(ahead).end : std::nullopt;
    if (!last && !settings) continue;
    split.head = std::string(text.substr(0, token.begin));
    split.format = std::string(ahead.text_of(name));
    if (settings) split.tail = std::string(text.substr(after.begin, *settings - after.begin));
    return split;
  }
  split.head = std::string(text.substr(0, end));
  return split;
}

bool may_reach_outside(std::string_view text) {
  constexpr std::string_view kWord = "file";
  // A backslash may stand for a letter in a quoted name.
  return text.find('\\') != std::string_view::npos ||
         std::search(text.begin(), text.end(), kWord.begin(), kWord.end(), [](char a, char b) {
           return std::tolower(static_cast<unsigned char>(a)) == b;
         }) != text.end();
}

Reach reach_of(std::string_view canonical) {
  SqlLexer lexer(canonical);
  Token before = lexer.next();
  for (Token token = before; token.kind != Kind::End; before = std::exchange(token, lexer.next())) {
    const Token after = lexer.peek();
    if (after.kind == Kind::String && lexer.is_keyword(before, "INTO") && lexer.is_keyword(token, "OUTFILE"))
      return Reach::Outfile;
    if (after.kind == Kind::String && lexer.is_keyword(before, "FROM") && lexer.is_keyword(token, "INFILE"))
      return Reach::Infile;
    if (lexer.text_of(token) == "file" && lexer.is_symbol(after, '(') && after.begin == token.end)
      return Reach::FileFunction;
  }
  return Reach::Nothing;
}

std::string quote_string(std::string_view value) {
  std::string quoted = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

std::string quote_name(std::string_view name) {
  std::string quoted = "`";
  for (const char c : name) {
    if (c == '`' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "`";
}

}  // namespace penstock::engine
