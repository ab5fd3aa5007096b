#pragma once

#include <string>
#include <vector>

namespace penstock::test {

/// A command of a runbook: what stands in a line of a ```sh or ```promql block.
struct RunbookLine {
  std::string page;      ///< "PenstockPipeFailed"
  std::string language;  ///< "sh" or "promql"
  std::string text;
};

/// Names of the pages of docs/runbooks below this root, but for its README: "PenstockPipeFailed".
std::vector<std::string> runbook_pages(const std::string& root);
std::string runbook_text(const std::string& root, const std::string& page);
std::vector<RunbookLine> runbook_lines(const std::string& root);

/// The SQL of a line `program -c "…" -c "…"`; empty when it is a line of another program.
std::vector<std::string> statements_of(const std::string& line, const std::string& program,
                                       const std::string& option);

}  // namespace penstock::test
