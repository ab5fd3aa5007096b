#pragma once

// Everything the pipe reconciler asks of the outside: the API server, Secrets, and the dataplane. Adapters
// fulfil these for real (controller/adapters); tests use in-memory twins.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/lsn.hpp"
#include "core/result.hpp"
#include "core/secret.hpp"
#include "crds/pipe.hpp"

namespace penstock::reconcile {

/// Every Secret value that a Pipe refers to, by "name/key".
using Credentials = std::map<std::string, Secret>;

/// What a run says of one table.
struct TableFacts {
  std::string source;  ///< as the manifest writes it
  bool load_finished = false;
  LoadProgress load;  ///< layout empty: the load has not begun
  std::int64_t rows_loaded = 0;
  std::int64_t rows_estimated = 0;
  std::int64_t partitions_loaded = 0;
  std::int64_t partitions_total = 0;
  std::int64_t rows_streamed = 0;  ///< in this run
  std::vector<std::pair<std::string, std::uint64_t>>
      clamped;  ///< column, values moved into the target's range
};

/// What the dataplane is doing for a pipe; read from memory, never blocks.
struct RunFacts {
  enum class Activity { Idle, Loading, Streaming };
  Activity activity = Activity::Idle;
  std::string fingerprint;        ///< of the spec and credentials that the run was started with
  bool stopping = false;          ///< asked to end; it is finishing what is in flight
  bool ended = false;             ///< the load or stream is over: finished, stopped or failed
  std::optional<Error> error;     ///< why it failed
  std::optional<Error> retrying;  ///< what it is waiting out
  bool connected = false;         ///< Streaming: the slot is being read
  std::vector<TableFacts> tables;
  Lsn confirmed, received;
  std::int64_t lag_bytes = 0;
  double lag_seconds = 0;
};

struct SetupFacts {
  SourceIdentity source;
  struct Table {
    std::string source;
    std::string target;
    std::int64_t rows_estimated = 0;
  };
  std::vector<Table> tables;
};

/// What to take down when a pipe goes.
struct ReleaseWish {
  bool slot = false;
  bool publication = false;
  std::vector<std::string> targets;
};

/// Moves rows. Calls are bounded in time (each server has about 10 s to answer) and safe to repeat.
/// Thread-safe.
class Dataplane {
 public:
  virtual ~Dataplane() = default;

  [[nodiscard]] virtual RunFacts observe(const Pipe& pipe) = 0;
  [[nodiscard]] virtual std::string fingerprint(const Pipe& pipe, const Credentials& credentials) = 0;

  /// Validates both sides and makes the target tables. Touches nothing unless all is well.
  [[nodiscard]] virtual Result<SetupFacts> set_up(const Pipe& pipe, const Credentials& credentials) = 0;
  [[nodiscard]] virtual Status ensure_publication(const Pipe& pipe, const Credentials& credentials) = 0;
  /// Makes our slot anew (one of that name from before a crash is dropped: nothing was loaded by it) and
  /// keeps its snapshot for the load. Returns its restart_lsn: the version of loaded rows.
  [[nodiscard]] virtual Result<Lsn> create_slot(const Pipe& pipe, const Credentials& credentials) = 0;
  /// Both return at once; observe() tells how it goes. A run that has ended is replaced.
  [[nodiscard]] virtual Status start_load(const Pipe& pipe, const Credentials& credentials) = 0;
  [[nodiscard]] virtual Status start_stream(const Pipe& pipe, const Credentials& credentials) = 0;
  /// Asks the run to finish what is in flight and end; returns at once. An ended run is forgotten.
  virtual void stop(const Pipe& pipe) = 0;
  /// Ends the run now, drops what the wish names; what is absent already is done.
  [[nodiscard]] virtual Status release(const Pipe& pipe, const Credentials& credentials,
                                       const ReleaseWish& wish) = 0;
  /// Forgets the pipe (it is gone from the API); a run of its is ended.
  virtual void forget(const std::string& uid) = 0;
};

/// Writes to the API server. A Conflict (somebody else wrote first) comes back as Transient, reason
/// "Conflict".
class PipeApi {
 public:
  virtual ~PipeApi() = default;
  /// Replaces the status; `pipe.resource_version` must still be the stored one. Returns the new
  /// resourceVersion.
  [[nodiscard]] virtual Result<std::string> write_status(const Pipe& pipe, const PipeStatus& status) = 0;
  /// Fails with "Conflict" unless the stored Pipe still has this resourceVersion.
  [[nodiscard]] virtual Status confirm_unchanged(const Pipe& pipe, const std::string& resource_version) = 0;
  [[nodiscard]] virtual Status add_finalizer(const Pipe& pipe) = 0;
  /// Absent already, or the Pipe gone: success.
  [[nodiscard]] virtual Status remove_finalizer(const Pipe& pipe) = 0;
  virtual void event(const Pipe& pipe, bool warning, const std::string& reason,
                     const std::string& message) = 0;
  /// Reason "SecretMissing" or "SecretKeyMissing" (NeedsUser), naming both.
  [[nodiscard]] virtual Result<Secret> read_secret(const std::string& ns, const SecretKeyRef& ref) = 0;
};

}  // namespace penstock::reconcile
