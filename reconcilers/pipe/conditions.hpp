#pragma once

#include <optional>
#include <vector>

#include "core/result.hpp"
#include "crds/conditions.hpp"
#include "crds/pipe.hpp"
#include "reconcilers/pipe/action.hpp"

namespace penstock::reconcile {

/// The conditions that belong to a state, with or without a fault: kstatus-compatible (README.md,
/// "Conditions").
[[nodiscard]] std::vector<Condition> conditions_of(const Decision& decision, std::int64_t generation);

}  // namespace penstock::reconcile
