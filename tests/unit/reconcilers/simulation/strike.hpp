#pragma once

// A scenario struck by faults must end where it ends undisturbed.

#include <set>
#include <string>
#include <vector>

#include "tests/unit/reconcilers/simulation/play.hpp"

namespace penstock::reconcile::simulation {

struct Tally {
  int scenarios = 0, points = 0, runs = 0, failures = 0;
  std::set<PipeState> states;
  std::string told;  ///< the scenario that was last reported on

  void print(const std::string& name) const;
};

/// How a scenario goes when nothing goes wrong; reports if that is not well.
struct Undisturbed {
  std::string end;
  std::vector<std::string> points;
};
[[nodiscard]] Undisturbed undisturbed(const Scenario& scenario, Tally& tally);

void expect_same_end(const Scenario& scenario, const FaultPlan& plan, const std::string& wanted,
                     Tally& tally);

/// Each fault at each effect, one at a time.
void strike_everywhere(const Scenario& scenario, Tally& tally);
/// Two deaths, at each pair of effects.
void strike_twice(const Scenario& scenario, Tally& tally);
/// `times` runs with two to four faults wherever a seeded dice falls.
void strike_at_random(const std::vector<Scenario>& scenarios, unsigned seed, int times, Tally& tally);

}  // namespace penstock::reconcile::simulation
