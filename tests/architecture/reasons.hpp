#pragma once

#include <set>
#include <string>
#include <vector>

#include "tests/architecture/layers.hpp"

namespace penstock::architecture {

/// Words in CamelCase that stand alone between quotation marks in the code: every reason is one.
std::set<std::string> camel_case_words(const std::vector<SourceFile>& files);

/// A row of a table of docs/events.md whose first column is headed "reason".
struct DocumentedReason {
  std::string reason;
  std::string meaning;
  std::string cure;
};
std::vector<DocumentedReason> documented_reasons(const std::string& page);

}  // namespace penstock::architecture
