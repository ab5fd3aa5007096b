#pragma once

// What a pass writes down: facts of the run into the status, a decision into state and conditions, and the
// events that tell of the difference. Pure.

#include <optional>
#include <string>
#include <vector>

#include "reconcilers/pipe/action.hpp"
#include "reconcilers/pipe/view.hpp"

namespace penstock::reconcile {

/// The status of a Pipe that no controller has seen: names of slot and publication, the resync watermark.
[[nodiscard]] PipeStatus first_status(const Pipe& pipe);

/// The recorded status brought up to what the runs say of themselves now, and to generations that there is
/// nothing to do for.
[[nodiscard]] PipeStatus absorb(const Pipe& pipe, const Runs& run);

/// The decision's state, message and conditions. The generation that was looked at is observed when it is
/// taken up: until then the status speaks of the former one.
[[nodiscard]] PipeStatus with_decision(const Pipe& pipe, PipeStatus status, const Decision& decision,
                                       WallTime now);

struct EventNote {
  bool warning = false;
  std::string reason;
  std::string message;
  bool operator==(const EventNote&) const = default;
};
/// One Normal event for a new state, one Warning for each new fault: of the pipe, of a table, of a resync
/// that does not begin; and one for a generation that was lowered.
[[nodiscard]] std::vector<EventNote> events_between(const Pipe& before, const PipeStatus& after,
                                                    const Decision& decision);

/// The retry after one more failure; `before` is kept in count while the spec and credentials are the same.
[[nodiscard]] Retry after_failure(const std::optional<Retry>& before, const Error& error, const View& view);
/// Whether a load has come further than the recorded status, so that earlier failures are over.
[[nodiscard]] bool load_has_moved(const PipeStatus& recorded, const RunFacts& load);

}  // namespace penstock::reconcile
