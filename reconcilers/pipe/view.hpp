#pragma once

#include <chrono>
#include <optional>

#include "core/clock.hpp"
#include "reconcilers/pipe/ports.hpp"

namespace penstock::reconcile {

/// What went wrong last and when to try again; kept in memory between passes, forgotten on success.
struct Retry {
  int failures = 0;
  Error error;
  WallTime next;                ///< not before
  std::int64_t generation = 0;  ///< the spec that failed: another one is tried at once
  std::string fingerprint;      ///< and so are other credentials
  bool operator==(const Retry&) const = default;
};

/// All that a decision stands on. Values; deciding does no I/O.
struct View {
  Pipe pipe;                                 ///< spec, and the status as recorded
  std::optional<Error> credentials_missing;  ///< why the Secrets could not be read
  std::string fingerprint;                   ///< of spec and credentials as they are now; empty: not known
  RunFacts run;
  std::optional<Retry> retry;
  WallTime now;
};

/// An attempt to reach the wish may be made now: nothing failed, its time has come, or what failed was
/// changed.
[[nodiscard]] bool may_try(const View& view);

}  // namespace penstock::reconcile
