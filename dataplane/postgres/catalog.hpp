#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/lsn.hpp"
#include "core/result.hpp"
#include "core/table_name.hpp"
#include "dataplane/columns/pg_type.hpp"
#include "dataplane/postgres/connection.hpp"

namespace penstock::postgres {

struct SourceColumn {
  std::string name;
  PgType type;
  int attribute_number = 0;
  bool not_null = false;
  bool generated = false;           ///< GENERATED ALWAYS AS … : left out of load and stream alike
  bool selectable = true;           ///< this role has SELECT on it
  std::uint32_t declared_type = 0;  ///< pg_attribute.atttypid: of a domain, the domain; what the stream names
  std::int32_t declared_typmod = -1;  ///< pg_attribute.atttypmod
  /// What the text form of its values depends on beside its type: the labels of enums and the attributes of
  /// composites that the type is made of, at any depth, as hashes (definition.hpp). Empty: on nothing.
  std::string type_parts{};
  /// Such an attribute, or a label, was altered after the column was made.
  bool parts_changed = false;
  /// pg_type.oid of those types that ALTER TABLE turns into this one without writing a row anew, though their
  /// values have another text (cidr to inet, int to oid), and of their domains.
  std::vector<std::uint32_t> reprinted_from{};
  /// What rows from before an ADD COLUMN … DEFAULT hold (pg_attribute.attmissingval), as text. A partitioned
  /// table has no rows and no such value itself: it is its heaps'.
  std::optional<std::string> missing_value{};
  bool missing_differs = false;  ///< from heap to heap: there is no one value
  bool out_of_line = false;      ///< large values may be stored apart (pg_attribute.attstorage)
  bool published = true;         ///< false: the publication's column list leaves it out (narrow_to())
};

enum class ReplicaIdentity { Default, Nothing, Full, Index };

/// A unique index that tells rows apart at every moment: valid, immediate, without expressions or a
/// predicate, over columns that are NOT NULL.
struct UniqueKey {
  /// pg_constraint.oid, which REINDEX CONCURRENTLY keeps; where there is no constraint, the index's own.
  std::uint32_t oid = 0;
  std::vector<std::string> columns;
};

/// A column, told apart from others that bear its name one after another.
struct NumberedColumn {
  int number = 0;  ///< pg_attribute.attnum
  std::string name;
  bool operator==(const NumberedColumn&) const = default;
};

/// A heap that rows are read from: the table itself, or a leaf of a partitioned or inherited one.
struct Heap {
  TableName name;
  std::uint32_t oid = 0;
  std::int64_t relation_file = 0;  ///< pg_relation_filenode
  std::int64_t pages = 0;          ///< pg_relation_size / block size, now
  bool ctid_ranges = true;  ///< false: PostgreSQL 13, foreign table, view, or no SELECT on the whole table
  char kind = 'r';          ///< pg_class.relkind
  char persistence = 'p';   ///< pg_class.relpersistence: 'u' unlogged
  ReplicaIdentity identity = ReplicaIdentity::Default;
  std::vector<std::string> identity_key{};    ///< as in SourceTable, of this heap
  std::vector<std::string> hidden_columns{};  ///< this role has no SELECT on them here: grants do not descend
  bool row_security = false;
  std::int64_t attached = 0;  ///< another number after each attachment to the table; 0: the table itself
  /// By column: the transaction that changed its definition last (pg_attribute.xmin). ALTER TABLE that
  /// rewrites the rows is such a change; VACUUM FULL, CLUSTER and TRUNCATE are not.
  std::vector<std::pair<std::string, std::string>> columns_changed{};
  std::vector<std::string> virtual_columns{};  ///< generated, and computed when read (PostgreSQL 18)
  /// Of a child: columns that it had, or may have had, by itself before its parents did.
  std::vector<std::string> own_columns{};
  std::uint32_t horizon = 0;  ///< no transaction from here on had ended when this was read (32-bit xid)
  /// The condition on the rows that the publication has of it; empty: all (narrow_to()).
  std::string row_filter{};
  /// What the condition names: columns of the root where the table is partitioned, of this heap elsewhere.
  std::vector<NumberedColumn> filter_columns{};
};

struct SourceTable {
  TableName name;
  std::uint32_t oid = 0;
  char kind = 'r';  ///< pg_class.relkind
  /// Of a partitioned or inherited table: Full only when every heap's is, which is what the stream goes by.
  ReplicaIdentity identity = ReplicaIdentity::Default;
  std::vector<SourceColumn> columns;  ///< in attribute order, dropped ones left out
  int last_number = 0;                ///< pg_class.relnatts: the highest number of a column that ever was
  std::vector<std::string> primary_key;
  std::vector<std::string>
      identity_key;  ///< what an UPDATE/DELETE names the old row by; empty for FULL and none
  std::vector<UniqueKey> unique_keys{};  ///< of the table itself, by oid
  bool row_security = false;             ///< row-level security would apply to this role's SELECT
  bool table_select = true;              ///< SELECT on the whole table (ctid needs it)
  std::int64_t rows_estimated = 0;       ///< reltuples, or from the heap's size when never analysed; ≥ 0
  std::vector<Heap> heaps;               ///< by oid; empty for a partitioned table without partitions
  char persistence = 'p';                ///< pg_class.relpersistence: 'u' unlogged, 't' temporary
  bool owned = true;                     ///< this role may act as its owner: add it to a publication
  bool schema_usage = true;              ///< USAGE on its schema
};

/// The server, the role and what the role may do.
struct ServerFacts {
  int version = 0;  ///< server_version_num
  std::string system_identifier;
  std::int64_t timeline = 0;  ///< 0: cannot be told
  bool in_recovery = false;
  Lsn wal_end;  ///< written, or in recovery replayed
  std::string wal_level;
  int max_slots = 0, used_slots = 0;
  int max_senders = 0, used_senders = 0;
  bool may_replicate = false;  ///< REPLICATION attribute or superuser (or rds_replication and its kin)
  bool may_create_publication = false;  ///< CREATE on the database
  std::int64_t block_size = 8192;
  std::string role, database;  ///< whom and what this session is
};

/// A table of a publication, and what of it is published.
struct PublishedTable {
  TableName name;
  /// Another text after each change of what is published of it: taken out and put back, operations, filter,
  /// column list, the publication dropped and created. Not after a column is renamed.
  std::string incarnation{};
  /// WHERE of the publication, as pg_get_expr() writes it: by the names that the columns have now, with
  /// everything of another schema than pg_catalog qualified. Empty: every row is published.
  std::string row_filter{};
  std::vector<NumberedColumn> filter_columns{};  ///< what row_filter names
  /// The column list, where there is one. PostgreSQL 13 and 14 know neither it nor filters; publications of
  /// all tables and of schemas have neither.
  std::optional<std::vector<NumberedColumn>> listed{};
};

struct PublicationFacts {
  std::string name;
  bool exists = false;
  bool all_tables = false;
  bool via_root = false;
  bool inserts = true, updates = true, deletes = true, truncates = true;
  std::vector<TableName> tables;           ///< pg_publication_tables
  std::vector<PublishedTable> contents{};  ///< of each of `tables`, in its order
  bool owned = true;                       ///< this role may alter it
};

struct SlotFacts {
  std::string name;
  bool exists = false;
  bool active = false;
  std::string plugin, database;
  std::string wal_status;  ///< "reserved", "extended", "unreserved", "lost"
  Lsn restart_lsn, confirmed_lsn;
  std::optional<std::int64_t> safe_wal_size;  ///< bytes until the slot is lost; none: unbounded
  std::int64_t retained_bytes = 0;
  /// Why the server has given it up: "wal_removed", "rows_removed", "wal_level_insufficient", "idle_timeout";
  /// empty before PostgreSQL 17, where wal_status tells that it has.
  std::string invalidation{};
  bool synced =
      false;  ///< this server is a standby, which keeps it for a failover: nobody may use it until then
};

// Each of these opens a session of its own and ends it: fit for a look now and then. None waits for another
// session's lock for more than 5 s.

[[nodiscard]] Result<ServerFacts> read_server(const Endpoint& endpoint);
/// Where each earlier timeline was left for the next, up to this one (PostgreSQL docs, "Streaming Replication
/// Protocol", TIMELINE_HISTORY). Empty where the server has no such file, as on its first timeline.
[[nodiscard]] Result<std::vector<std::pair<std::int64_t, Lsn>>> read_timeline_history(
    const Endpoint& endpoint, std::int64_t timeline);
/// The size of a heap can only be had when nobody has locked it: a look that must not wait goes without
/// (Heap::pages and SourceTable::rows_estimated say nothing then).
enum class HeapSizes { Read, LeftOut };
/// Index for index; nullopt: no such table, view or foreign table.
[[nodiscard]] Result<std::vector<std::optional<SourceTable>>> read_tables(const Endpoint& endpoint,
                                                                          const std::vector<TableName>& names,
                                                                          HeapSizes sizes = HeapSizes::Read);
/// The same by pg_class.oid, whatever the tables are named now, without the heaps' sizes.
[[nodiscard]] Result<std::vector<std::optional<SourceTable>>> read_tables_by_oid(
    const Endpoint& endpoint, const std::vector<std::uint32_t>& oids);
/// How a heap came to be a part of its table, by what the catalog and its rows' transactions show. A
/// transaction may commit after one with a higher number, and its savepoints have numbers of their own.
struct Arrival {
  /// It holds rows of before it was attached, which no stream has brought. Such rows that have been updated
  /// since are not counted: these updates were streamed.
  bool filled = false;
  bool made_as_part = false;  ///< CREATE TABLE … PARTITION OF, all the way up: it never was anything else
  bool has_rows = false;
  /// A transaction that is older than the attaching one, and not older than the heap, had changed it already.
  bool changed_before = false;
};
/// `heaps`: parts of the table `root`, by oid, each with the transaction (32-bit xid) that
/// Arrival::changed_before is about; 0: none.
[[nodiscard]] Result<std::map<std::uint32_t, Arrival>> read_arrivals(
    const Endpoint& endpoint, std::uint32_t root, const std::map<std::uint32_t, std::uint32_t>& heaps);
/// What became of the rows of a heap that has another file than before.
struct NewFile {
  /// The column (SourceColumn::attribute_number) whose definition the transaction has changed that wrote the
  /// oldest of the rows: it rewrote them all. 0: none.
  int rewritten_with = 0;
  /// It has a row that is older than the transaction asked for: its rows were only moved (VACUUM FULL,
  /// CLUSTER). False also where that cannot be told.
  bool keeps_rows = false;
  bool all_newer = false;  ///< it has rows, and none is older than the transaction asked for
  /// None of that, but it has a row that is older than `changed_by`: either something was changed in the
  /// catalog since the file was made, or it is one that was written row by row and then exchanged
  /// (pg_repack).
  bool changed_since = false;
  bool has_rows_of_change = false;  ///< it has rows of the transaction `changed_by`
  bool has_rows = true;
  bool has_pages = true;         ///< DELETE leaves them, TRUNCATE does not
  std::uint32_t changed_by = 0;  ///< the transaction (32-bit xid) of the last change of its pg_class row
};
/// Of `heaps`, which are parts of the table or the table itself, by oid, each with the transaction (32-bit
/// xid) that NewFile::keeps_rows and all_newer are about; 0: none. Rows are looked at where this role may, up
/// to 100,000 of each: after a rewrite the first are the oldest, by and large.
[[nodiscard]] Result<std::map<std::uint32_t, NewFile>> read_new_files(
    const Endpoint& endpoint, const SourceTable& table, const std::map<std::uint32_t, std::uint32_t>& heaps);
/// Names of those that are there, by oid.
[[nodiscard]] Result<std::map<std::uint32_t, TableName>> read_names(const Endpoint& endpoint,
                                                                    const std::vector<std::uint32_t>& oids);
/// pg_class.oid of the tables that this one is a partition or a child of, nearest first.
[[nodiscard]] Result<std::vector<std::uint32_t>> read_ancestors(const Endpoint& endpoint, std::uint32_t oid);
/// A type by pg_type.oid and typmod, domains resolved.
[[nodiscard]] Result<PgType> read_type(const Endpoint& endpoint, std::uint32_t oid, std::int32_t typmod);
[[nodiscard]] Result<PublicationFacts> read_publication(const Endpoint& endpoint, const std::string& name);
/// Those of `some` that are there, and neither are one of `tables` nor inherit from one.
[[nodiscard]] Result<std::vector<TableName>> strangers_to(const Endpoint& endpoint,
                                                          const std::vector<TableName>& tables,
                                                          const std::vector<TableName>& some);
/// nullptr: it is not published under this name.
[[nodiscard]] const PublishedTable* published_as(const PublicationFacts& publication, const TableName& name);
/// Notes with the table what is published of it: SourceColumn::published, Heap::row_filter. A partitioned
/// table is published whole, by the filter of its root (publish_via_partition_root); the children of plain
/// inheritance each by their own. Pure.
void narrow_to(const PublicationFacts& publication, SourceTable& table);
[[nodiscard]] Result<SlotFacts> read_slot(const Endpoint& endpoint, const std::string& name);
/// A slot, and those of the whole server, of every database, whose names begin with a prefix.
struct SlotsLook {
  SlotFacts slot;
  std::vector<SlotFacts> alike;  ///< by name; `slot` may be among them
};
[[nodiscard]] Result<SlotsLook> read_slots(const Endpoint& endpoint, const std::string& name,
                                           const std::string& prefix);
[[nodiscard]] Result<Lsn> current_wal_lsn(const Endpoint& endpoint);

/// Makes a publication FOR TABLE … WITH (publish_via_partition_root = true) or brings ours to hold exactly
/// these, all of their rows and columns, and what inherits from them (children of plain inheritance are
/// published under their own names; partitions under their root's). A publication that is right already is
/// not touched. A table that is gone since it was checked is left out, for its load to tell; TableNotFound
/// where none is there. Reason CannotCreatePublication (NeedsUser) where the role may not.
[[nodiscard]] Status ensure_publication(const Endpoint& endpoint, const std::string& name,
                                        const std::vector<TableName>& tables);
/// A walsender caches which tables are published. Before 13.21, 14.18, 15.13, 16.9 and 17.5 (their release
/// notes: invalidations were not given to transactions in progress) that goes stale, for good, when it
/// decodes a transaction that was open while a table was added to a publication: the table stays unpublished
/// for it. The minor release, as server_version_num, that fixes this in the server's major one; nullopt: it
/// is fixed.
[[nodiscard]] std::optional<int> publication_cache_fixed_in(int version);
/// Invalidates that cache: makes a publication named `helper` of `tables`, and of the schemas of
/// `publication`, and drops it, in one transaction. To be called when those transactions have ended; what has
/// committed before is for the tables' load to bring. Reason ServerNeedsUpdate (NeedsUser) where it cannot be
/// made: for want of a right, or on a standby.
[[nodiscard]] Status invalidate_publication_cache(const Endpoint& endpoint, const std::string& publication,
                                                  const std::string& helper,
                                                  const std::vector<TableName>& tables);
/// Absent already: success.
[[nodiscard]] Status drop_publication(const Endpoint& endpoint, const std::string& name);
/// Absent already: success. A slot that is active: its walsender is terminated first (ours was stopped; a
/// dead client's may linger). SlotInUse (Transient) when it is not let go of within 10 s.
[[nodiscard]] Status drop_slot(const Endpoint& endpoint, const std::string& name);

/// Drops, as drop_slot() and drop_publication() do, all of this database whose name is `prefix` or begins
/// with it and an underscore, but for `except` (empty: none is spared). A prefix that is empty names nothing.
[[nodiscard]] Status drop_slots_of(const Endpoint& endpoint, const std::string& prefix,
                                   const std::string& except);
[[nodiscard]] Status drop_publications_of(const Endpoint& endpoint, const std::string& prefix,
                                          const std::string& except);

}  // namespace penstock::postgres
