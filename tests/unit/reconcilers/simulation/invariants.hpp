#pragma once

// What must hold at every moment, and what must hold in the end.

#include <string>

#include "tests/unit/reconcilers/simulation/stage.hpp"

namespace penstock::reconcile::simulation {

/// Holds the world before and after an effect against what must always hold; violations go to the stage.
void check_effect(const World& before, Stage& stage, const char* point);

/// From behind this place on, the changes of a table that joined later are the stream's to bring.
[[nodiscard]] Position joined(const Source& source, const Pipe& pipe, const TableStatus& table);

/// Empty: the world is what the manifest says. Else what is missing.
[[nodiscard]] std::string unfulfilled(const World& world);

/// The end, as far as it must be the same whatever went wrong on the way.
[[nodiscard]] std::string end_of(const World& world);

}  // namespace penstock::reconcile::simulation
