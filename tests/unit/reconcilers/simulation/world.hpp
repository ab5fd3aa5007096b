#pragma once

// All that there is: two servers, the API, and what our process has in memory beside its reconciler.

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/result.hpp"
#include "crds/pipe.hpp"
#include "tests/unit/reconcilers/simulation/cow.hpp"
#include "tests/unit/reconcilers/simulation/destination.hpp"
#include "tests/unit/reconcilers/simulation/source.hpp"

namespace penstock::reconcile::simulation {

/// One partition of a table's rows is one bit.
inline constexpr int kPartitions = 2;
inline constexpr std::uint8_t kAllPartitions = (1 << kPartitions) - 1;

struct LoadTable {
  std::string source;
  std::string written;
  int table = 0;
  std::int64_t load = 0;
  Kind kind = Kind::Replacing;
  std::uint8_t done = 0;
  Position snapshot = 0;  ///< newest that any partition was read at
  std::optional<Error> error;
  bool operator==(const LoadTable&) const = default;

  [[nodiscard]] bool finished() const { return done == kAllPartitions; }
};

struct Load {
  std::string fingerprint;
  std::string uid;
  bool begun = false, stopping = false, ended = false;
  std::optional<Error> error;
  bool streams = true;
  Position version = 0;              ///< 0: what the snapshot gives
  std::optional<Position> snapshot;  ///< before `begun`: the slot's
  std::vector<LoadTable> tables;
  bool operator==(const Load&) const = default;
};

struct StreamTable {
  std::string source;
  std::string written;
  int table = 0;
  std::int64_t load = 0;
  Kind kind = Kind::Replacing;
  Position loaded_up_to = 0;     ///< of a log: these changes are in it
  Position added_at = 0;         ///< what committed up to here was there before the table was added
  int rows = 0;                  ///< streamed, earlier runs included
  std::optional<Position> held;  ///< the change that could not be written
  WallTime held_since;
  std::optional<Error> error;  ///< set apart
  bool operator==(const StreamTable&) const = default;
};

struct Stream {
  std::string fingerprint;
  std::string slot, publication, system;
  bool connected = false, stopping = false, ended = false;
  std::optional<Error> error;
  Position received = 0, confirmed = 0;
  std::vector<StreamTable> tables;
  bool operator==(const Stream&) const = default;
};

/// What is lost when the process dies.
struct RunState {
  std::optional<Load> load;
  std::optional<Stream> stream;
  std::optional<Position> slot_snapshot;  ///< of the slot just made, for the load
  bool operator==(const RunState&) const = default;
};

using StoredPipe = std::shared_ptr<const Pipe>;

struct Api {
  StoredPipe stored;  ///< null: there is none
  std::int64_t revision = 0;
  bool secret_there = true;
  bool targets_go = false;  ///< with the Pipe: its deletionPolicy, which outlives it here
};

struct World {
  Cow<Source> source;
  Cow<Destination> destination;
  Cow<RunState> runs;
  Cow<Api> api;
};

inline constexpr const char* kUid = "11111111-2222";
inline constexpr const char* kWorker = "dev";
inline constexpr WallTime kEpoch{std::chrono::seconds(1'700'000'000)};

}  // namespace penstock::reconcile::simulation
