#pragma once

// Partitions that join or leave a source table while its changes are streamed. Neither is in the stream: rows
// that a table brings along when it is attached never come, rows that go with one that is detached or dropped
// are never deleted. So the heaps of a table are remembered as its load finds them, each with its attachment,
// and a look at the catalog compares:
//
// - A heap that is new, or was attached anew, and holds no row of before it was attached, is one that the
//   stream brings from its first row on (CREATE TABLE … PARTITION OF, or an empty one attached): it is
//   remembered, nobody need know. So is one whose former rows have all been updated or deleted since.
// - Any other new heap stays unknown, and is told of at each look, until a load takes it in. A child of plain
//   inheritance always is one: the publication does not take it in by itself. So is a foreign table.
// - A heap that is gone stays remembered, and is told of at each look, until a load does without it.
//
// What is remembered is in the Pipe's status, so that a restart, or a look that came late, changes nothing.

#include <string>

#include "core/result.hpp"
#include "dataplane/postgres/catalog.hpp"

namespace penstock::pipeline {

/// The heaps of a table as a text for the status: "oid:attachment,…"; "none" where there are none.
[[nodiscard]] std::string partitions_text(const postgres::SourceTable& table);

struct PartitionLook {
  std::string known;  ///< to be remembered from now on
  std::string drift;  ///< how the table differs from what is remembered; empty: not
};

/// `known`: what is remembered; empty: nothing yet, so that all that is there is taken as it is.
[[nodiscard]] Result<PartitionLook> look_at_partitions(const postgres::Endpoint& source,
                                                       const postgres::SourceTable& table,
                                                       const std::string& known);

}  // namespace penstock::pipeline
