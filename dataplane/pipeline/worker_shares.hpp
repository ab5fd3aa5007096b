#pragma once

// The workers of all loads of this process, dealt out fairly: each has a thread and a connection to either
// side, and what the manifests ask for is bounded by nothing but themselves.

#include <cstddef>
#include <list>
#include <mutex>
#include <vector>

namespace penstock::pipeline {

/// Of all loads together, but that each has one whatever the others have.
inline constexpr std::size_t kMostWorkers = 64;

/// Pure: what each of those who want so many gets of `limit`. Nobody gets less than one, nor more than it
/// wants (if that is one or more); what one does not want goes to the others, in equal shares.
[[nodiscard]] std::vector<std::size_t> fair_shares(const std::vector<std::size_t>& wanted, std::size_t limit);

/// Thread-safe.
class WorkerShares {
 public:
  explicit WorkerShares(std::size_t limit = kMostWorkers) : limit_(limit) {}
  /// The process's.
  static WorkerShares& all();

  /// One load's part, as long as it lives.
  class Share {
   public:
    explicit Share(WorkerShares& shares);
    ~Share();
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

    /// Says how many are wanted now; how many may be had. Another number at the next call: what others give
    /// back is there for everyone.
    [[nodiscard]] std::size_t of(std::size_t wanted);

   private:
    WorkerShares& shares_;
    std::list<std::size_t>::iterator place_;
  };

 private:
  const std::size_t limit_;
  std::mutex mutex_;
  std::list<std::size_t> wanted_;
};

}  // namespace penstock::pipeline
