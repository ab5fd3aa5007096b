#include "tests/histories/history.hpp"

#include <fmt/format.h>

#include <cctype>
#include <sstream>
#include <stdexcept>

namespace penstock::histories {
namespace {

Line line_of(const std::string& text) {
  const auto rest = [&](std::size_t from) { return text.substr(from); };
  if (text.starts_with("setup ")) return {Line::Kind::Setup, 0, rest(6)};
  if (text.starts_with("table ")) return {Line::Kind::Table, 0, rest(6)};
  if (text.starts_with("source ")) return {Line::Kind::Source, 0, rest(7)};
  if (text.starts_with("do ")) return {Line::Kind::Do, 0, rest(3)};
  if (const auto colon = text.find(": ");
      std::isdigit(static_cast<unsigned char>(text[0])) != 0 && colon != std::string::npos && colon < 3)
    return {Line::Kind::Session, std::stoi(text.substr(0, colon)), rest(colon + 2)};
  throw std::runtime_error("not a line of a history: " + text);
}

}  // namespace

std::string to_text(const History& history) {
  std::string out;
  for (const auto& line : history.lines) {
    switch (line.kind) {
      case Line::Kind::Setup:
        out += "setup ";
        break;
      case Line::Kind::Table:
        out += "table ";
        break;
      case Line::Kind::Source:
        out += "source ";
        break;
      case Line::Kind::Session:
        out += fmt::format("{}: ", line.session);
        break;
      case Line::Kind::Do:
        out += "do ";
        break;
    }
    out += line.text + "\n";
  }
  return out;
}

History from_text(const std::string& name, const std::string& text) {
  History out{name, {}};
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (!line.empty() && line[0] != '#') out.lines.push_back(line_of(line));
  return out;
}

}  // namespace penstock::histories
