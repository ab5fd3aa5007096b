#pragma once

#include "core/result.hpp"
#include "dataplane/pipeline/job.hpp"

namespace penstock::pipeline {

/// Whether both servers answer, and the source still is the one: for a load that has no slot to ask for. The
/// source's system as it is now. Errors: check_same_system()'s, and what either server says. Looks only.
[[nodiscard]] Result<SourceSystem> reach(const PipeJob& job, const SourceSystem& expected);

}  // namespace penstock::pipeline
