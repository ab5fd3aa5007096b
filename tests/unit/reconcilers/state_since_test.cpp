// status.stateSince: when the pipe came into its state.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "reconcilers/pipe/record.hpp"
#include "tests/unit/reconcilers/world.hpp"

namespace penstock::reconcile {
namespace {

using test::kNow;
using test::streaming;

constexpr std::chrono::minutes kLater{5};

Pipe decided(Pipe pipe, PipeState state, WallTime now) {
  Decision decision;
  decision.state = state;
  decision.message = to_text(state);
  pipe.status = with_decision(pipe, pipe.status, decision, now);
  return pipe;
}

TEST(StateSince, MovesWithTheState) {
  const auto running = decided(streaming().pipe, PipeState::Running, kNow);
  const auto paused = decided(running, PipeState::Paused, kNow + kLater);
  EXPECT_EQ(paused.status.state_since, kNow + kLater);
}

TEST(StateSince, StaysWhileTheStateDoes) {
  const auto running = decided(streaming().pipe, PipeState::Running, kNow);
  EXPECT_EQ(decided(running, PipeState::Running, kNow + kLater).status.state_since,
            running.status.state_since);
}

TEST(StateSince, IsKnownFromTheFirstStatusOn) {
  auto pipe = streaming().pipe;
  pipe.status = {};
  EXPECT_EQ(decided(pipe, PipeState::Provisioning, kNow).status.state_since, kNow);
}

TEST(StateSince, OfAStatusThatDidNotSayIsNow) {
  auto pipe = streaming().pipe;
  pipe.status.state_since.reset();
  EXPECT_EQ(decided(pipe, *pipe.status.state, kNow).status.state_since, kNow);
}

TEST(StateSince, IsInWholeSecondsAsItIsStored) {
  const auto pipe = decided(streaming().pipe, PipeState::Paused, kNow + std::chrono::milliseconds(900));
  EXPECT_EQ(pipe.status.state_since, kNow);
  const auto stored = read_status(write_status(pipe.status));
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->state_since, kNow);
}

}  // namespace
}  // namespace penstock::reconcile
