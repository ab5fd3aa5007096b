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
  std::string source;                ///< as the manifest writes it
  std::int64_t load_generation = 0;  ///< of the status when the run was started: others speak of other rows
  bool load_finished = false;
  LoadProgress load;                       ///< layout empty: the load has not begun
  std::string source_partitions{};         ///< of a load that has begun; TableStatus::source_partitions
  std::string source_definition{};         ///< likewise
  std::vector<std::string> differences{};  ///< of a stream: why rows may differ from the source's
  std::int64_t rows_loaded = 0;
  std::int64_t rows_estimated = 0;
  std::int64_t partitions_loaded = 0;
  std::int64_t partitions_total = 0;
  std::int64_t rows_streamed = 0;
  double lag_seconds = 0;  ///< of a stream
  Lsn written{};           ///< of a stream: every change of it up to here is in the destination
  /// This table alone cannot go on: it is set apart, the run goes on without it. A stream does not tell the
  /// source of progress past what the table lacks: one that is started without it does, when that is
  /// recorded.
  std::optional<Error> error;
  std::vector<std::pair<std::string, std::uint64_t>>
      clamped;  ///< column, values moved into the target's range
};

/// What a load or a stream of a pipe is doing; read from memory, never blocks.
struct RunFacts {
  bool there = false;             ///< it was started and not yet forgotten
  std::string fingerprint;        ///< of what it was started with
  bool stopping = false;          ///< asked to end; it is finishing what is in flight
  bool ended = false;             ///< over: finished, stopped or failed
  std::optional<Error> error;     ///< why it failed
  std::optional<Error> retrying;  ///< what it is waiting out
  std::vector<TableFacts> tables;
  // of a stream alone:
  bool connected = false;  ///< the slot is being read
  Lsn confirmed, received;
  std::int64_t timeline = 0;  ///< of the source, that `confirmed` is on; 0: not known
  std::string last_commit{};  ///< ReplicationStatus::last_commit; empty: none came yet
  std::int64_t lag_bytes = 0;
  double lag_seconds = 0;

  [[nodiscard]] bool active() const { return there && !ended; }
};

/// Both may run side by side: a table that is added later is loaded while the others stream.
struct Runs {
  RunFacts load, stream;
  /// A slot is being made, or its snapshot is kept for a load to come: the source cannot clean up meanwhile.
  bool slot_in_hand = false;
  /// A Probe goes on beside.
  bool probing = false;
  /// Tables in our publication that are none of the pipe's, as of the last Probe.
  std::vector<std::string> strangers{};
  /// Why the last Probe could not look at one of the tables; the others are not held up by it.
  std::optional<Error> unseen{};
  [[nodiscard]] bool any_active() const { return load.active() || stream.active(); }
};

/// What load and stream would be started with now. Empty: not known. The stream's tells of its tables, too;
/// the load's of connections and settings alone.
struct Fingerprints {
  std::string load, stream;
  [[nodiscard]] bool known() const { return !stream.empty(); }
  bool operator==(const Fingerprints&) const = default;
};

/// Which of the status's tables to make ready. Their entries say how: `load_generation` 0: as the tables that
/// are there by now allow; else into `<target>_resync` if staged, made anew unless it is of that generation.
struct SetupWish {
  std::vector<std::string> tables;  ///< sources
  bool make = true;                 ///< false: validate, touch nothing
};

struct SetupFacts {
  SourceIdentity source;
  struct Table {
    std::string source;
    std::int64_t rows_estimated = 0;
    std::int64_t load_generation = 1;
    bool staged = false;
    /// What the present target has, and the table that will take its place has not: "column note".
    std::vector<std::string> lost{};
    std::string published{};   ///< "columns id, v; rows WHERE (id > 5)", of a user's publication; empty: all
    std::string definition{};  ///< of the source: by it the excluded columns are known from here on
    std::string partitions{};  ///< TableStatus::source_partitions, of before anything is streamed
    bool newly_published = false;  ///< TableStatus::newly_published
  };
  std::vector<Table> tables;
  bool complete = true;  ///< false: of those that were to be made only these were, in the time of a pass
  Lsn source_lsn{};  ///< a place in the source's WAL of before the call's end; null where nothing is streamed
};

/// What to take down when a pipe goes.
struct ReleaseWish {
  bool slot = false;                     ///< ours, of whatever generation
  bool publication = false;              ///< likewise
  std::vector<std::string> targets;      ///< to be dropped, if they are ours
  std::vector<std::string> staging;      ///< targets whose `_resync` is to be dropped, if it is ours
  std::vector<std::string> give_back{};  ///< targets that stay, and that the next pipe may have
  /// Why a side cannot be asked: its Secrets cannot be read. The other one is.
  std::optional<Error> no_source{}, no_destination{};
  bool operator==(const ReleaseWish&) const = default;
};

/// What a probe says of one table; each as in TableStatus.
struct ProbedTable {
  std::string source_changes{}, partition_changes{}, source_partitions{}, source_definition{};
  std::vector<std::string> differences{};  ///< to be added to those that are known
};

struct ProbeFacts {
  std::map<std::string, ProbedTable> tables{};  ///< by source
  std::map<std::string, Error> lost{};          ///< by source: tables whose changes do not come any more
  std::int64_t timeline = 0;                    ///< of the source, now; 0: not known
};

