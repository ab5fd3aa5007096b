#include "core/table_name.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace penstock {
namespace {

bool plain_identifier(std::string_view name) {
  const auto lower_or_underscore = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
  return !name.empty() && lower_or_underscore(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return lower_or_underscore(c) || (c >= '0' && c <= '9') || c == '$'; });
}

/// Takes one identifier off the front of `rest`; nullopt-like empty result on bad syntax.
bool take_quoted(std::string_view& rest, std::string& out) {
  rest.remove_prefix(1);
  while (!rest.empty() && rest.front() != '\0') {
    if (rest.front() != '"') {
      out += rest.front();
      rest.remove_prefix(1);
    } else if (rest.size() > 1 && rest[1] == '"') {
      out += '"';
      rest.remove_prefix(2);
    } else {
      rest.remove_prefix(1);
      return !out.empty();
    }
  }
  return false;
}

bool take_plain(std::string_view& rest, std::string& out) {
  const auto allowed = [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '$' || c >= 0x80; };
  if (rest.empty() || std::isdigit(static_cast<unsigned char>(rest.front())) || rest.front() == '$')
    return false;
  while (!rest.empty() && allowed(static_cast<unsigned char>(rest.front()))) {
    const char c = rest.front();
    out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    rest.remove_prefix(1);
  }
  return !out.empty();
}

bool take_identifier(std::string_view& rest, std::string& out) {
  return !rest.empty() && rest.front() == '"' ? take_quoted(rest, out) : take_plain(rest, out);
}

}  // namespace

std::string quote_identifier(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

std::string TableName::text() const {
  const auto part = [](const std::string& id) { return plain_identifier(id) ? id : quote_identifier(id); };
  return part(schema) + "." + part(name);
}

std::string TableName::quoted() const {
  return quote_identifier(schema) + "." + quote_identifier(name);
}

Result<TableName> TableName::parse(std::string_view text) {
  TableName out;
  std::string_view rest = text;
  if (take_identifier(rest, out.schema) && !rest.empty() && rest.front() == '.') {
    rest.remove_prefix(1);
    if (take_identifier(rest, out.name) && rest.empty()) return out;
  }
  return fail(ErrorKind::NeedsUser, "InvalidTableName",
              fmt::format("\"{}\" is not a table name of the form schema.table", text),
              "Write it as public.orders, with SQL quoting for odd names: \"My.Schema\".\"Order Lines\"");
}

}  // namespace penstock
