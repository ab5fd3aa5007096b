#include "dataplane/pipeline/last_commit.hpp"

#include <gtest/gtest.h>

namespace penstock::pipeline {
namespace {

constexpr LastCommit kLast{{100}, 7, 1000};

TEST(LastCommit, IsReadAsItIsWritten) {
  EXPECT_EQ(LastCommit::parse(kLast.text()), kLast);
  EXPECT_EQ(LastCommit{}.text(), "");
  for (const auto* text : {"", "0/64", "0/64 x 3", "x 1 2", "0/64 1"})
    EXPECT_FALSE(LastCommit::parse(text)) << text;
}

TEST(Replay, BringsTheLastCommitAgainBeforeAnyLaterOne) {
  Replay replay(kLast, {90});
  EXPECT_TRUE(replay.goes_on_with({{95}, 5, 900}));
  EXPECT_TRUE(replay.goes_on_with(kLast));
  EXPECT_TRUE(replay.goes_on_with({{120}, 8, 1001}));
}

TEST(Replay, OfAnotherHistoryIsSeen) {
  EXPECT_FALSE(Replay(kLast, {90}).goes_on_with({{120}, 8, 1001})) << "it is missing";
  EXPECT_FALSE(Replay(kLast, {100}).goes_on_with({{100}, 8, 1000})) << "another transaction";
  EXPECT_FALSE(Replay(kLast, {100}).goes_on_with({{100}, 7, 1001})) << "at another time";
}

TEST(Replay, BehindTheLastCommitSaysNothing) {
  EXPECT_TRUE(Replay(kLast, {101}).goes_on_with({{120}, 8, 1001}));
  EXPECT_TRUE(Replay({}, {0}).goes_on_with({{1}, 1, 1}));
}

}  // namespace
}  // namespace penstock::pipeline
