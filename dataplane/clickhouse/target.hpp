#pragma once

// Target tables: what is there, what we would make, and whether the two fit. Deciding is pure; three calls do
// I/O.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "dataplane/clickhouse/client.hpp"
#include "dataplane/clickhouse/partition_key.hpp"
#include "dataplane/columns/column_type.hpp"

namespace penstock::clickhouse {

inline constexpr const char* kVersionColumn = "_penstock_version";     // UInt128: core/row_version.hpp
inline constexpr const char* kDeletedColumn = "_penstock_deleted";     // UInt8
inline constexpr const char* kSyncedAtColumn = "_penstock_synced_at";  // DateTime64(3), DEFAULT now64(3)
/// Whose names are ours: those of today and those that tables of earlier builds have.
inline constexpr const char* kControlPrefix = "_penstock_";

enum class Engine { ReplacingMergeTree, MergeTree, Null };

struct TargetColumn {
  std::string name;
  std::string type;
  std::string default_kind;  ///< "", "DEFAULT", "MATERIALIZED", "ALIAS", "EPHEMERAL" (read from the server)
  std::string comment{};     ///< read from the server
  bool in_partition_key = false;  ///< likewise
};

/// The comments of columns that add_column() has added: they are the source's, whatever default they have,
/// and rows of before read as the source's do, or as the type's default.
inline constexpr const char* kFollowed = "penstock: added as in the source";
inline constexpr const char* kFollowedWithoutDefault =
    "penstock: added as in the source, where rows of before have another default";

/// The mark that every table of a pipe carries in its comment, so that after a crash the table itself says
/// whose it is and what for: "penstock pipe=<uid> generation=<n> load=<m> name=<namespace>/<name>". Marks of
/// earlier builds have no name, or read as load 0. What a user writes behind it stays.
struct Mark {
  std::string pipe_uid;
  std::int64_t generation = 0;  ///< the pipe's resync generation that the table was made for
  /// Counts up each time the pipe makes this table anew, so that two tables that could be exchanged never
  /// have the same: it tells after a crash whether they were.
  std::int64_t load = 0;
  std::string pipe_name{};  ///< "namespace/name"
  bool adopted = false;     ///< the table is a user's, made before the pipe took it: never dropped
  bool released = false;    ///< the pipe has given it back: the next one may have it
  bool operator==(const Mark&) const = default;
  [[nodiscard]] std::string text() const;
  [[nodiscard]] static std::optional<Mark> parse(const std::string& comment);
  /// The comment with this mark in place of the one that it has, or before what is written there.
  [[nodiscard]] std::string in(const std::string& comment) const;
};

/// A table that we make.
struct TargetDefinition {
  std::string database;
  std::string table;
  std::vector<TargetColumn> columns;  ///< the source's; control columns are added by create_sql()
  std::vector<std::string> order_by;  ///< column names; empty: tuple()
  std::string partition_by;           ///< as written in the manifest: in no statement; empty: none
  Engine engine = Engine::ReplacingMergeTree;
  Mark mark;
  std::optional<PartitionKey> partition_key{};  ///< what with_partition_key() has made of it
};
/// CREATE TABLE IF NOT EXISTS, with the control columns, the mark as comment, and no SETTINGS but what the
/// table needs: allow_nullable_key, and for MergeTree the window in which insert_deduplication_token counts.
[[nodiscard]] std::string create_sql(const TargetDefinition& definition);
/// The same without IF NOT EXISTS.
[[nodiscard]] std::string create_new_sql(const TargetDefinition& definition);

/// What is wrong with a definition whatever the server: no or doubled columns, a sorting key of absent
/// columns, none for ReplacingMergeTree (it would keep one row in all), names that are ours, arrays that
/// ClickHouse would take for one Nested (`a.x` and `a.y`: their lengths would have to agree).
[[nodiscard]] std::vector<Error> check_definition(const TargetDefinition& definition);
/// Those of them that are about the columns' names: ours or ClickHouse's own, doubled, Nested.
[[nodiscard]] std::vector<Error> check_columns(const TargetDefinition& definition);

/// A table that is there.
struct TargetTable {
  std::string database, table, uuid, engine, engine_full, sorting_key, comment;
  std::string partition_key;  ///< as the server writes it; empty: none
  std::vector<TargetColumn> columns;
  std::optional<Mark> mark;
};

struct DestinationFacts {
  std::string version;  ///< "26.7.3.1"
  int major = 0, minor = 0;
  bool database_exists = false;
  std::string database_engine;  ///< EXCHANGE TABLES needs Atomic, Replicated or Shared
  std::string timezone;
  bool time64 = false;     ///< it knows the type Time64; create_target() turns it on where it is not
  bool read_only = false;  ///< the user's settings profile has readonly
  bool allow_ddl = true;   ///< and this lets it make tables
};

/// DestinationNotClickHouse (NeedsUser) where something else answers, as far as that can be told.
[[nodiscard]] Result<DestinationFacts> read_destination(Client& client);
[[nodiscard]] Result<std::optional<TargetTable>> read_target(Client& client, const std::string& table);
/// Tables that are there, by name.
using TargetTables = std::map<std::string, TargetTable>;
/// Those of `tables`, by a few statements however many they are.
[[nodiscard]] Result<TargetTables> read_targets(Client& client, const std::vector<std::string>& tables);
/// Those of `tables`, which are there and can be read, that hold a row.
[[nodiscard]] Result<std::set<std::string>> tables_with_rows(Client& client,
                                                             const std::vector<std::string>& tables);
/// As read_target() would have answered when the tables were read.
[[nodiscard]] std::optional<TargetTable> target_of(const TargetTables& tables, const std::string& table);
/// The definition with its types as the server writes them (`decimal(10,2)`: `Decimal(10, 2)`, TEXT: String).
/// Fails with TargetTypeInvalid, naming the column, for a text that is no type there, and for a type that
/// we do not encode and the server cannot make of text (Map).
[[nodiscard]] Result<TargetDefinition> with_server_types(Client& client, TargetDefinition definition);
/// The definition with its partition key, of the expression in partition_by. Its types are the server's.
/// Fails with PartitionByInvalid (partition_key.hpp).
[[nodiscard]] Result<TargetDefinition> with_partition_key(Client& client, TargetDefinition definition);
/// Types as the server writes them, by how a definition does.
using TypeTexts = std::map<std::string, std::string>;
/// Those of many definitions, by a few statements. Nothing where the server refuses one of them:
/// with_server_types() says which.
[[nodiscard]] Result<TypeTexts> ask_types(Client& client, const std::vector<TargetDefinition>& definitions);
/// The same, of which nothing is asked that is known.
[[nodiscard]] Result<TargetDefinition> with_server_types(Client& client, TargetDefinition definition,
                                                         const TypeTexts& known);
/// Makes the database when it is absent and the user may, and the table when it is absent; one that is there
/// is left as it is, fitting or not. Safe to repeat. A fault in partition_by is PartitionByInvalid, in a type
/// TargetTypeInvalid.
[[nodiscard]] Status create_target(Client& client, const TargetDefinition& definition);
/// Makes the table in one statement, of a definition with the server's types, where the database is known to
/// be there. False: a table of this name is there, whoever has made it.
[[nodiscard]] Result<bool> create_new_target(Client& client, const TargetDefinition& definition);
/// Makes the database when it is absent and the user may.
[[nodiscard]] Status make_database(Client& client, const std::string& database);
/// DROP TABLE IF EXISTS … SYNC with max_table_size_to_drop = 0. The name is free at once; the rows go when
/// the last statement that reads them has ended, for which this waits 5 s at most.
[[nodiscard]] Status drop_target(Client& client, const std::string& database, const std::string& table);
/// Empties a table of ours whose load starts again. TRUNCATE TABLE … SYNC, with the same limits lifted; it
/// also forgets the deduplication tokens, so that the same blocks can come again. Nothing to do for a Null
/// table.
[[nodiscard]] Status truncate_target(Client& client, const std::string& database, const std::string& table);

/// What rows from before a column was added hold in it.
struct OldValue {
  PgType type;                      ///< of the source's column
  std::optional<std::string> text;  ///< as PostgreSQL writes it; none: NULL
  bool differs = false;             ///< not all of them the same
};
/// ALTER TABLE … ADD COLUMN IF NOT EXISTS. Where the server cannot take the old value as a default, to the
/// same bytes as a row would bring, or there is none for all rows, the column is added without. Its comment
/// tells.
[[nodiscard]] Status add_column(Client& client, const std::string& database, const std::string& table,
                                const TargetColumn& column, const OldValue& old_value);

/// ALTER TABLE … MODIFY COLUMN to the column's type, which is the present one as Nullable. Values stay.
[[nodiscard]] Status make_nullable(Client& client, const std::string& database, const std::string& table,
                                   const TargetColumn& column);

/// ALTER TABLE … MODIFY COLUMN to the column's type, which holds every present value.
[[nodiscard]] Status modify_column(Client& client, const std::string& database, const std::string& table,
                                   const TargetColumn& column);

/// The comment of a version column that widen_versions() has widened.
inline constexpr const char* kWidened =
    "penstock: widened, with the versions of an earlier build below all others";
/// What earlier builds had beside the version in append-only targets: the LSN of the commit.
inline constexpr const char* kFormerCommitColumn = "_penstock_commit_lsn";

/// Whether the versions are an earlier build's: UInt64, the LSN of the change.
[[nodiscard]] bool has_narrow_versions(const TargetTable& table);
/// ALTER TABLE … MODIFY COLUMN; safe to repeat. TargetVersionsNarrow (BadData) where the server refuses, as
/// it does when the column is part of the sorting key.
[[nodiscard]] Status widen_versions(Client& client, const TargetTable& table);

/// Faults that keep us from writing to `present` as `wanted` says: missing or differently typed columns,
/// another engine or sorting key, no control columns, a log of changes that a user made without a window in
/// which repeated blocks are told; each with its own reason and cure. Whose it is: owner.hpp. Types are
/// compared as texts that mean the same; a column may be Nullable, LowCardinality or of another time zone
/// where `wanted` is not. Extra columns, projections and TTLs are the user's and are fine.
[[nodiscard]] std::vector<Error> check_target(const TargetDefinition& wanted, const TargetTable& present);
/// What a table made as `wanted` would not have of `present`: "column note", "index i", "projection p",
/// "TTL". Columns that the source has dropped since are among it.
[[nodiscard]] Result<std::vector<std::string>> read_additions(Client& client, const TargetDefinition& wanted,
                                                              const TargetTable& present);
[[nodiscard]] std::vector<Error> check_destination(const DestinationFacts& facts, const Endpoint& endpoint);

}  // namespace penstock::clickhouse