/// One table that is ready to take its target's place.
struct SwapWish {
  std::string source;
  std::string target;
  std::int64_t load_generation = 0;
  bool operator==(const SwapWish&) const = default;
};
struct SwapFacts {
  std::vector<std::string> kept;  ///< "orders as orders_before_3": tables of the user's, under their new name
};

/// Moves rows. Calls are bounded in time (each server has about 10 s to answer), end with kind Cancelled when
/// the Pipe has changed meanwhile, and are safe to repeat. Thread-safe.
class Dataplane {
 public:
  virtual ~Dataplane() = default;

  [[nodiscard]] virtual Runs observe(const Pipe& pipe) = 0;
  /// What runs goes on at the pace that the manifest asks for: `sync`, and the workers of `snapshot`.
  virtual void tune(const Pipe& pipe) = 0;
  [[nodiscard]] virtual Fingerprints fingerprint(const Pipe& pipe, const Credentials& credentials) = 0;

  /// Validates both sides, then makes the tables. Touches nothing unless all is well.
  [[nodiscard]] virtual Result<SetupFacts> set_up(const Pipe& pipe, const Credentials& credentials,
                                                  const SetupWish& wish) = 0;
  /// Our publication holds exactly the status's tables.
  [[nodiscard]] virtual Status ensure_publication(const Pipe& pipe, const Credentials& credentials) = 0;
  /// Makes our slot anew (one of that name from before a crash is dropped: nothing was loaded by it) and
  /// keeps its snapshot for the load. Returns its consistent point: the version of loaded
  /// rows.
  [[nodiscard]] virtual Result<Lsn> create_slot(const Pipe& pipe, const Credentials& credentials) = 0;
  /// Whether the source still is the one, with our place in it: SourceChanged, SlotLost, PublicationMissing
  /// (Terminal). And of the tables that stream? Of a load without a slot: whether both servers answer. Looks
  /// only. nullopt: it goes on beside, and the next call brings its answer, unless a verb was carried out or
  /// the Pipe has changed meanwhile: then it begins again.
  [[nodiscard]] virtual Result<std::optional<ProbeFacts>> probe(const Pipe& pipe,
                                                                const Credentials& credentials) = 0;
  /// Both return at once; observe() tells how it goes. A run that has ended is replaced. The load takes the
  /// tables that are Pending or Loading, the stream all but those that are set apart.
  [[nodiscard]] virtual Status start_load(const Pipe& pipe, const Credentials& credentials) = 0;
  [[nodiscard]] virtual Status start_stream(const Pipe& pipe, const Credentials& credentials) = 0;
  /// Ask them to finish what is in flight and end; return at once. An ended run is forgotten. With the load
  /// goes a slot that is in hand: it is made again, or its snapshot done without.
  virtual void stop_load(const Pipe& pipe) = 0;
  virtual void stop_stream(const Pipe& pipe) = 0;
  /// Drops slots and publications of ours that belong to an earlier generation than the status names.
  [[nodiscard]] virtual Status take_down_former(const Pipe& pipe, const Credentials& credentials) = 0;
  /// Carries soft-deleted rows over, exchanges each table with its target, drops the former one. No run is
  /// active. An exchange that was done already is never done again.
  [[nodiscard]] virtual Result<SwapFacts> swap(const Pipe& pipe, const Credentials& credentials,
                                               const std::vector<SwapWish>& tables) = 0;
  /// Drops what the wish names, each side for itself; what is absent already is done. The Error says what is
  /// left, where, and how to take it down by hand.
  [[nodiscard]] virtual Status release(const Pipe& pipe, const Credentials& credentials,
                                       const ReleaseWish& wish) = 0;
  /// Forgets the pipe (it is gone from the API, or about to be); its runs end now.
  virtual void forget(const std::string& uid) = 0;
};

/// Whether all that a decision stands on is stored as it was seen: the object itself (uid), its spec
/// (generation), whether it is being deleted, our finalizer, the status. Labels, annotations, others'
/// finalizers and managedFields are not: who writes those holds nobody up (docs/adr/0016).
[[nodiscard]] bool same_in_what_matters(const Pipe& seen, const Pipe& stored);

/// Writes to the API server. Each write is done only while the stored Pipe is the same in what matters as
/// `pipe`; else it fails as Transient, reason "Conflict", and the Pipe is to be read again.
class PipeApi {
 public:
  virtual ~PipeApi() = default;
  /// The stored Pipe of this name; nullopt: there is none.
  [[nodiscard]] virtual Result<std::optional<Pipe>> read(const std::string& ns, const std::string& name) = 0;
  /// Replaces the status. Returns the new resourceVersion.
  [[nodiscard]] virtual Result<std::string> write_status(const Pipe& pipe, const PipeStatus& status) = 0;
  /// Writes nothing.
  [[nodiscard]] virtual Status confirm_unchanged(const Pipe& pipe) = 0;
  [[nodiscard]] virtual Status add_finalizer(const Pipe& pipe) = 0;
  /// Absent already, or the Pipe gone: success.
  [[nodiscard]] virtual Status remove_finalizer(const Pipe& pipe) = 0;
  virtual void event(const Pipe& pipe, bool warning, const std::string& reason,
                     const std::string& message) = 0;
  /// Reason "SecretMissing" or "SecretKeyMissing" (NeedsUser), naming both.
  [[nodiscard]] virtual Result<Secret> read_secret(const std::string& ns, const SecretKeyRef& ref) = 0;
};

}  // namespace penstock::reconcile
