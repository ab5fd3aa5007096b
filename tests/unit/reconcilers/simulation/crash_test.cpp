// Every scenario, struck at every effect by every fault: it must end where it ends undisturbed.

#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/unit/reconcilers/simulation/scenarios.hpp"
#include "tests/unit/reconcilers/simulation/strike.hpp"

namespace penstock::reconcile::simulation {
namespace {

void strike_all(const char* name, const std::vector<Scenario>& scenarios) {
  Tally tally;
  for (const auto& scenario : scenarios)
    strike_everywhere(scenario, tally);
  tally.print(name);
}

TEST(Crashes, Lifecycle) {
  strike_all("lifecycle", lifecycle_scenarios());
}
TEST(Crashes, Tables) {
  strike_all("tables", table_scenarios());
}
TEST(Crashes, TablesLoadedAnew) {
  strike_all("tables loaded anew", reload_scenarios());
}
TEST(Crashes, Resyncs) {
  strike_all("resyncs", resync_scenarios());
}
TEST(Crashes, ResyncsInTheMidstOfOthers) {
  strike_all("resyncs in the midst of others", entangled_scenarios());
}
TEST(Crashes, Modes) {
  strike_all("modes", mode_scenarios());
}
TEST(Crashes, Logs) {
  strike_all("logs", log_scenarios());
}
TEST(Crashes, LostPlaces) {
  strike_all("lost places", lost_place_scenarios());
}
TEST(Crashes, RefusedTables) {
  strike_all("refused tables", refused_table_scenarios());
}
TEST(Crashes, Outages) {
  strike_all("outages", outage_scenarios());
}

TEST(CrashesTwice, OfAFewScenarios) {
  Tally tally;
  for (const auto& scenario : short_scenarios())
    strike_twice(scenario, tally);
  tally.print("two crashes");
}

TEST(FaultsAtRandom, OfAllScenarios) {
  std::vector<Scenario> all;
  for (const auto& some : {lifecycle_scenarios(), table_scenarios(), reload_scenarios(), resync_scenarios(),
                           entangled_scenarios(), mode_scenarios(), log_scenarios(), lost_place_scenarios(),
                           refused_table_scenarios(), outage_scenarios()})
    all.insert(all.end(), some.begin(), some.end());
  Tally tally;
  strike_at_random(all, 20'240'229, std::getenv("PENSTOCK_NIGHTLY") != nullptr ? 60'000 : 4'000, tally);
  tally.print("two to four faults");
  EXPECT_EQ(tally.states.size(), 10U) << "a state is in no scenario";
}

}  // namespace
}  // namespace penstock::reconcile::simulation
