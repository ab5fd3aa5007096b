#pragma once

#include "reconcilers/pipe/action.hpp"
#include "reconcilers/pipe/view.hpp"

namespace penstock::reconcile {

/// What an action has learnt for the status: the status to record next; nullopt: nothing.
using Learnt = Result<std::optional<PipeStatus>>;

/// Carries the action out.
[[nodiscard]] Learnt act(const Action& action, const View& view, const Credentials& credentials, PipeApi& api,
                         Dataplane& dataplane);

}  // namespace penstock::reconcile
