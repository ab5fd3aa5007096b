#include "dataplane/pipeline/source_clock.hpp"

#include <gtest/gtest.h>

namespace penstock::pipeline {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kCommit = 800'000'000'000'000;
constexpr std::int64_t kSecond = 1'000'000;
const SourceClock::Steady kNow{1000s};

TEST(SourceClock, TellsTheAgeByTheClockThatDatedTheCommit) {
  SourceClock clock;
  clock.heard(kCommit + 2 * kSecond, kNow);
  EXPECT_EQ(clock.age_of(kCommit, kNow), 2);
  EXPECT_EQ(clock.age_of(kCommit, kNow + 3s), 5) << "nothing comes, and it gets older";
  EXPECT_EQ(clock.age_of(kCommit + 9 * kSecond, kNow), 0);
}

TEST(SourceClock, KnowsNothingBeforeItHasHeardOfIt) {
  EXPECT_EQ(SourceClock().age_of(kCommit, kNow), 0);
}

TEST(SourceClock, GoesByTheMessageThatWaitedLeastToBeRead) {
  SourceClock clock;
  clock.heard(kCommit + 10 * kSecond, kNow);
  clock.heard(kCommit + 11 * kSecond, kNow + 30s);  // it has waited for half a minute
  EXPECT_EQ(clock.age_of(kCommit, kNow + 30s), 40);
}

TEST(SourceClock, FollowsASourceWhoseClockIsSet) {
  SourceClock clock;
  clock.heard(kCommit, kNow);
  clock.heard(kCommit + 7200 * kSecond, kNow + 1s);
  EXPECT_EQ(clock.age_of(kCommit + 7200 * kSecond, kNow + 2s), 1);
  clock.heard(kCommit + 120 * kSecond, kNow + 120s);
  EXPECT_EQ(clock.age_of(kCommit + 120 * kSecond, kNow + 121s), 1) << "back, which takes a minute";
}

}  // namespace
}  // namespace penstock::pipeline
