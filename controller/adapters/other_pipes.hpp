#pragma once

#include <vector>

#include "crds/pipe.hpp"
#include "dataplane/pipeline/job.hpp"

namespace penstock::adapters {

/// Tells the job of the Pipes that there are beside its own: which targets are theirs, and who came before it
/// to a slot of the user's. `pipes`: all of them, `pipe` itself included or not.
void add_others(const Pipe& pipe, const std::vector<Pipe>& pipes, pipeline::PipeJob& job);

}  // namespace penstock::adapters
