#pragma once

// The verbs: what one pass may do to the world. Plain values, each with what must hold for it; executed by
// act() in act.cpp, one overload each, so that a verb without an executor does not compile.

#include <chrono>
#include <string>
#include <variant>
#include <vector>

#include "crds/pipe.hpp"
#include "reconcilers/pipe/ports.hpp"

namespace penstock::reconcile {

/// Nothing to do; look again after `again` (zero: only when something changes).
struct Rest {
  Millis again{0};
  bool operator==(const Rest&) const = default;
};
struct AddFinalizer {
  bool operator==(const AddFinalizer&) const = default;
};
/// Validate, then make the target tables.
struct SetUp {
  bool operator==(const SetUp&) const = default;
};
/// The publication, then the slot (whose first change must find its publication). Holds only while the stored
/// Pipe still is the one that was seen: no row has been loaded by the slot's LSN.
struct CreateSlot {
  std::string resource_version;
  bool operator==(const CreateSlot&) const = default;
};
/// Both hold only while the stored Pipe still is the one that was seen: a stale view might begin a finished
/// load again under a stream that runs already.
struct StartLoad {
  std::string resource_version;
  bool operator==(const StartLoad&) const = default;
};
struct StartStream {
  std::string resource_version;
  bool operator==(const StartStream&) const = default;
};
struct StopRun {
  bool operator==(const StopRun&) const = default;
};
struct Release {
  ReleaseWish wish;
};
/// Let the Pipe go. `left_behind`: what could not be taken down in time, for a Warning; empty: nothing.
struct RemoveFinalizer {
  std::string left_behind;
  bool operator==(const RemoveFinalizer&) const = default;
};

using Action = std::variant<Rest, AddFinalizer, SetUp, CreateSlot, StartLoad, StartStream, StopRun, Release,
                            RemoveFinalizer>;

/// The state and message to record before acting, and the act.
struct Decision {
  PipeState state = PipeState::Provisioning;
  std::string message;
  std::optional<Error> fault;  ///< what keeps the pipe from its wish, for conditions and events
  Action action;
  const char* rule = "";  ///< which sentence decided
};

[[nodiscard]] const char* name_of(const Action& action);

}  // namespace penstock::reconcile
