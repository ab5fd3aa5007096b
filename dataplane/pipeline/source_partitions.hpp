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
// - A heap that is new, or was attached anew, and holds no row of before it was attached, is one that the
//   stream brings from its first row on (CREATE TABLE … PARTITION OF, or an empty one attached): it is
//   remembered, nobody need know. So is one whose former rows have all been updated or deleted since.
// - Any other new heap stays unknown, and is told of at each look, until a load takes it in. A child of plain
//   inheritance always is one: the publication does not take it in by itself. So is a foreign table.
// - A heap that is gone stays remembered, and is told of at each look, until a load does without it.
// - A heap that has another file has been rewritten, truncated, or only moved (VACUUM FULL, CLUSTER). Its
//   rows tell: those of a rewrite are all of the transaction that changed a column's definition, one that
//   was moved has rows from before. The first two are remembered with the heap, and told of, until a load, or
//   a TRUNCATE that is streamed, makes them good.
//
// What is remembered is in the Pipe's status, so that a restart, or a look that came late, changes nothing.
//
// Not seen: a rewrite after which, before the next look, the same column's definition was changed again. The
// TRUNCATE of all partitions one by one between two looks, which looks like one of the table. An ADD COLUMN …
// DEFAULT whose rows are moved before the stream has followed it: they have NULL. Told of for nothing: VACUUM
// FULL of a single partition that is empty, or all of whose rows are new.

#include <string>

#include "core/result.hpp"
#include "dataplane/postgres/catalog.hpp"

namespace penstock::pipeline {

/// The heaps of a table as a text for the status: "oid:attachment:file[:what],…"; "none" where there are
/// none. `complete`: rows are loaded in every column. If not, whatever changed the columns is still to be
/// told of.
[[nodiscard]] std::string partitions_text(const postgres::SourceTable& table, bool complete = true);

struct PartitionLook {
  std::string known;  ///< to be remembered from now on
  std::string drift;  ///< how the table differs from what is remembered; empty: not
};

/// `known`: what is remembered; empty: nothing yet, so that all that is there is taken as it is. `table`: its
/// columns are those that the target has. `truncates`: whether a TRUNCATE is to empty the target.
[[nodiscard]] Result<PartitionLook> look_at_partitions(const postgres::Endpoint& source,
                                                       const postgres::SourceTable& table,
                                                       const std::string& known, bool truncates = true);

}  // namespace penstock::pipeline
