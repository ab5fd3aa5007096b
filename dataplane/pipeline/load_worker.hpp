#pragma once

#include <string>

#include "dataplane/pipeline/insert.hpp"
#include "dataplane/pipeline/load_board.hpp"

namespace penstock::pipeline {

/// What every worker of a load has in common.
struct LoadContext {
  const PipeJob& job;
  std::string snapshot;     ///< exported name, imported by each worker
  Lsn snapshot_lsn;         ///< all that the snapshot sees is below this
  Lsn version;              ///< of the rows
  std::string attempt;      ///< unique to this run: part of the deduplication tokens
  std::size_t block_bytes;  ///< a block is sent when it has grown to this
  const StopFlags& stop;
};

/// One thread's part: takes partitions from the board until none is left, reads each at the snapshot and
/// writes it.
void work_on(LoadBoard& board, const LoadContext& context);

}  // namespace penstock::pipeline
