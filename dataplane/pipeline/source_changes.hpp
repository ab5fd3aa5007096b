#pragma once

// Following the source's DDL: what the stream tells of a changed table, and what the target does about it.

#include <map>
#include <string>

#include "core/result.hpp"
#include "dataplane/pipeline/job.hpp"
#include "dataplane/pipeline/stream_decoder.hpp"

namespace penstock::pipeline {

/// Whether a stream that ended with this error can go on after follow_source().
[[nodiscard]] bool is_source_change(const Error& error);

/// Adds to the targets what columns the source has and they lack, with the default that old rows have. Safe
/// to repeat. Columns that the source has dropped stay.
[[nodiscard]] Status follow_source(const PipeJob& job);

/// How the source's table has come to differ from what its target was made for, beyond columns that were
/// added: "column v is gone; column n is of type bigint now"; empty: not. Pure. Columns of the target that
/// have a default are the user's, but for those that followed an ADD COLUMN. What rewrote rows is for
/// look_at_partitions() to see.
[[nodiscard]] std::string drift_of(const PipeJob& pipe, const TableJob& job,
                                   const postgres::SourceTable& source,
                                   const clickhouse::TargetTable& target);

/// Of every table of the job that is there on both sides, by source. `sources` is index for index what
/// postgres::read_tables() says of the job's tables.
[[nodiscard]] Result<std::map<std::string, std::string>> read_drifts(
    const PipeJob& job, const std::vector<std::optional<postgres::SourceTable>>& sources);

}  // namespace penstock::pipeline
