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

/// The last change that each append-only target holds; zero for the others.
[[nodiscard]] Result<std::vector<LogPosition>> read_positions(clickhouse::Client& client,
                                                              const std::vector<BoundTable>& tables);

struct WriterNews {
  RetryReport retrying;
  std::function<void(const Batch&)> written;  ///< after each
  std::function<void(std::size_t)> blame;  ///< an error that is about to be returned is of this table alone
};

/// Takes batches from the queue and writes them, in order, until the queue is closed or an error is not to be
/// waited out. One thread.
[[nodiscard]] Status write_batches(BatchQueue& queue, clickhouse::Client& client, const PipeJob& job,
                                   const std::vector<BoundTable>& tables, const StopFlags& stop,
                                   const WriterNews& news);

}  // namespace penstock::pipeline
