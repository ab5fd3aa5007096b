#pragma once

#include <vector>

#include "tests/unit/reconcilers/simulation/play.hpp"

namespace penstock::reconcile::simulation {

[[nodiscard]] std::vector<Scenario> lifecycle_scenarios();
[[nodiscard]] std::vector<Scenario> table_scenarios();
[[nodiscard]] std::vector<Scenario> resync_scenarios();
[[nodiscard]] std::vector<Scenario> mode_scenarios();
[[nodiscard]] std::vector<Scenario> trouble_scenarios();

}  // namespace penstock::reconcile::simulation
