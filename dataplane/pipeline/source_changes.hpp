#pragma once

// Following the source's DDL: what the stream tells of a changed table, and what the target does about it.

#include "core/result.hpp"
#include "dataplane/pipeline/job.hpp"
#include "dataplane/pipeline/stream_decoder.hpp"

namespace penstock::pipeline {

/// Whether a stream that ended with this error can go on after follow_source().
[[nodiscard]] bool is_source_change(const Error& error);

/// Adds to the targets what columns the source has and they lack, with the default that old rows have. Safe
/// to repeat. Columns that the source has dropped stay.
[[nodiscard]] Status follow_source(const PipeJob& job);

}  // namespace penstock::pipeline
