// Somebody sets the clock: what is waited for goes on.

#include <gmock/gmock.h>

#include "reconcilers/pipe/pipe_reconciler.hpp"
#include "tests/unit/reconcilers/twins.hpp"
#include "tests/unit/reconcilers/world.hpp"

namespace penstock::reconcile {
namespace {

using namespace std::chrono_literals;

const Error kAway{ErrorKind::Transient, "SourceUnreachable", "nobody answers at db:5432", "Start it"};

struct CountedDataplane final : test::TwinDataplane {
  CountedDataplane() { run.stream = test::active_stream(); }
  Result<std::optional<ProbeFacts>> probe(const Pipe& /*pipe*/, const Credentials& /*credentials*/) override {
    ++probes;
    PENSTOCK_TRY(servers);
    return ProbeFacts{};
  }
  Result<SetupFacts> set_up(const Pipe& /*pipe*/, const Credentials& /*credentials*/,
                            const SetupWish& /*wish*/) override {
    ++set_ups;
    PENSTOCK_TRY(servers);
    return SetupFacts{};
  }
  int probes = 0, set_ups = 0;
};

class ClockJump : public testing::TestWithParam<std::chrono::seconds> {
 protected:
  void set_clock() { clock.set_by += GetParam(); }
  void pass() {
    const auto again = reconciler.reconcile(api.stored);
    ASSERT_TRUE(again) << again.error().text();
    waits = *again;
  }
  void passes_until(WallTime end) {
    while (clock.time < end && api.stored.has_finalizer) {
      ASSERT_NO_FATAL_FAILURE(pass());
      clock.time += std::max(waits, Millis(1));
    }
  }

  test::TwinApi api{test::streaming().pipe};
  CountedDataplane dataplane;
  test::ManualClock clock{test::kNow};
  PipeReconciler reconciler{api, dataplane, clock, "dev"};
  Millis waits{0};
};

TEST_P(ClockJump, LeavesLooksAtTheSourceAsTheyWere) {
  ASSERT_NO_FATAL_FAILURE(pass());
  ASSERT_EQ(dataplane.probes, 1);
  set_clock();
  clock.time += 1s;
  ASSERT_NO_FATAL_FAILURE(pass());
  EXPECT_EQ(dataplane.probes, 1) << "it is not time yet";
  clock.time += kProbeEvery;
  ASSERT_NO_FATAL_FAILURE(pass());
  EXPECT_EQ(dataplane.probes, 2);
}

TEST_P(ClockJump, LeavesWhatIsTriedAgainAsItWas) {
  api.stored = test::fresh().pipe;
  dataplane.run = {};
  dataplane.servers = fail(kAway);
  ASSERT_NO_FATAL_FAILURE(passes_until(clock.time + 60s));
  const auto tried = dataplane.set_ups;
  set_clock();
  ASSERT_NO_FATAL_FAILURE(pass());
  EXPECT_LE(waits, 30s);
  EXPECT_GE(tried + 1, dataplane.set_ups) << "it is not tried all the time";
  ASSERT_NO_FATAL_FAILURE(passes_until(clock.time + 31s));
  EXPECT_GT(dataplane.set_ups, tried);
}

TEST_P(ClockJump, TellsOfASourceThatCannotBeLookedAtWhenItShould) {
  dataplane.servers = fail(kAway);
  ASSERT_NO_FATAL_FAILURE(passes_until(clock.time + 11s));
  set_clock();
  ASSERT_NO_FATAL_FAILURE(passes_until(clock.time + 4s));
  EXPECT_TRUE(api.warnings.empty()) << "it may be back in a moment";
  ASSERT_NO_FATAL_FAILURE(passes_until(clock.time + 20s));
  ASSERT_FALSE(api.warnings.empty());
  EXPECT_EQ(api.warnings.front().first, "SourceUnreachable");
}

TEST_P(ClockJump, LetsADeletedPipeGoAfterTwoMinutesAndNotBefore) {
  ASSERT_NO_FATAL_FAILURE(pass());
  dataplane.servers = fail(kAway);
  api.stored.deleting = true;
  api.stored.deleting_since = clock.time;
  const auto asked_for = clock.time;
  ASSERT_NO_FATAL_FAILURE(passes_until(asked_for + 10s));
  set_clock();
  ASSERT_NO_FATAL_FAILURE(passes_until(asked_for + kReleasePatience));
  EXPECT_TRUE(api.stored.has_finalizer);
  ASSERT_NO_FATAL_FAILURE(passes_until(asked_for + kReleasePatience + 31s));
  EXPECT_FALSE(api.stored.has_finalizer);
}

TEST_P(ClockJump, BetweenADeletionAndARestartLeavesTimeToReleaseTheSource) {
  dataplane.servers = fail(kAway);
  api.stored.deleting = true;
  api.stored.deleting_since = clock.time;
  set_clock();
  const auto started = clock.time;
  ASSERT_NO_FATAL_FAILURE(passes_until(started + 29s));
  EXPECT_TRUE(api.stored.has_finalizer);
  ASSERT_NO_FATAL_FAILURE(passes_until(started + kReleasePatience + 31s));
  EXPECT_FALSE(api.stored.has_finalizer);
}

INSTANTIATE_TEST_SUITE_P(Each, ClockJump,
                         testing::Values(std::chrono::seconds(-7200), std::chrono::seconds(7200)),
                         [](const auto& jump) { return jump.param < 0s ? "Back" : "Ahead"; });

}  // namespace
}  // namespace penstock::reconcile
