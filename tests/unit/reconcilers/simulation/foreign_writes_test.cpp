// Somebody writes to the Pipe right before each step of ours: what he does not change holds nobody up. And
// somebody writes to the status: what he changes is put back, and nothing is loaded again for it.

#include <gtest/gtest.h>

#include "tests/unit/reconcilers/simulation/play.hpp"
#include "tests/unit/reconcilers/simulation/scenarios.hpp"
#include "tests/unit/reconcilers/simulation/script.hpp"

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

const std::vector<std::pair<const char*, std::function<void(PipeStatus&)>>> kSpoilt = {
    {"empty", [](PipeStatus& status) { status = {}; }},
    {"Failed", [](PipeStatus& status) { status.state = PipeState::Failed; }},
    {"of another worker", [](PipeStatus& status) { status.worker = "somebody"; }},
    {"with a slot that never was", [](PipeStatus& status) { status.replication.slot = "never_was"; }},
    {"without a source", [](PipeStatus& status) { status.source.reset(); }},
    {"without tables", [](PipeStatus& status) { status.tables.clear(); }},
    {"with tables that wait for their load",
     [](PipeStatus& status) {
       for (auto& table : status.tables)
         table.state = TableState::Pending;
     }},
    {"without conditions", [](PipeStatus& status) { status.conditions.clear(); }}};

TEST(Status, ThatSomebodySpoilsIsMendedWithoutALoad) {
  using script::spoil;
  for (const auto state : {PipeState::Snapshot, PipeState::Running, PipeState::Paused})
    for (const auto& [what, change] : kSpoilt) {
      std::vector<Wish> wishes;
      if (state == PipeState::Paused) wishes.push_back(script::pause(PipeState::Running));
      wishes.push_back(spoil(state, what, change));
      if (state == PipeState::Paused) wishes.push_back(script::resume(script::kAtOnce));
      const auto spoilt = script::scenario(what, wishes);
      std::erase_if(wishes, [&, name = std::string(what)](const Wish& wish) { return wish.name == name; });
      const auto calm = script::scenario(what, wishes);
      const auto wanted = Play(calm, {}).run();
      const auto outcome = Play(spoilt, {}, true).run();
      EXPECT_EQ(outcome.problem, "") << what << " in " << penstock::to_text(state);
      EXPECT_EQ(outcome.end, wanted.end) << what << " in " << penstock::to_text(state);
      for (const auto& line : outcome.trace)
        EXPECT_EQ(line.find("_resync"), std::string::npos) << what << ": loaded again: " << line;
    }
}

}  // namespace
}  // namespace penstock::reconcile::simulation
