#pragma once

// Whether a target's rows are still the source's after an ALTER TABLE that rewrote these, of which the stream
// shows nothing: `ALTER COLUMN v TYPE bigint` alone leaves the values, `… USING v * 100` does not, and the
// catalog looks the same after both. Nor does it tell a partition that was moved from one that was truncated
// and filled again. So the rows themselves are compared, encoded as a load encodes them.

#include <chrono>

#include "core/result.hpp"
#include "dataplane/pipeline/binding.hpp"
#include "dataplane/pipeline/job.hpp"
#include "dataplane/postgres/catalog.hpp"

namespace penstock::pipeline {

enum class RowsAre {
  Equal,      ///< the same rows on both sides, in every bound column, none of them changed meanwhile
  Different,  ///< some row is not
  Unknown,    ///< it cannot be told now: the stream is behind, rows come and go, commits wait for a standby
  TooLong,    ///< the table is too large to be compared within the time that there is
  Untold      ///< they cannot be compared: no key, a value that the target cannot hold, …
};

/// Reads the source's rows at one snapshot, waits until the stream has confirmed that place (two seconds at
/// most), and compares those rows of the target that are of before it. `target`: of ReplacingMergeTree;
/// `keeps_more`: it may have rows that the source has not. Ends about at `until`; holds ACCESS SHARE on the
/// table's heaps meanwhile. Errors: what the servers say.
[[nodiscard]] Result<RowsAre> compare_rows(const PipeJob& job, const postgres::SourceTable& source,
                                           const Binding& target, bool keeps_more,
                                           std::chrono::steady_clock::time_point until);
/// Whether the target has the first 100,000 rows of one heap of the table, as they are or as the stream has
/// changed them since. Rows of before it was attached are among the first, by and large. As compare_rows().
[[nodiscard]] Result<RowsAre> compare_part(const PipeJob& job, const postgres::SourceTable& source,
                                           const postgres::Heap& part, const Binding& target,
                                           std::chrono::steady_clock::time_point until);

}  // namespace penstock::pipeline
