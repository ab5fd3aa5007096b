// Small inputs that once went wrong, here or in another system. Of each: source and target are equal row by
// row, or the status names the table; the healthy neighbour goes on; a resync makes all equal. All run at
// once: the first test that is asked waits for the rest.

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <iostream>
#include <sstream>

#include "tests/e2e/cases/case_runner.hpp"

namespace penstock::cases {
namespace {

std::vector<Case> all_cases() {
  std::vector<Case> out;
  for (const auto kind : {identity_cases, key_cases, name_cases, catalog_cases, large_value_cases,
                          publication_cases, target_cases, passing_cases, partition_cases, other_cases})
    for (auto& its : kind())
      out.push_back(std::move(its));
  return out;
}

/// "pk-dropped" as the name of a test.
std::string test_name(const std::string& name) {
  std::string out;
  bool upper = true;
  for (const char c : name) {
    if (c != '-' && c != '_') out += upper ? static_cast<char>(std::toupper(c)) : c;
    upper = c == '-' || c == '_';
  }
  return out;
}

/// The tests of a case, by what they look for in its result: all of it, or what is said of one table.
std::map<std::string, std::string> tests_of(const Case& its) {
  if (!its.each_table) return {{test_name(its.name), ""}};
  std::map<std::string, std::string> out;
  for (const auto& table : its.tables)
    out[test_name(its.name) + test_name(table.substr(table.find('.') + 1))] = table;
  return out;
}

bool is_wanted(const std::string& test) {
  const auto* unit = testing::UnitTest::GetInstance();
  for (int suite = 0; suite < unit->total_test_suite_count(); ++suite)
    for (int at = 0; at < unit->GetTestSuite(suite)->total_test_count(); ++at)
      if (const auto* info = unit->GetTestSuite(suite)->GetTestInfo(at);
          info->should_run() && info->name() == test)
        return true;
  return false;
}

/// Only of the cases that are not filtered out.
const std::map<std::string, CaseResult>& results() {
  static const auto all = [] {
    std::vector<Case> wanted;
    for (auto& its : all_cases()) {
      const auto tests = tests_of(its);
      if (std::any_of(tests.begin(), tests.end(), [](const auto& test) { return is_wanted(test.first); }))
        wanted.push_back(std::move(its));
    }
    return run_cases(wanted);
  }();
  return all;
}

/// What is said of one of the case's tables: the lines that begin with it. Where nothing is said of any, or
/// something of another than these, all of it.
std::string said_of(const std::string& table, const std::vector<std::string>& tables,
                    const std::string& wrong) {
  std::istringstream lines(wrong);
  std::string out;
  bool of_these = false, of_another = false;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("public.")) continue;
    const auto name = line.substr(0, line.find(": "));
    const bool known = std::find(tables.begin(), tables.end(), name) != tables.end();
    of_these = of_these || known;
    of_another = of_another || !known;
    if (name == table) out += line + "\n";
  }
  return of_these && !of_another ? out : wrong;
}

/// A test that is asked for by its whole name, and is not there, would never be missed.
bool has_all_that_is_asked_for() {
  std::istringstream names(GTEST_FLAG_GET(filter));
  bool all = true;
  for (std::string name; std::getline(names, name, ':');) {
    if (name.find_first_of("*?-") != std::string::npos || is_wanted(name.substr(name.find('.') + 1)))
      continue;
    std::cerr << "there is no test " << name << '\n';
    all = false;
  }
  return all;
}

class OneOfTheCases : public testing::Test {
 public:
  OneOfTheCases(std::string name, std::string table, std::vector<std::string> tables)
      : name_(std::move(name)), table_(std::move(table)), tables_(std::move(tables)) {}
  void TestBody() override {
    const auto at = results().find(name_);
    ASSERT_NE(at, results().end()) << "did not run";
    const auto& [wrong, skipped] = at->second;
    if (!skipped.empty()) GTEST_SKIP() << skipped;
    EXPECT_EQ(table_.empty() ? wrong : said_of(table_, tables_, wrong), "");
  }

 private:
  std::string name_;
  std::string table_;
  std::vector<std::string> tables_;
};

void register_tests() {
  for (const auto& its : all_cases())
    for (const auto& [test, table] : tests_of(its))
      testing::RegisterTest("Cases", test.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                            [name = its.name, table = table, tables = its.tables] {
                              return new OneOfTheCases(name, table, tables);
                            });
}

}  // namespace
}  // namespace penstock::cases

int main(int count, char** arguments) {
  testing::InitGoogleTest(&count, arguments);
  penstock::cases::register_tests();  // here, where what their texts are made of is there
  const int failed = RUN_ALL_TESTS();
  return penstock::cases::has_all_that_is_asked_for() ? failed : 1;
}
