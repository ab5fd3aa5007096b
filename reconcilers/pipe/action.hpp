#pragma once

// The verbs: what one pass may do to the world. Plain values, each with what must hold for it; executed by
// act() in act.cpp, one overload each, so that a verb without an executor does not compile. "Confirmed": done
// only while the stored Pipe is the one that was seen (PipeApi::confirm_unchanged).

#include <chrono>
#include <string>
#include <variant>
#include <vector>

#include "crds/pipe.hpp"
#include "reconcilers/pipe/view.hpp"

namespace penstock::reconcile {

/// Nothing to do; look again after `again` (zero: only when something changes).
struct Rest {
  Millis again{0};
  bool operator==(const Rest&) const = default;
};
struct AddFinalizer {
  bool operator==(const AddFinalizer&) const = default;
};
/// Validate, then make the target tables: of a new pipe, or the `_resync` tables of a resync. Confirmed:
/// after the swap of those tables they would be made again.
struct SetUp {
  /// false: validate, and have the status say that they are to be made. A Pipe that never gets through leaves
  /// nothing behind that its deletion would have to wait for.
  bool make = true;
  bool operator==(const SetUp&) const = default;
};
/// Tables new to the pipe, or to be loaded anew by themselves: validate, and have the status say that they
/// are to be made. Touches nothing else, but that it drops a `_resync` table that nobody will fill any more.
/// Confirmed.
struct DeclareTables {
  std::vector<std::string> sources;
  bool operator==(const DeclareTables&) const = default;
};
/// Make and publish what was declared. Confirmed.
struct MakeTables {
  std::vector<std::string> sources;
  bool operator==(const MakeTables&) const = default;
};
/// Tables that the spec has no more: out of publication and status, their targets dropped if asked.
/// Confirmed: they may have been added again.
struct RemoveTables {
  std::vector<std::string> sources;
  bool publication = true;  ///< false: it is about to be dropped as a whole
  bool operator==(const RemoveTables&) const = default;
};
/// Validate a resync against the live source and destination; when all is well, the status says that it has
/// begun. Touches nothing else.
struct BeginResync {
  bool operator==(const BeginResync&) const = default;
};
/// Drop slot and publication of the generation before, and set the tables back. Confirmed: a later
/// generation's would be a former one.
struct TakeDownFormer {
  bool operator==(const TakeDownFormer&) const = default;
};
/// The publication, then the slot (whose first change must find its publication). Confirmed: no row has been
/// loaded by the slot's LSN.
struct CreateSlot {
  bool operator==(const CreateSlot&) const = default;
};
/// Both confirmed: a stale view might begin a finished load again under a stream that runs already.
struct StartLoad {
  bool operator==(const StartLoad&) const = default;
};
struct StartStream {
  bool operator==(const StartStream&) const = default;
};
struct StopRuns {
  bool load = true;
  bool stream = true;
  bool operator==(const StopRuns&) const = default;
};
/// Put loaded `_resync` tables in their targets' places. Confirmed.
struct SwapTables {
  std::vector<SwapWish> tables;
  bool operator==(const SwapTables&) const = default;
};
/// Is our place in the source still there?
struct Probe {
  bool operator==(const Probe&) const = default;
};
struct Release {
  ReleaseWish wish;
  bool operator==(const Release&) const = default;
};
/// Let the Pipe go. `left_behind`: what could not be taken down in time, for a Warning; empty: nothing.
struct RemoveFinalizer {
  std::string left_behind;
  bool operator==(const RemoveFinalizer&) const = default;
};

using Action = std::variant<Rest, AddFinalizer, SetUp, DeclareTables, MakeTables, RemoveTables, BeginResync,
                            TakeDownFormer, CreateSlot, StartLoad, StartStream, StopRuns, SwapTables, Probe,
                            Release, RemoveFinalizer>;

/// The state and message to record before acting, and the act.
struct Decision {
  PipeState state = PipeState::Provisioning;
  std::string message;
  std::optional<Error> fault;  ///< what keeps the pipe from its wish, for conditions and events
  Action action;
  const char* rule = "";                  ///< which sentence decided
  bool aside = false;                     ///< state, message and conditions stay as they are recorded
  std::optional<Error> resync_blocked{};  ///< why a resync that is wanted does not begin
  bool taken_up = true;                   ///< what runs, if anything does, is by the present spec
};

/// Whose failure a failure of this verb is.
[[nodiscard]] Concern concern_of(const Action& action);

[[nodiscard]] const char* name_of(const Action& action);

}  // namespace penstock::reconcile
