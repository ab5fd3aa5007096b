#include "dataplane/clickhouse/key_text.hpp"

#include <optional>
#include <utility>

namespace penstock::clickhouse {
namespace {

bool is_quote(char c) {
  return c == '\'' || c == '`' || c == '"';
}

/// The same, to the end of the text where it is not closed.
std::size_t length_of_quoted(std::string_view text) {
  return quoted_length(text).value_or(text.size());
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ')
    text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ')
    text.remove_suffix(1);
  return text;
}

/// The name that a whole `part` quotes; nothing when it is anything else.
std::optional<std::string> unquoted(std::string_view part) {
  if (part.size() < 2 || part.front() != '`' || quoted_length(part) != part.size()) return std::nullopt;
  return unquoted_name(part);
}

std::string without_blanks(std::string_view type) {
  std::string out;
  for (std::size_t at = 0; at < type.size(); ++at) {
    if (is_quote(type[at])) {
      const auto length = length_of_quoted(type.substr(at));
      out += type.substr(at, length);
      at += length - 1;
    } else if (type[at] != ' ' && type[at] != '\t' && type[at] != '\n' && type[at] != '\r') {
      out += type[at];
    }
  }
  return out;
}

/// Takes `name(` off the front and `)` off the end; false when it is not so wrapped.
bool unwrap(std::string_view& type, std::string_view name) {
  if (!type.starts_with(name) || type.size() < name.size() + 2) return false;
  if (type[name.size()] != '(' || type.back() != ')') return false;
  type.remove_prefix(name.size() + 1);
  type.remove_suffix(1);
  return true;
}

/// Some versions show a key of one column as "(id)".
std::string_view without_parentheses(std::string_view key) {
  key = trimmed(key);
  if (key.size() < 2 || key.front() != '(') return key;
  int depth = 0;
  for (std::size_t at = 0; at < key.size(); ++at) {
    if (is_quote(key[at])) {
      at += length_of_quoted(key.substr(at)) - 1;
    } else if (key[at] == '(') {
      ++depth;
    } else if (key[at] == ')' && --depth == 0) {
      return at + 1 == key.size() ? without_parentheses(key.substr(1, key.size() - 2)) : key;
    }
  }
  return key;
}

}  // namespace

std::optional<std::size_t> quoted_length(std::string_view text) {
  for (std::size_t at = 1; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == text.front()) {
      if (at + 1 >= text.size() || text[at + 1] != text.front()) return at + 1;
      ++at;  // a doubled quote is one of the text
    }
  }
  return std::nullopt;
}

std::string unquoted_name(std::string_view quoted) {
  std::string out;
  for (std::size_t at = 1; at + 1 < quoted.size(); ++at) {
    if (quoted[at] == quoted.front()) ++at;
    if (quoted[at] != '\\') {
      out += quoted[at];
      continue;
    }
    const char next = quoted[++at];
    constexpr std::string_view kLetters = "bfnrt0";
    constexpr std::string_view kMeanings("\b\f\n\r\t\0", 6);
    const auto letter = kLetters.find(next);
    out += letter == std::string_view::npos ? next : kMeanings[letter];
  }
  return out;
}

std::vector<std::string> split_key(std::string_view key) {
  key = without_parentheses(key);
  std::vector<std::string> out;
  std::size_t begin = 0;
  int depth = 0;
  const auto take = [&](std::size_t end) {
    const auto part = trimmed(key.substr(begin, end - begin));
    if (!part.empty()) out.push_back(unquoted(part).value_or(std::string(part)));
    begin = end + 1;
  };
  for (std::size_t at = 0; at < key.size(); ++at) {
    if (is_quote(key[at])) {
      at += length_of_quoted(key.substr(at)) - 1;
    } else if (key[at] == '(') {
      ++depth;
    } else if (key[at] == ')') {
      --depth;
    } else if (key[at] == ',' && depth == 0) {
      take(at);
    }
  }
  take(key.size());
  return out;
}

std::string comparable_type(std::string_view type) {
  auto out = without_blanks(type);
  std::size_t at = 0;
  while ((at = out.find("DateTime", at)) != std::string::npos) {
    at += 8;
    const auto zone = out.find('\'', at);
    const auto end = out.find(')', at);
    if (zone == std::string::npos || end == std::string::npos || zone > end) continue;
    if (out.compare(at, 1, "(") == 0) {
      out.erase(at, end - at + 1);  // DateTime('UTC')
    } else if (out[zone - 1] == ',' && out.compare(at, 3, "64(") == 0) {
      out.erase(zone - 1, end - zone + 1);  // DateTime64(6,'UTC')
    }
  }
  return out;
}

bool type_holds(std::string_view present, std::string_view wanted) {
  const auto have = comparable_type(present);
  const auto want = comparable_type(wanted);
  std::string_view inner = have;
  std::string_view asked = want;
  unwrap(inner, "LowCardinality");
  unwrap(asked, "LowCardinality");
  if (inner == asked) return true;
  return unwrap(inner, "Nullable") && inner == asked;
}

bool is_nullable(std::string_view type) {
  const auto text = comparable_type(type);
  return text.starts_with("Nullable(") || text.starts_with("LowCardinality(Nullable(");
}

std::string value_type(std::string_view type) {
  unwrap(type, "LowCardinality");
  unwrap(type, "Nullable");
  return std::string(type);
}

std::string_view plain_engine(std::string_view engine) {
  for (const std::string_view prefix : {"Replicated", "Shared"})
    if (engine.starts_with(prefix) && engine.size() > prefix.size()) engine.remove_prefix(prefix.size());
  return engine;
}

}  // namespace penstock::clickhouse
