#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

#include "tests/histories/history.hpp"
#include "tests/histories/shrink.hpp"

namespace penstock::histories {
namespace {

TEST(Histories, OfTheSameSeedAreTheSame) {
  for (const std::uint64_t seed : {1, 2, 77, 123456})
    EXPECT_EQ(to_text(make_history(seed)), to_text(make_history(seed)));
  EXPECT_NE(to_text(make_history(1)), to_text(make_history(2)));
}

TEST(Histories, AreReadAsTheyAreWritten) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const auto history = make_history(seed);
    EXPECT_EQ(from_text(history.name, "# a comment\n\n" + to_text(history)), history);
  }
  EXPECT_THROW(from_text("x", "SELECT 1\n"), std::runtime_error);
}

TEST(Histories, ChangeRowsTablesAndThePipe) {
  std::string all;
  for (std::uint64_t seed = 1; seed <= 200; ++seed)
    all += to_text(make_history(seed));
  for (const auto* part :
       {"INSERT INTO",      "UPDATE",          "DELETE FROM",         "TRUNCATE",  "COPY",
        "ON CONFLICT",      "SAVEPOINT",       "PREPARE TRANSACTION", "RENAME TO", "SET SCHEMA",
        "REPLICA IDENTITY", "ADD PRIMARY KEY", "DETACH PARTITION",    "INHERITS",  "SET UNLOGGED",
        "ALTER TYPE",       "VACUUM FULL",     "PUBLICATION",         "do pause",  "do resync public.",
        "do remove",        "excludedColumns"})
    EXPECT_NE(all.find(part), std::string::npos) << part;
}

History of_lines(std::size_t count) {
  History out{"x", {{Line::Kind::Table, 0, "public.t"}}};
  for (std::size_t at = 1; at < count; ++at)
    out.lines.push_back({Line::Kind::Session, 1, std::to_string(at)});
  return out;
}

bool holds(const History& history, const std::string& text) {
  return std::any_of(history.lines.begin(), history.lines.end(),
                     [&](const Line& line) { return line.text == text; });
}

TEST(Shrink, LeavesTheLinesThatItTakes) {
  int rounds = 0;
  const auto shortest = shrink(
      of_lines(100),
      [](const std::vector<History>& all) {
        std::vector<bool> out;
        for (const auto& each : all)
          out.push_back(holds(each, "13") && holds(each, "77"));
        return out;
      },
      [&] { return ++rounds > 1000; });
  EXPECT_EQ(to_text(shortest), "table public.t\n1: 13\n1: 77\n");
  EXPECT_LT(rounds, 60);
}

TEST(Shrink, EndsWhenTimeIsOver) {
  EXPECT_EQ(shrink(
                of_lines(9), [](const auto& all) { return std::vector<bool>(all.size(), true); },
                [] { return true; }),
            of_lines(9));
}

}  // namespace
}  // namespace penstock::histories
