// A probe that goes on beside the passes, and servers that hang.

#include <gtest/gtest.h>

#include "reconcilers/pipe/pipe_reconciler.hpp"
#include "reconcilers/pipe/view.hpp"
#include "tests/unit/reconcilers/twins.hpp"
#include "tests/unit/reconcilers/world.hpp"

namespace penstock::reconcile {
namespace {

using namespace std::chrono_literals;

/// A dataplane whose probe goes on until it is given an answer.
struct LongProbe final : test::TwinDataplane {
  LongProbe() { run.stream = test::active_stream(); }
  Result<std::optional<ProbeFacts>> probe(const Pipe& /*pipe*/, const Credentials& /*credentials*/) override {
    ++calls;
    run.probing = !answer;
    if (!answer) return std::nullopt;
    return *std::exchange(answer, std::nullopt);
  }
  std::optional<Result<std::optional<ProbeFacts>>> answer;
  int calls = 0;
};

class ProbeBeside : public testing::Test {
 protected:
  void pass() { ASSERT_TRUE(reconciler.reconcile(api.stored)); }
  /// The probe that goes on ends so.
  void ends(Result<std::optional<ProbeFacts>> answer) {
    dataplane.answer = std::move(answer);
    dataplane.run.probing = false;
    pass();
  }
  [[nodiscard]] std::string ready() const {
    for (const auto& condition : api.stored.status.conditions)
      if (condition.type == "Ready") return condition.reason;
    return "";
  }
  static Result<std::optional<ProbeFacts>> hangs() {
    return fail(ErrorKind::Transient, "DestinationUnreachable", "nothing has come for 10 s");
  }

  test::TwinApi api{test::streaming().pipe};
  test::ManualClock clock{test::kNow};
  LongProbe dataplane;
  PipeReconciler reconciler{api, dataplane, clock, "dev"};
};

TEST_F(ProbeBeside, IsNotBegunAgainWhileItGoesOn) {
  pass();
  clock.time += kProbeEvery + 1s;
  pass();
  EXPECT_EQ(dataplane.calls, 1);
}

TEST_F(ProbeBeside, HoldsUpNoPause) {
  pass();
  api.stored.spec.paused = true;
  ++api.stored.generation;
  pass();
  EXPECT_EQ(api.stored.status.state, PipeState::Paused);
}

TEST_F(ProbeBeside, TellsWhenItHasEnded) {
  pass();
  ProbeFacts facts;
  facts.timeline = 7;
  ends(facts);
  EXPECT_EQ(api.stored.status.source->timeline, 7);
}

TEST_F(ProbeBeside, OfAServerThatHangsIsToldOfTheFirstTime) {
  pass();
  ends(ProbeFacts{});
  clock.time += kProbeEvery;
  pass();
  clock.time += 10s;
  ends(hangs());
  EXPECT_EQ(ready(), "ProgressingWithRetry") << "20 s have passed since the last answer";
}

TEST_F(ProbeBeside, OfAServerThatIsAwayForAMomentIsNotToldOf) {
  pass();
  ends(ProbeFacts{});
  clock.time += kProbeEvery;
  pass();
  ends(hangs());
  EXPECT_EQ(ready(), "Running");
}

TEST_F(ProbeBeside, ThatFailsAfterALongTimeWithoutOneIsNotToldOfAtOnce) {
  pass();
  ends(ProbeFacts{});
  clock.time += 600s;
  pass();
  ends(hangs());
  EXPECT_EQ(ready(), "Running");
}

/// Whose calls end because the Pipe was changed meanwhile.
struct Interrupted final : test::TwinDataplane {
  Result<SetupFacts> set_up(const Pipe& /*pipe*/, const Credentials& /*credentials*/,
                            const SetupWish& /*wish*/) override {
    return fail(ErrorKind::Cancelled, "Cancelled", "validating was cancelled");
  }
};

TEST(InterruptedCall, IsNoFailureOfThePipe) {
  Pipe pipe = test::streaming().pipe;
  pipe.status = {};
  pipe.status.state = PipeState::Setup;
  pipe.status.worker = "dev";
  test::TwinApi api(pipe);
  test::ManualClock clock(test::kNow);
  Interrupted dataplane;
  PipeReconciler reconciler(api, dataplane, clock, "dev");
  const auto again = reconciler.reconcile(api.stored);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, ErrorKind::Cancelled);
  EXPECT_TRUE(api.warnings.empty());
  EXPECT_EQ(api.stored.status.message.find("cancelled"), std::string::npos) << api.stored.status.message;
}

}  // namespace
}  // namespace penstock::reconcile
