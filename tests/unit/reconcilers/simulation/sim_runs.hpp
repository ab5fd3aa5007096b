#pragma once

// A load and a stream at work, step by step, as dataplane/pipeline/load_run.cpp and stream_run.cpp are.

#include "tests/unit/reconcilers/simulation/stage.hpp"

namespace penstock::reconcile::simulation {

/// Each takes one step; false: there is nothing to do. Died passes through.
bool step_load(Stage& stage);
bool step_stream(Stage& stage);

/// The two kinds of steps that a connected stream takes, in whatever order.
bool deliver_next(Stage& stage);
bool confirm_received(Stage& stage);

/// How long the source keeps the changes of a table that fails.
inline constexpr std::chrono::minutes kPatience{5};

}  // namespace penstock::reconcile::simulation
