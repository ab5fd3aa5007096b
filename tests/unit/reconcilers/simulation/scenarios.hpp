#pragma once

#include <vector>

#include "tests/unit/reconcilers/simulation/play.hpp"

namespace penstock::reconcile::simulation {

[[nodiscard]] std::vector<Scenario> lifecycle_scenarios();
[[nodiscard]] std::vector<Scenario> mode_scenarios();
[[nodiscard]] std::vector<Scenario> log_scenarios();
[[nodiscard]] std::vector<Scenario> table_scenarios();
[[nodiscard]] std::vector<Scenario> reload_scenarios();
[[nodiscard]] std::vector<Scenario> resync_scenarios();
[[nodiscard]] std::vector<Scenario> entangled_scenarios();
[[nodiscard]] std::vector<Scenario> lost_place_scenarios();
[[nodiscard]] std::vector<Scenario> refused_table_scenarios();
[[nodiscard]] std::vector<Scenario> outage_scenarios();

/// A few that are short enough for pairs of faults.
[[nodiscard]] std::vector<Scenario> short_scenarios();

}  // namespace penstock::reconcile::simulation
