#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "dataplane/pipeline/batch.hpp"
#include "dataplane/pipeline/insert.hpp"
#include "dataplane/pipeline/setup.hpp"
#include "dataplane/pipeline/stream_decoder.hpp"

namespace penstock::pipeline {

/// The last change that each append-only target holds; zero for the others. StatementStillRuns (Transient):
/// see no_insert_runs(). `blame`: called with the table that an error is about.
[[nodiscard]] Result<std::vector<RowVersion>> read_positions(clickhouse::Client& client,
                                                             const std::vector<BoundTable>& tables,
                                                             const std::function<void(std::size_t)>& blame);

struct WriterNews {
  RetryReport retrying;
  std::function<void(const Batch&)> written;  ///< after each
  std::function<void(std::size_t)> blame;  ///< an error that is about to be returned is of this table alone
};

/// Takes batches from the queue and writes them, in order, until the queue is closed or an error is not to be
/// waited out. `replayed`, by table: of what is not above it, some rows may be in the target already; zero
/// where none can be. One thread.
[[nodiscard]] Status write_batches(BatchQueue& queue, clickhouse::Client& client, const PipeJob& job,
                                   const std::vector<BoundTable>& tables,
                                   const std::vector<RowVersion>& replayed, const StopFlags& stop,
                                   const WriterNews& news);

}  // namespace penstock::pipeline
