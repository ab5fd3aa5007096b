#pragma once

// Partitions that a table did not have at the last look.

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "core/result.hpp"
#include "dataplane/pipeline/compare_rows.hpp"
#include "dataplane/postgres/catalog.hpp"

namespace penstock::pipeline {

enum class ArrivedAs {
  Covered,   ///< it was made as a part: the stream brings it from its first row on
  Attached,  ///< and so it brings this one, if it has come to the present without a change of before
  Filled,    ///< it brought along rows that are in no stream
  Returned,  ///< rows of it were streamed, then it was detached, and attached again
  /// It was attached by itself, and has rows: whether the stream brought all of them is for the target to
  /// say.
  Unproven
};

/// Of each of `parts`, new heaps of the table, by oid. `streamed`: as in TableJob::streamed_parts. `proven`:
/// how the rows of some compare with the target's (compare_part()); Unknown: it was tried, and cannot be
/// told.
[[nodiscard]] Result<std::map<std::uint32_t, ArrivedAs>> arrived_as(
    const postgres::Endpoint& source, const postgres::SourceTable& table,
    const std::vector<const postgres::Heap*>& parts, const std::map<std::uint32_t, std::uint32_t>& streamed,
    const std::map<std::uint32_t, RowsAre>& proven);

/// The same of one, by what the source shows. Pure.
[[nodiscard]] ArrivedAs arrived_as(const postgres::Arrival& arrival, bool streamed,
                                   std::optional<RowsAre> proven);

}  // namespace penstock::pipeline
