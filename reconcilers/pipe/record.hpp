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

/// The recorded status brought up to what the run says of itself now.
[[nodiscard]] PipeStatus absorb(const Pipe& pipe, const RunFacts& run);

/// The status after Setup: the source's identity and a line for each table, those known before kept.
[[nodiscard]] PipeStatus after_setup(const Pipe& pipe, const SetupFacts& facts);

/// The decision's state, message and conditions, for the generation that was looked at.
[[nodiscard]] PipeStatus with_decision(const Pipe& pipe, PipeStatus status, const Decision& decision,
                                       WallTime now);

struct EventNote {
  bool warning = false;
  std::string reason;
  std::string message;
  bool operator==(const EventNote&) const = default;
};
/// One Normal event for a new state, one Warning for a new fault.
[[nodiscard]] std::vector<EventNote> events_between(const PipeStatus& before, const PipeStatus& after,
                                                    const Decision& decision);

/// The retry after one more failure; `before` is kept in count while the spec and credentials are the same.
[[nodiscard]] Retry after_failure(const std::optional<Retry>& before, const Error& error, const View& view);
/// Whether the run has come further than the recorded status, so that earlier failures are over.
[[nodiscard]] bool has_moved(const PipeStatus& recorded, const RunFacts& run);

}  // namespace penstock::reconcile
