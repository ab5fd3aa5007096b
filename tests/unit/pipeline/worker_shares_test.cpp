#include "dataplane/pipeline/worker_shares.hpp"

#include <gmock/gmock.h>

#include <optional>

namespace penstock::pipeline {
namespace {

using testing::ElementsAre;

TEST(WorkerShares, OfOneLoadAreWhatItWantsUpToTheLimit) {
  EXPECT_THAT(fair_shares({8}, 64), ElementsAre(8));
  EXPECT_THAT(fair_shares({4096}, 64), ElementsAre(64));
}

TEST(WorkerShares, OfThoseThatWantLittleGoToTheOthers) {
  EXPECT_THAT(fair_shares({4096, 8, 4096}, 64), ElementsAre(28, 8, 28));
  EXPECT_THAT(fair_shares({10, 10}, 64), ElementsAre(10, 10));
}

TEST(WorkerShares, LeaveNobodyWithoutAny) {
  EXPECT_THAT(fair_shares({4096, 0, 4096}, 2), ElementsAre(1, 1, 1));
  EXPECT_THAT(fair_shares({}, 2), ElementsAre());
}

TEST(WorkerShares, ChangeAsLoadsComeAndGo) {
  WorkerShares shares(10);
  WorkerShares::Share first(shares);
  EXPECT_EQ(first.of(100), 10U);
  std::optional<WorkerShares::Share> second(shares);
  EXPECT_EQ(second->of(100), 5U);
  EXPECT_EQ(first.of(100), 5U);
  EXPECT_EQ(second->of(2), 2U);
  EXPECT_EQ(first.of(100), 8U);
  second.reset();
  EXPECT_EQ(first.of(100), 10U);
}

}  // namespace
}  // namespace penstock::pipeline
