#include "tests/architecture/reasons.hpp"

#include <regex>
#include <sstream>

namespace penstock::architecture {
namespace {

std::string without_comment_lines(const std::string& text) {
  std::string out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto first = line.find_first_not_of(' ');
    if (first == std::string::npos || line.compare(first, 2, "//") != 0) out += line + "\n";
  }
  return out;
}

}  // namespace

std::set<std::string> camel_case_words(const std::vector<SourceFile>& files) {
  static const std::regex kWord(R"re("((?:[A-Z][a-z0-9]+){2,})")re");
  std::set<std::string> out;
  for (const auto& file : files) {
    const auto text = without_comment_lines(file.text);
    for (std::sregex_iterator at(text.begin(), text.end(), kWord), end; at != end; ++at)
      out.insert((*at)[1]);
  }
  return out;
}

std::vector<DocumentedReason> documented_reasons(const std::string& page) {
  static const std::regex kRow(R"re(\| `(\w+)` \| ([^|]+) \| ([^|]+) \|)re");
  std::vector<DocumentedReason> out;
  std::istringstream lines(page);
  bool of_reasons = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("| reason |", 0) == 0) of_reasons = true;
    if (line.empty()) of_reasons = false;
    std::smatch cells;
    if (of_reasons && std::regex_match(line, cells, kRow)) out.push_back({cells[1], cells[2], cells[3]});
  }
  return out;
}

}  // namespace penstock::architecture
