#pragma once

// What happens to the rows of a source table behind its stream's back. The stream brings each row that is
// inserted, updated or deleted, and nothing of these:
//
// - Partitions that join or leave: rows that a table brings along when it is attached, rows that go with one
//   that is detached or dropped.
// - The TRUNCATE of a single partition, where partitions are published under their root's name.
// - ALTER TABLE that rewrites all rows: a column added with a volatile default, a column's type changed.
//
// So the heaps of a table are remembered as its load finds them, each with its attachment and its file, and a
// look at the catalog compares:
//
// - A heap that is new, and holds no row of before it was attached, is one that the stream brings from its
//   first row on (CREATE TABLE … PARTITION OF, or an empty one attached): it is remembered, nobody need know.
//   So is one whose former rows have all been updated or deleted since. Where it was attached and has rows,
//   their transactions do not prove that they came later, so the target is asked whether it has them.
// - Any other new heap stays unknown, and is told of at each look, until a load takes it in. A child of plain
//   inheritance always is one: the publication does not take it in by itself. So is a foreign table.
// - A heap that is gone, or was attached anew, stays remembered as it was, and is told of at each look, until
//   a load makes it good: rows that were deleted while it was detached are in no stream, even if it is empty.
// - A heap that has another file has been rewritten, truncated, or only moved (VACUUM FULL, CLUSTER). A row
//   that is older than what the last looks found shows that it was moved: a TRUNCATE, or ALTER TABLE, leaves
//   none. Where all are newer, and some column's definition was changed, they were rewritten. Where nothing
//   shows it, the table's rows are compared with the target's. What differs is remembered with the heap, and
//   told of, until a load, or a TRUNCATE that is streamed, makes it good.
// - So it is with a new heap that has another file than it was made with: nobody has seen the former one.
// - A heap that rows were streamed of, and that came and went between two looks, is remembered as one that is
//   gone; one that came, and was emptied before the first look at it, is told of; and one that came, went and
//   came back is remembered as attached anew.
// - One that is unlogged is told of: its changes are in no WAL.
//
// What is remembered is in the Pipe's status, so that a restart, or a look that came late, changes nothing.
//
// A heap that was emptied looks like one that was SET UNLOGGED and LOGGED again, whose rows of that time are
// in no WAL. PostgreSQL refuses that for a table that a publication lists, but not for one that it publishes
// with all others or as a partition. Of these a TRUNCATE has to have come through the stream, where a table
// is too large to be compared, or changes meanwhile; and the transaction of that TRUNCATE is taken to have
// done nothing else to the heap that is not streamed.
//
// Not seen: where TRUNCATE is to change nothing, a partition that was UNLOGGED, lost rows, and was LOGGED
// again, all between two looks. Of a table that is too large to be compared, and of a log: a partition that
// was truncated (of a log, UNLOGGED for a while), has rows again, and was then changed in the catalog (GRANT,
// VACUUM FULL) or filled by an older transaction, all between two looks: so looks one that pg_repack wrote
// anew. A partition that came and went between two looks, when Penstock was killed between the two. One that
// loses rows while it is detached, where the transaction that attaches it again made it, or is older than the
// first that filled it. Rows of before beyond the first 100,000; and those of an append-only target's
// partition, whose transactions are newer than the attaching one, once the stream has brought one.
//
// Told of for nothing, of a table that cannot be compared for that: VACUUM FULL of a partition that is empty,
// or all of whose rows are new; a TRUNCATE below a savepoint, or followed by DDL on the partition before the
// next look; a TRUNCATE of a table that no publication lists, when Penstock was started anew between the two;
// a partition that is truncated before the first look at it; of a log, a partition that one transaction
// truncates and fills. Always: a partition that was attached empty a
// while after it was made, and whose first rows came of a transaction that is older than the attaching one,
// or has a savepoint above it.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "dataplane/pipeline/compare_rows.hpp"
#include "dataplane/postgres/catalog.hpp"

namespace penstock::pipeline {

/// By pg_class.oid.
[[nodiscard]] bool has_heap(const postgres::SourceTable& table, std::uint32_t oid);

/// The heaps of a table as a text for the status: "oid:attachment:file:what:columns:horizon:compared,…";
/// "none" where there are none. Of changed columns those count that the table here has: with_taken_columns().
[[nodiscard]] std::string partitions_text(const postgres::SourceTable& table);

/// Whether a heap of `known`, or one that rows were streamed of, is gone, was attached anew, or has another
/// file by now: what was streamed since of its rows may be as they are no more. Empty: nothing is known, so
/// false.
[[nodiscard]] bool has_other_heaps(const postgres::SourceTable& table, const std::string& known,
                                   const std::map<std::uint32_t, std::uint32_t>& streamed_parts);

struct PartitionLook {
  std::string known{};  ///< to be remembered from now on
  std::string drift{};  ///< how the table differs from what is remembered; empty: not
  /// Rows were moved (VACUUM FULL, CLUSTER) after columns had been changed: what earlier rows hold in a
  /// column that was added since cannot be told any more.
  bool moved_after_change = false;
  /// Nobody has compared yet (compare_rows.hpp): rows that ALTER TABLE rewrote, whose values it may have
  /// left; or a heap with another file, in which nothing shows that it is the former rows that were moved.
  bool to_compare = false;
  bool in_doubt = false;  ///< what it finds is to be looked at once more, when the stream has come as far
  /// Heaps, by oid, that were attached and have rows, for the question to say how these compare.
  std::vector<std::uint32_t> unproven{};
};

struct PartitionQuestion {
  std::string
      known{};  ///< what is remembered; empty: nothing yet, so that all that is there is taken as it is
  bool truncates = true;                      ///< whether a TRUNCATE is to empty the target
  bool listed = true;                         ///< the publication lists the table itself: FOR TABLE
  std::vector<std::uint32_t> truncated_by{};  ///< TableJob::truncated_by
  std::map<std::uint32_t, std::uint32_t> streamed_parts{};  ///< TableJob::streamed_parts
  /// The target's sorting key. Rows that were rewritten by an ALTER of one of these are never to be compared:
  /// by what would they be matched?
  std::vector<std::string> key{};
  bool stream_has_passed = true;  ///< TableJob::stream_has_passed
  bool again = false;             ///< the same look once more, with what was learnt meanwhile
  bool appends = false;           ///< the target keeps every change, and cannot be compared
  /// Of those of PartitionLook::unproven that could be compared, by oid; Unknown: they never can.
  std::map<std::uint32_t, RowsAre> proven{};
};

/// `table`: its columns are those that the target has.
[[nodiscard]] Result<PartitionLook> look_at_partitions(const postgres::Endpoint& source,
                                                       const postgres::SourceTable& table,
                                                       const PartitionQuestion& question);

/// A look's `known` after its table's rows were compared with the target's: what is equal is no difference
/// any more.
[[nodiscard]] std::string with_compared(const std::string& known, RowsAre rows,
                                        const PartitionQuestion& question);

}  // namespace penstock::pipeline
