#pragma once

#include "core/result.hpp"
#include "dataplane/pipeline/load_worker.hpp"

namespace penstock::pipeline {

/// Lets workers work on the board until nothing is left to hand out: as many as the board admits, who come
/// and go with what is left and with the load's share. Where the system has no thread for one more, those
/// that there are go on; where there are none, it fails with ThreadNotStarted (Transient).
[[nodiscard]] Status run_workers(LoadBoard& board, const LoadContext& context);

}  // namespace penstock::pipeline
