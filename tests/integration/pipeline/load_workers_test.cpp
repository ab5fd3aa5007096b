// How many threads a load takes, whatever its manifest asks for.

#include <gmock/gmock.h>

#include <filesystem>

#include "dataplane/pipeline/worker_shares.hpp"
#include "tests/integration/pipeline/loading.hpp"

namespace penstock::pipeline {
namespace {

using namespace std::chrono_literals;

std::size_t threads() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

class LoadWorkers : public Loading {
 protected:
  /// The most threads that there were beside those of before, until the load has ended.
  std::size_t most_threads_of_the_load() {
    const auto before = threads();
    std::size_t most = 0;
    begin();
    EXPECT_TRUE(test::eventually(
        [&] {
          most = std::max(most, threads() - std::min(threads(), before));
          return run_->facts().run.ended;
        },
        60s));
    EXPECT_FALSE(run_->facts().run.error);
    return most;
  }
};

/// Each worker's session has a watch, and the load itself a thread or two.
constexpr std::size_t kThreadsPerWorker = 2;
constexpr std::size_t kOthers = 4;

TEST_F(LoadWorkers, AreNoMoreThanPartitions) {
  if (const auto lack = lacks_ranges(); !lack.empty()) GTEST_SKIP() << lack;
  create_table("t", 50);
  prepare({"t"});
  job_.workers_per_table = 64;
  job_.parallel_tables = 64;
  const auto most = most_threads_of_the_load();
  const auto partitions = static_cast<std::size_t>(run_->facts().tables.at(0).partitions_total);
  ASSERT_GT(partitions, 2U);
  EXPECT_LE(most, kThreadsPerWorker * partitions + kOthers);
  EXPECT_EQ(differences(), "");
}

TEST_F(LoadWorkers, AreNoMoreThanTheProcessMayHave) {
  if (const auto lack = lacks_ranges(); !lack.empty()) GTEST_SKIP() << lack;
  create_table("t", 2'000);
  prepare({"t"});
  job_.workers_per_table = 64;
  job_.parallel_tables = 64;
  const auto most = most_threads_of_the_load();
  ASSERT_GT(run_->facts().tables.at(0).partitions_total, 200);
  EXPECT_LE(most, kThreadsPerWorker * kMostWorkers + kOthers);
  EXPECT_EQ(differences(), "");
}

}  // namespace
}  // namespace penstock::pipeline
