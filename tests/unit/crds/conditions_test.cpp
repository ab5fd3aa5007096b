#include "crds/conditions.hpp"

#include <gtest/gtest.h>

namespace penstock {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const WallTime kEarlier{seconds(1'000)};
const WallTime kNow{seconds(2'000) + milliseconds(345)};
const WallTime kNowInSeconds{seconds(2'000)};

Condition condition(const char* type, bool status, const char* reason, WallTime since) {
  return {type, status, reason, "", 1, since};
}

TEST(MergeConditions, TheTransitionTimeMovesOnlyWhenTheStatusFlips) {
  const std::vector<Condition> current = {condition("Ready", true, "Running", kEarlier),
                                          condition("Stalled", false, "Fine", kEarlier)};
  const auto merged = merge_conditions(
      current, {condition("Ready", true, "Paused", {}), condition("Stalled", true, "Failed", {})}, kNow);
  EXPECT_EQ(merged, (std::vector<Condition>{condition("Ready", true, "Paused", kEarlier),
                                            condition("Stalled", true, "Failed", kNowInSeconds)}));
}

TEST(MergeConditions, WhatIsNotWantedGoesAndWhatIsNewBegins) {
  const auto merged = merge_conditions(
      {condition("Stalled", true, "Failed", kEarlier)},
      {condition("Paused", true, "Paused", kEarlier), condition("Ready", true, "", {})}, kNow);
  EXPECT_EQ(merged, (std::vector<Condition>{condition("Paused", true, "Paused", kNowInSeconds),
                                            condition("Ready", true, "", kNowInSeconds)}));
}

TEST(MergeConditions, MergingTheSameAgainChangesNothing) {
  const auto once = merge_conditions({}, {condition("Ready", false, "r", {})}, kNow);
  EXPECT_EQ(merge_conditions(once, {condition("Ready", false, "r", {})}, kNow + seconds(9)), once);
}

TEST(FindCondition, FindsByTypeOrAnswersNull) {
  const std::vector<Condition> conditions = {condition("Ready", true, "r", kNow)};
  ASSERT_NE(find_condition(conditions, "Ready"), nullptr);
  EXPECT_EQ(find_condition(conditions, "Ready")->reason, "r");
  EXPECT_EQ(find_condition(conditions, "ready"), nullptr);
}

}  // namespace
}  // namespace penstock
