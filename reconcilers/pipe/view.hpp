#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "core/clock.hpp"
#include "reconcilers/pipe/ports.hpp"

namespace penstock::reconcile {

/// What went wrong last and when to try again; kept in memory between passes, forgotten on success.
struct Retry {
  int failures = 0;
  Error error;
  SteadyTime next;              ///< not before
  std::int64_t generation = 0;  ///< the spec that failed: another one is tried at once
  std::string fingerprint;  ///< and so are other credentials: the load's, the stream's is of its tables too
  bool operator==(const Retry&) const = default;
};

/// What fails apart from the rest, each with a retry of its own: a load beside the stream that fails does not
/// hold up the stream, nor does a resync that cannot begin, nor a stream that fails for good the removal that
/// comes before a resync, or the release of a Pipe that is deleted.
enum class Concern { Pipe, Load, Removal, Resync, Release };

/// What no stream shows is seen by a probe. Some of it is told of at the second: a TRUNCATE that has not come
/// yet.
inline constexpr std::chrono::seconds kProbeEvery{10};

/// All that a decision stands on. Values; deciding does no I/O.
struct View {
  Pipe pipe;                                       ///< spec, and the status as recorded
  std::optional<Error> credentials_missing;        ///< why the Secrets could not be read
  std::optional<Error> no_source, no_destination;  ///< the same, of each side
  Fingerprints fingerprint;                        ///< of spec and credentials as they are now
  Runs run;
  std::map<Concern, Retry> retries;
  std::map<std::string, Retry>
      table_retries;       ///< by source: tables that could not be added, or are set apart
  int refusals = 0;        ///< of tables that this pass has tried to prepare, each by itself
  bool probe_due = false;  ///< the source was not looked at for a while
  /// Why what the stream does not bring has not been seen for longer than is promised: the source cannot be
  /// looked at, or one of its tables, or the Secrets that are needed for it cannot be read.
  std::optional<Error> unseen;
  SteadyTime now;          ///< what is waited for goes by it
  WallTime wall;           ///< for what people read
  Millis deleting_for{0};  ///< how long the Pipe has been waiting to be let go

  [[nodiscard]] const Retry* retry(Concern concern) const {
    const auto at = retries.find(concern);
    return at == retries.end() ? nullptr : &at->second;
  }
};

/// What the run says of this table as it is being loaded now; null: nothing.
[[nodiscard]] const TableFacts* facts_of(const RunFacts& run, const TableStatus& table);

/// An attempt may be made now: nothing failed, its time has come, or what failed was changed.
[[nodiscard]] bool may_try(const View& view, Concern concern);
[[nodiscard]] bool may_try(const View& view, const Retry& retry);

}  // namespace penstock::reconcile
