#pragma once

// Following the source's DDL: what the stream tells of a changed table, and what the target does about it.

#include <string>
#include <vector>

#include "core/result.hpp"
#include "dataplane/pipeline/job.hpp"
#include "dataplane/pipeline/stream_decoder.hpp"

namespace penstock::pipeline {

/// Whether a stream that ended with this error can go on after follow_source().
[[nodiscard]] bool is_source_change(const Error& error);

/// Adds to the targets what columns the source has and they lack, with the default that old rows have, and
/// widens the types of those that the source has widened (int to bigint, NOT NULL dropped), but for keys.
/// Safe to repeat. Columns that the source has dropped stay. The tables whose target cannot take theirs come
/// back, each with its error: the others have been followed. An Error is of the servers.
[[nodiscard]] Result<std::vector<TableFault>> follow_source(const PipeJob& job);

/// The target had the column, with rows. Where it has it no more, somebody has dropped or renamed it there.
/// Pure.
[[nodiscard]] bool had_column(const TableJob& table, const postgres::SourceColumn& column);

/// Whether follow_source() would change this target. Pure.
[[nodiscard]] bool is_to_follow(const PipeJob& pipe, const TableJob& table,
                                const postgres::SourceTable& source, const clickhouse::TargetTable& target);

/// How the source's table has come to differ from what its target was made for, beyond columns that were
/// added.
struct Drift {
  std::string changes;                   ///< "column v is gone; column n is Int64 now"; rows are the same
  std::vector<std::string> differences;  ///< rows may differ: a default that earlier rows lack
};

/// Pure. Columns of the target that have a default are the user's, but for those that followed an ADD COLUMN.
/// What rewrote rows is for look_at_partitions() to see.
[[nodiscard]] Drift drift_of(const PipeJob& pipe, const TableJob& job, const postgres::SourceTable& source,
                             const clickhouse::TargetTable& target);

}  // namespace penstock::pipeline
