// Somebody writes to the Pipe right before each step of ours: what he does not change holds nobody up.

#include <gtest/gtest.h>

#include "tests/unit/reconcilers/simulation/play.hpp"
#include "tests/unit/reconcilers/simulation/scenarios.hpp"

namespace penstock::reconcile::simulation {
namespace {

FaultPlan at_every_step(Fault fault) {
  constexpr int kMoreThanAnyScenarioHas = 2000;
  FaultPlan out;
  for (int effect = 0; effect < kMoreThanAnyScenarioHas; ++effect)
    out.emplace(effect, fault);
  return out;
}

void expect_not_held_up(const std::vector<Scenario>& scenarios) {
  for (const auto& scenario : scenarios) {
    const auto calm = Play(scenario, {}).run();
    const auto annotated = Play(scenario, at_every_step(Fault::Conflict)).run();
    EXPECT_EQ(annotated.problem, "") << scenario.name;
    EXPECT_EQ(annotated.end, calm.end) << scenario.name;
    // Each of his writes brings a pass, which may record how far a load is.
    EXPECT_LT(annotated.effects, calm.effects * 5 / 4) << scenario.name << ": something was done again";
  }
}

TEST(Annotations, HoldUpNothingOfALifecycle) {
  expect_not_held_up(lifecycle_scenarios());
}
TEST(Annotations, HoldUpNoTable) {
  expect_not_held_up(table_scenarios());
}
TEST(Annotations, HoldUpNoResync) {
  expect_not_held_up(resync_scenarios());
}

}  // namespace
}  // namespace penstock::reconcile::simulation
