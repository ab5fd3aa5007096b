#pragma once

// The settings of a pipe that may change while it runs.

#include <atomic>
#include <chrono>
#include <cstddef>

#include "dataplane/pipeline/job.hpp"

namespace penstock::pipeline {

/// How a stream gathers changes into inserts. Set by any thread, read by the stream's.
class StreamPace {
 public:
  explicit StreamPace(const PipeJob& job) { set(job); }
  void set(const PipeJob& job) {
    interval_ms_.store(job.flush_interval.count(), std::memory_order_relaxed);
    max_inserts_.store(job.max_inserts_per_second, std::memory_order_relaxed);
    batch_rows_.store(job.batch_rows, std::memory_order_relaxed);
  }
  [[nodiscard]] std::chrono::milliseconds flush_interval() const {
    return std::chrono::milliseconds(interval_ms_.load(std::memory_order_relaxed));
  }
  /// How long so many inserts take up.
  [[nodiscard]] std::chrono::milliseconds time_of(int inserts) const {
    return std::chrono::milliseconds(1000 * inserts / max_inserts_.load(std::memory_order_relaxed));
  }
  [[nodiscard]] std::size_t batch_rows() const { return batch_rows_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::chrono::milliseconds::rep> interval_ms_{0};
  std::atomic<int> max_inserts_{1};
  std::atomic<std::size_t> batch_rows_{1};
};

}  // namespace penstock::pipeline
