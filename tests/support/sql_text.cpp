#include "tests/support/sql_text.hpp"

namespace penstock::test {
namespace {

/// Behind the closing quote of what begins at `at`.
std::size_t behind_quotes(const std::string& text, std::size_t at) {
  const std::string quote = text[at] == '$' ? "$$" : std::string(1, text[at]);
  const auto end = text.find(quote, at + quote.size());
  return end == std::string::npos ? text.size() : end + quote.size();
}

}  // namespace

std::vector<std::string> statements_of(const std::string& text) {
  std::vector<std::string> out;
  std::string statement;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    auto end = at + 1;
    if (c == '\'' || c == '"' || text.compare(at, 2, "$$") == 0) end = behind_quotes(text, at);
    if (c != ';') {
      if (!statement.empty() || c != ' ') statement += text.substr(at, end - at);
    } else if (!statement.empty()) {
      out.push_back(std::move(statement));
      statement.clear();
    }
    at = end;
  }
  if (!statement.empty()) out.push_back(std::move(statement));
  return out;
}

}  // namespace penstock::test
