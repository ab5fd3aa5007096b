#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/e2e/cases/cases.hpp"

namespace penstock::cases {

struct CaseResult {
  std::string wrong{};    ///< what went otherwise than it has to; empty: nothing
  std::string skipped{};  ///< what the server lacks that the case needs; it did not run
};

/// Runs all of them at once, on servers that they share, each to its end. By name.
std::map<std::string, CaseResult> run_cases(const std::vector<Case>& cases);

}  // namespace penstock::cases
