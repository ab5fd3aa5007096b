#include "dataplane/clickhouse/client.hpp"

namespace penstock::clickhouse {
namespace {

/// Backslash escapes, which ClickHouse reads in literals and in quoted identifiers alike (ClickHouse docs,
/// "Syntax").
std::string quoted_by(char quote, std::string_view text) {
  std::string out(1, quote);
  out.reserve(text.size() + 2);
  for (const char c : text) {
    switch (c) {
      case '\0':
        out += "\\0";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\\':
        out += "\\\\";
        break;
      default:
        if (c == quote) out += '\\';
        out += c;
    }
  }
  out += quote;
  return out;
}

}  // namespace

std::string quote(std::string_view name) {
  return quoted_by('`', name);
}

std::string literal(std::string_view text) {
  return quoted_by('\'', text);
}

}  // namespace penstock::clickhouse
