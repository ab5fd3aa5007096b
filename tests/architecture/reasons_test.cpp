// Holds docs/events.md to the reasons that the sources have.

#include "tests/architecture/reasons.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

namespace penstock::architecture {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// The states, which the sources make reasons of by to_text().
const std::set<std::string> kStates{"Provisioning", "Setup",     "Snapshot", "Running",   "Pausing",
                                    "Paused",       "Modifying", "Resync",   "Completed", "Failed"};

/// Words that look like reasons and are none: types, engines and syntax of ClickHouse, verbs, types of
/// conditions, errors that end a start or a look of `penstock dev` and `penstock plan`, and not a pipe's.
const std::set<std::string> kNoReasons{"DateTime",          "DateTime64",
                                       "LowCardinality",    "FixedString",
                                       "MergeTree",         "ReplacingMergeTree",
                                       "AddFinalizer",      "BeginResync",
                                       "CreateSlot",        "DeclareTables",
                                       "MakeTables",        "RemoveFinalizer",
                                       "RemoveTables",      "SetUp",
                                       "StartLoad",         "StartStream",
                                       "StopRuns",          "SwapTables",
                                       "TakeDownFormer",    "ResyncRequired",
                                       "ListenFailed",      "PortInUse",
                                       "NotFound",          "InvalidLsn",
                                       "InvalidRowVersion", "InvalidTableName",
                                       "SelectQuery",       "SelectWithUnionQuery",
                                       "ExpressionList",    "TablesInSelectQuery",
                                       "QualifiedAsterisk", "ColumnsRegexpMatcher",
                                       "WindowDefinition",  "InIgnoreSet"};

std::set<std::string> words_of_the_sources() {
  return camel_case_words(sources_in({"core", "reconcilers", "dataplane", "controller/adapters"}));
}

std::vector<DocumentedReason> rows() {
  std::ifstream in(PENSTOCK_SOURCE_DIR "/docs/events.md");
  return documented_reasons({std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()});
}

std::set<std::string> names() {
  std::set<std::string> out;
  for (const auto& row : rows())
    out.insert(row.reason);
  return out;
}

std::vector<std::string> missing_from(const std::set<std::string>& these,
                                      const std::set<std::string>& wanted) {
  std::vector<std::string> out;
  std::ranges::set_difference(wanted, these, std::back_inserter(out));
  return out;
}

TEST(Reasons, OfTheSourcesAreInTheDocument) {
  auto known = names();
  known.insert(kNoReasons.begin(), kNoReasons.end());
  EXPECT_THAT(missing_from(known, words_of_the_sources()), IsEmpty())
      << "explain these in docs/events.md; or list them as words that are no reasons";
  EXPECT_THAT(missing_from(known, kStates), IsEmpty());
}

TEST(Reasons, OfTheDocumentAreInTheSources) {
  auto known = words_of_the_sources();
  EXPECT_THAT(missing_from(known, kNoReasons), IsEmpty()) << "no exception is needed for these any more";
  known.insert(kStates.begin(), kStates.end());
  EXPECT_THAT(missing_from(known, names()), IsEmpty()) << "docs/events.md tells of what is gone";
}

TEST(Reasons, AreExplainedOnceEach) {
  EXPECT_EQ(rows().size(), names().size());
  for (const auto& row : rows()) {
    EXPECT_TRUE(row.meaning.ends_with('.')) << row.reason;
    EXPECT_TRUE(row.cure.ends_with('.')) << row.reason;
  }
}

TEST(ReasonRules, AWordIsFoundWhereItStandsAloneInCode) {
  EXPECT_THAT(camel_case_words({{"dataplane/a.cpp",
                                 "  return fail(ErrorKind::Terminal, \"SlotLost\", \"the SlotGone one\");\n"
                                 "  // as \"SlotFound\" does\n"
                                 "  error.reason = \"Slot\";\n"}}),
              ElementsAre("SlotLost"));
}

TEST(ReasonRules, OnlyTablesOfReasonsAreRead) {
  const auto found = documented_reasons(
      "| condition | while it is True |\n|---|---|\n| `Ready` | it runs |\n\n"
      "| reason | what it means | what to do |\n|---|---|---|\n| `SlotLost` | It is gone. | Resync. |\n\n"
      "| `Stray` | A row of no table. | Nothing. |\n");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].reason, "SlotLost");
  EXPECT_EQ(found[0].meaning, "It is gone.");
  EXPECT_EQ(found[0].cure, "Resync.");
}

}  // namespace
}  // namespace penstock::architecture
