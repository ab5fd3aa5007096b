// What may be told the source as written, while batches are on their way.

#include <gtest/gtest.h>

#include "dataplane/pipeline/batch.hpp"

namespace penstock::pipeline {
namespace {

constexpr Lsn kReceived{1000};

Batch batch_up_to(std::uint64_t covers, std::int64_t commit = 7) {
  Batch out;
  out.covers = Lsn{covers};
  out.oldest_commit = commit;
  out.rows = 1;
  return out;
}

TEST(BatchQueue, IsSafeUpToWhatWasReceivedWhenNothingIsOwed) {
  BatchQueue queue(1);
  EXPECT_EQ(queue.safe(kReceived), kReceived);
  queue.push(batch_up_to(10));
  EXPECT_EQ(queue.safe(kReceived), Lsn{});
  const auto batch = queue.pop();
  EXPECT_EQ(queue.safe(kReceived), Lsn{}) << "it is being written";
  queue.done(*batch);
  EXPECT_EQ(queue.safe(kReceived), kReceived);
  EXPECT_EQ(queue.safe(Lsn{}), Lsn{10});
}

TEST(BatchQueue, OwesEveryBatchFromTheMomentItIsGivenHoweverFullItIs) {
  BatchQueue queue(1);
  for (const std::uint64_t covers : {10, 20, 30})
    queue.push(batch_up_to(covers));
  EXPECT_TRUE(queue.overfull());
  for (const std::uint64_t covers : {10, 20, 30}) {
    const auto batch = queue.pop();
    EXPECT_EQ(queue.safe(kReceived), Lsn{covers - 10});
    EXPECT_FALSE(queue.idle());
    EXPECT_EQ(queue.oldest_commit(), 7);
    queue.done(*batch);
  }
  EXPECT_FALSE(queue.overfull());
  EXPECT_EQ(queue.safe(kReceived), kReceived);
}

TEST(BatchQueue, OwesABatchWhoseWritingWasGivenUp) {
  BatchQueue queue(1);
  queue.push(batch_up_to(10));
  (void)queue.pop();
  queue.close();
  EXPECT_FALSE(queue.pop());
  EXPECT_EQ(queue.safe(kReceived), Lsn{});
}

TEST(BatchQueue, IsNotWrittenUpToACommitWhoseRowsAreInALaterBatch) {
  BatchQueue queue(1);
  queue.push(batch_up_to(10));
  queue.push(batch_up_to(0));  // a piece of a large transaction
  queue.done(*queue.pop());
  queue.done(*queue.pop());
  EXPECT_EQ(queue.written(), Lsn{10});
}

}  // namespace
}  // namespace penstock::pipeline
