#pragma once

#include "reconcilers/pipe/action.hpp"
#include "reconcilers/pipe/view.hpp"

namespace penstock::reconcile {

/// Carries the action out. What it learnt for the status comes back as the status to record next; nullopt:
/// nothing.
[[nodiscard]] Result<std::optional<PipeStatus>> act(const Action& action, const View& view,
                                                    const Credentials& credentials, PipeApi& api,
                                                    Dataplane& dataplane);

}  // namespace penstock::reconcile
