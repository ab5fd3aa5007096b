#pragma once

// What the dataplane says of a run, in the reconciler's words, and the way back. Pure.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "dataplane/pipeline/load_run.hpp"
#include "dataplane/pipeline/setup.hpp"
#include "dataplane/pipeline/stream_run.hpp"
#include "reconcilers/pipe/ports.hpp"

namespace penstock::adapters {

[[nodiscard]] reconcile::RunFacts facts_of(const pipeline::LoadFacts& facts);
/// `before`: rows streamed by earlier runs, by table, to which this run's are added.
[[nodiscard]] reconcile::RunFacts facts_of(const pipeline::StreamFacts& facts,
                                           const std::map<std::string, std::int64_t>& before);
/// What a load goes on from.
[[nodiscard]] std::vector<pipeline::TableLoad> resume_of(const PipeStatus& status);

[[nodiscard]] reconcile::SetupFacts facts_of(const pipeline::SetupReport& report);

}  // namespace penstock::adapters
