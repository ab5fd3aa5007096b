#pragma once

#include "reconcilers/pipe/action.hpp"
#include "reconcilers/pipe/view.hpp"

namespace penstock::reconcile {

/// The next step for this pipe. Pure: the same view gives the same decision. The rules are in plan.cpp, top
/// to bottom; README.md beside it tells the lifecycle in prose.
[[nodiscard]] Decision plan(const View& view);

/// The state that the recorded facts amount to, were the pipe neither paused nor failed.
[[nodiscard]] PipeState phase_of(const Pipe& pipe);

/// How long a deleted Pipe waits for a database that cannot be reached before it is let go.
inline constexpr std::chrono::seconds kReleasePatience{120};

}  // namespace penstock::reconcile
