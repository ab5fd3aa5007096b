#pragma once

// What one pipe asks of the dataplane: plain values, no Kubernetes. Made from a manifest by
// controller/adapters.

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/lsn.hpp"
#include "core/table_name.hpp"
#include "dataplane/clickhouse/client.hpp"
#include "dataplane/clickhouse/owner.hpp"
#include "dataplane/clickhouse/swap.hpp"
#include "dataplane/clickhouse/target.hpp"
#include "dataplane/pipeline/last_commit.hpp"
#include "dataplane/postgres/connection.hpp"

namespace penstock::pipeline {

/// The names of all pipes' slots begin with it.
inline constexpr const char* kSlotPrefix = "penstock_";

struct ColumnOverride {
  std::string name;
  std::string type;  ///< empty: the default mapping
  bool null_if_unrepresentable = false;
  bool operator==(const ColumnOverride&) const = default;
};

/// The first transaction that changed rows of a part of a table, and where the last one commits that its
/// description came in.
struct PartChange {
  Lsn commit;
  std::uint32_t xid = 0;
  Lsn last{};
  bool operator==(const PartChange&) const = default;
};

struct TableJob {
  TableName source;
  std::string source_text;  ///< as the manifest writes it: the name that messages and status use
  std::string target;       ///< the name that readers know
  /// Rows go to the staging table of `target` until the two are exchanged (dataplane/clickhouse/swap.hpp).
  bool staged = false;
  /// Which making of the target this is, in its mark. 0: not settled; the tables that are there tell.
  std::int64_t load = 0;
  bool added_later = false;      ///< to a pipe that had its slot already
  bool newly_published = false;  ///< TableReport::newly_published, until it is loaded
  /// The source's heaps that target and stream cover (source_partitions.hpp). Empty: not known.
  std::string partitions;
  /// What the target was loaded from (source_definition.hpp). Empty: not known.
  std::string definition{};
  /// The one before, or Setup's, while it is to be loaded. Empty: the manifest's names are those of now.
  std::string former_definition{};
  /// Transactions (32-bit xids) that the stream has brought a TRUNCATE of it in, lately.
  std::vector<std::uint32_t> truncated_by{};
  /// Its parts, by pg_class.oid, that rows were streamed of since it was made, as far as this process knows,
  /// each with the first transaction (32-bit xid) that was; 0: not known.
  std::map<std::uint32_t, std::uint32_t> streamed_parts{};
  /// Every change of before the end of the last look at the catalog is in its target: a TRUNCATE that it saw
  /// has come by now, if it is to come.
  bool stream_has_passed = true;
  /// What the stream has found its definition to be since.
  std::string streamed_definition{};
  /// The types of the target's columns that the stream writes, by name.
  std::map<std::string, std::string> streamed_types{};
  std::vector<std::string> excluded_columns;
  std::vector<std::string> order_by;
  std::string partition_by;
  clickhouse::Engine engine = clickhouse::Engine::ReplacingMergeTree;
  std::vector<ColumnOverride> overrides;
  bool ignore_truncate = false;
  bool operator==(const TableJob&) const = default;

  /// The table that rows are written to.
  [[nodiscard]] std::string written() const { return staged ? clickhouse::staging_name(target) : target; }
};

/// Another Pipe that reads a slot which is not its own.
struct SlotReader {
  std::string name;              ///< "namespace/name"
  std::string system, database;  ///< of its source, as SourceSystem has them
  bool operator==(const SlotReader&) const = default;
};

struct PipeJob {
  std::string name;  ///< "namespace/name", for logs and messages
  std::string uid;
  postgres::Endpoint source;
  clickhouse::Endpoint destination;
  bool loads = true;    ///< CDC, SnapshotOnly
  bool streams = true;  ///< CDC, CDCOnly
  std::string slot;
  std::string publication;
  bool owns_slot = true;
  bool owns_publication = true;
  bool failover_slot = false;   ///< ours is made as one that the standbys keep, too
  std::int64_t generation = 0;  ///< resync generation that tables are made for
  /// Targets that hold rows and that nobody's mark is on, or that of a pipe which is none of `others`.
  bool take_over = false;
  std::vector<clickhouse::OtherPipe> others{};
  /// Of those, who had been set up before us to read a slot of the user's that is named like ours.
  std::vector<SlotReader> slot_readers{};
  bool replaces_a_slot = false;  ///< the present one is dropped before ours is made
  std::vector<TableJob> tables;

  std::chrono::milliseconds flush_interval{200};
  int max_inserts_per_second = 10;
  std::size_t batch_rows = 1'000'000;
  std::int64_t rows_per_partition = 500'000;
  int workers_per_table = 4;
  int parallel_tables = 1;

  bool operator==(const PipeJob&) const = default;
};

/// Which system the source is, and how far it had come: compared before anything is read from it again.
struct SourceSystem {
  std::string identifier;
  std::int64_t timeline = 0;  ///< 0: not known
  std::string database;
  Lsn confirmed{};    ///< everything up to here was taken from it
  LastCommit last{};  ///< of what was taken from it
  /// The most that it can have been told of our slot, where that is known: who finds the slot beyond it has
  /// found that somebody else moved it.
  std::optional<Lsn> told{};
  bool operator==(const SourceSystem&) const = default;
};

}  // namespace penstock::pipeline
