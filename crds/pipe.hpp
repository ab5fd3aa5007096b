#pragma once

// The Pipe resource (penstock.dev/v1alpha1) as C++ values. The schema in crds/pipes.penstock.dev.yaml is the
// source: defaults here equal the schema's, and a test holds every field of it against these types.

#include <chrono>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/result.hpp"
#include "crds/conditions.hpp"

namespace penstock {

inline constexpr const char* kApiGroup = "penstock.dev";
inline constexpr const char* kApiVersion = "v1alpha1";
inline constexpr const char* kPipeFinalizer = "penstock.dev/release-source";

enum class Mode { Cdc, SnapshotOnly, CdcOnly };
enum class TlsMode { VerifyFull, Require, Disable };
enum class TableEngine { ReplacingMergeTree, MergeTree, Null };
enum class DeletionPolicy { Retain, Delete };
enum class OnTruncate { Tombstone, Ignore };
enum class OnDifference { Report, Resync };
enum class Unrepresentable { Fail, Null };

struct SecretKeyRef {
  std::string name;
  std::string key;
  bool operator==(const SecretKeyRef&) const = default;
};

struct TlsSpec {
  TlsMode mode = TlsMode::VerifyFull;
  std::optional<SecretKeyRef> ca;
  std::optional<SecretKeyRef> client_certificate;
  std::optional<SecretKeyRef> client_key;
  bool operator==(const TlsSpec&) const = default;
};

struct PostgresSpec {
  std::string host;
  int port = 5432;
  std::string database;
  std::string user = "penstock";
  std::optional<SecretKeyRef> password;  ///< none: no password is sent (trust, peer, client certificate)
  TlsSpec tls;
  std::string publication;       ///< empty: Penstock makes and owns one
  std::string replication_slot;  ///< empty: Penstock makes and owns one
  bool failover_slot = false;
  bool operator==(const PostgresSpec&) const = default;
};

struct ClickHouseSpec {
  std::string url;  ///< http(s)://host:port, without user, password or query
  std::string database = "default";
  std::string user = "default";
  std::optional<SecretKeyRef> password;
  std::optional<SecretKeyRef> ca;
  bool operator==(const ClickHouseSpec&) const = default;
};

struct ColumnSpec {
  std::string name;  ///< a column of the source
  std::string type;  ///< a ClickHouse type, taken as written; empty: the default mapping
  Unrepresentable unrepresentable = Unrepresentable::Fail;
  bool operator==(const ColumnSpec&) const = default;
};

struct TableSpec {
  std::string source;  ///< schema.table, with SQL quoting for odd names
  std::string target;  ///< empty: the source table's name
  std::vector<std::string> excluded_columns;
  std::vector<std::string> order_by;  ///< empty: the primary key, or the replica identity's key
  std::string partition_by;           ///< a ClickHouse expression; empty: none
  TableEngine engine = TableEngine::ReplacingMergeTree;
  std::vector<ColumnSpec> columns;
  OnTruncate on_truncate = OnTruncate::Tombstone;
  OnDifference on_difference = OnDifference::Report;
  std::int64_t resync_generation = 0;
  bool operator==(const TableSpec&) const = default;
};

struct SyncSpec {
  std::chrono::milliseconds interval{200};
  int max_inserts_per_second = 10;
  std::int64_t batch_rows = 1'000'000;
  bool operator==(const SyncSpec&) const = default;
};

struct SnapshotSpec {
  std::int64_t rows_per_partition = 500'000;
  int workers_per_table = 4;
  int parallel_tables = 1;
  bool operator==(const SnapshotSpec&) const = default;
};

struct PipeSpec {
  Mode mode = Mode::Cdc;
  PostgresSpec source;
  ClickHouseSpec destination;
  std::vector<TableSpec> tables;
  bool paused = false;
  std::int64_t resync_generation = 0;
  SyncSpec sync;
  SnapshotSpec snapshot;
  DeletionPolicy deletion_policy = DeletionPolicy::Retain;
  bool take_over = false;  ///< targets that hold rows and that no Pipe made
  bool operator==(const PipeSpec&) const = default;
};

enum class PipeState {
  Provisioning,
  Setup,
  Snapshot,
  Running,
  Pausing,
  Paused,
  Modifying,
  Resync,
  Completed,
  Failed
};
enum class TableState { Pending, Loading, CatchingUp, Streaming, Completed, Failed };

/// How far the initial load of one table has come: enough to go on with the partitions that are left.
struct LoadProgress {
  std::string layout;        ///< how the heaps are cut into partitions (dataplane/pipeline/partitions.hpp)
  std::string done;          ///< indexes of loaded partitions as ranges: "0-11,14"
  std::string snapshot_lsn;  ///< newest snapshot that any loaded partition was read at; CatchingUp until the
                             ///< stream passes it
  bool operator==(const LoadProgress&) const = default;
};

/// What only a new table can carry: the settings that a target was made with.
struct TargetSettings {
  std::vector<std::string> excluded_columns;
  std::vector<std::string> order_by;
  std::string partition_by;
  TableEngine engine = TableEngine::ReplacingMergeTree;
  std::vector<ColumnSpec> columns;
  bool operator==(const TargetSettings&) const = default;
};

struct TableStatus {
  std::string source;
  std::string target;
  TableState state = TableState::Pending;
  std::string message;               ///< why it is, or until lately was, set apart
  std::int64_t load_generation = 0;  ///< counts up each time the target is made anew; in its mark
  bool staged = false;               ///< rows go to `<target>_resync`, until the two are exchanged
  bool added_later = false;          ///< its load waits for transactions that began before it was added
  bool newly_published = false;      ///< its part of the publication is another than that of the former load
  bool making = false;               ///< its table is to be made (anew) first: neither loaded nor streamed
  bool leaving = false;              ///< being taken out, which goes to its end though the spec has it again
  std::string added_lsn;             ///< what had committed up to here when it was added is in its load
  std::int64_t observed_resync_generation = 0;  ///< of spec.tables[].resyncGeneration
  std::optional<TargetSettings> settings;       ///< what the target was made with
  /// What a user's publication had of it then: "columns id, v; rows WHERE (id > 5)"; empty: all.
  std::string published{};
  std::string
      source_changes;  ///< how the source differs by now from what the target was made for, rows alike
  /// Why its rows may differ from the source's; stays until the table is loaded again.
  std::vector<std::string> differences{};
  /// The same, of partitions that joined, left or were rewritten; goes when that is made good.
  std::string partition_changes{};
  /// What the target was loaded from (dataplane/pipeline/source_definition.hpp); empty: not known yet.
  std::string source_definition{};
  /// The one before, or Setup's, until the load begins: what it excludes is not let in under another name,
  /// and a load that differs from Setup's begins again.
  std::string former_definition{};
  /// The source's heaps that target and stream cover (dataplane/pipeline/source_partitions.hpp), until its
  /// load begins those that Setup saw; empty: not looked at yet.
  std::string source_partitions;
  std::int64_t rows_loaded = 0;
  std::int64_t rows_estimated = 0;
  std::int64_t partitions_loaded = 0;
  std::int64_t partitions_total = 0;
  std::int64_t rows_streamed = 0;
  /// Age of its oldest change that the target lacks; grows while it is held up. None: it is not streamed.
  std::optional<double> lag_seconds{};
  std::optional<LoadProgress>
      load;  ///< present from the start of a load until the table is Streaming or Completed
  bool operator==(const TableStatus&) const = default;
};

struct ReplicationStatus {
  std::string slot;
  std::string publication;
  bool owns_slot = false;         ///< ours to drop
  bool owns_publication = false;  ///< ours to drop
  std::string start_lsn;          ///< the slot's consistent point, at or below every commit that it brings
  std::string confirmed_lsn;
  std::string received_lsn;
  std::int64_t lag_bytes = 0;
  double lag_seconds = 0;
  std::string lag;  ///< lag_seconds for people, by summarize(); empty: not known
  /// Where the last stream has ended: its slot was told no more. Empty: one runs, or nobody saw its end.
  std::string ended_lsn{};
  std::string last_commit{};  ///< in the target: its LSN, xid and time, by which a replay is known again
  bool operator==(const ReplicationStatus&) const = default;
};

/// What a resync has done already; its load and swap show in the tables.
enum class ResyncStep {
  TakeDown,    ///< the former stream, slot and publication are being removed
  MakeTables,  ///< the source's tables are read anew, `<target>_resync` made
  Load         ///< a new slot, the load, the swap
};
struct ResyncStatus {
  std::int64_t target_generation = 0;
  ResyncStep step = ResyncStep::TakeDown;
  WallTime start_time;
  bool operator==(const ResyncStatus&) const = default;
};

/// Which PostgreSQL system the pipe was set up against (IDENTIFY_SYSTEM).
struct SourceIdentity {
  std::string system_identifier;
  std::int64_t timeline = 0;
  std::string database;
  bool operator==(const SourceIdentity&) const = default;
};

struct PipeStatus {
  std::optional<PipeState> state;       ///< none: never seen by a controller
  std::optional<WallTime> state_since;  ///< in whole seconds
  std::string message;
  std::int64_t observed_generation = 0;
  std::int64_t observed_resync_generation = 0;
  std::vector<Condition> conditions;
  std::string worker;
  std::string tables_ready;  ///< "2/3", by summarize()
  std::int64_t rows = 0;     ///< loaded and streamed, all tables, by summarize()
  std::vector<TableStatus> tables;
  ReplicationStatus replication;
  std::optional<SourceIdentity> source;
  std::optional<ResyncStatus> resync;  ///< while one runs
  std::string revision{};              ///< another with each write of ours
  bool operator==(const PipeStatus&) const = default;
};

/// A Pipe as stored, metadata reduced to what deciding needs.
struct Pipe {
  std::string ns;
  std::string name;
  std::string uid;
  std::string resource_version;
  std::int64_t generation = 0;
  bool deleting = false;       ///< metadata.deletionTimestamp is set
  WallTime deleting_since;     ///< metadata.deletionTimestamp
  bool has_finalizer = false;  ///< kPipeFinalizer is among metadata.finalizers
  std::vector<std::string> finalizers;
  PipeSpec spec;
  PipeStatus status;
};

/// Reads a Pipe object as the API serves it (defaults already applied, or not: absent fields take theirs).
/// Fails with reason "InvalidPipe" and the field's path on a wrong type or value.
[[nodiscard]] Result<Pipe> read_pipe(const nlohmann::json& object);
[[nodiscard]] Result<PipeSpec> read_spec(const nlohmann::json& spec);
[[nodiscard]] nlohmann::json write_spec(const PipeSpec& spec);
[[nodiscard]] Result<PipeStatus> read_status(const nlohmann::json& status);
[[nodiscard]] nlohmann::json write_status(const PipeStatus& status);

/// The target's name of a table: `target`, or the source table's name. Empty where `source` is no table name.
[[nodiscard]] std::string target_of(const TableSpec& table);

/// Null: the status knows no such table.
[[nodiscard]] const TableStatus* find_table(const PipeStatus& status, const std::string& source);
[[nodiscard]] TargetSettings settings_of(const TableSpec& table);

/// Fills what printer columns show (tables_ready, rows, replication.lag) from the rest of the status; tables
/// of the spec that the status does not know yet count as not ready. Call it before a status is written.
void summarize(PipeStatus& status, const PipeSpec& spec);

[[nodiscard]] const char* to_text(PipeState state);
[[nodiscard]] const char* to_text(TableState state);
[[nodiscard]] const char* to_text(Mode mode);
[[nodiscard]] const char* to_text(TlsMode mode);
[[nodiscard]] const char* to_text(TableEngine engine);
[[nodiscard]] const char* to_text(DeletionPolicy policy);

}  // namespace penstock
