#pragma once

#include "dataplane/pipeline/load_board.hpp"
#include "dataplane/pipeline/partition_reader.hpp"

namespace penstock::pipeline {

/// Of rows as ClickHouse keeps them in memory: an insert becomes parts of about so much, and a partition is
/// cut to make one. Large parts are what makes a load fast: merging small ones took a quarter of its time.
inline constexpr std::size_t kPartBytes = 128u << 20;

/// Memory that the blocks of all workers may take together.
inline constexpr std::size_t kBlocksBytes = 128u << 20;

/// One thread's part, which the board has admitted: takes partitions from it until there is none for it,
/// reads each at the snapshot and writes it.
void work_on(LoadBoard& board, const LoadContext& context);

}  // namespace penstock::pipeline
