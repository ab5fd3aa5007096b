#include "tests/support/runbooks.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace penstock::test {

std::vector<std::string> runbook_pages(const std::string& root) {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(root + "/docs/runbooks"))
    if (entry.path().extension() == ".md" && entry.path().stem() != "README")
      out.push_back(entry.path().stem());
  std::sort(out.begin(), out.end());
  return out;
}

std::string runbook_text(const std::string& root, const std::string& page) {
  std::ifstream in(root + "/docs/runbooks/" + page + ".md");
  if (!in) throw std::runtime_error("no page docs/runbooks/" + page + ".md");
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::vector<RunbookLine> runbook_lines(const std::string& root) {
  std::vector<RunbookLine> out;
  for (const auto& page : runbook_pages(root)) {
    std::istringstream in(runbook_text(root, page));
    std::string language;
    for (std::string line; std::getline(in, line);) {
      line.erase(0, std::min(line.find_first_not_of(' '), line.size()));
      if (line.rfind("```", 0) == 0)
        language = line.substr(3);
      else if (!language.empty() && !line.empty())
        out.push_back({page, language, line});
    }
  }
  return out;
}

std::vector<std::string> statements_of(const std::string& line, const std::string& program,
                                       const std::string& option) {
  std::vector<std::string> out;
  if (line.rfind(program + " ", 0) != 0) return out;
  const auto opening = " " + option + " \"";
  for (auto at = line.find(opening); at != std::string::npos; at = line.find(opening, at)) {
    at += opening.size();
    const auto end = line.find('"', at);
    out.push_back(line.substr(at, end - at));
    at = end;
  }
  return out;
}

}  // namespace penstock::test
