// What somebody else writes to the status is put back; what he takes off the Pipe is put on again.

#include <gmock/gmock.h>

#include <functional>

#include "reconcilers/pipe/pipe_reconciler.hpp"
#include "tests/unit/reconcilers/plan_cases.hpp"
#include "tests/unit/reconcilers/twins.hpp"

namespace penstock::reconcile::test {
namespace {

struct Mended : testing::Test {
  Mended() { dataplane.run = streaming().run; }
  void pass() {
    const auto again = reconciler.reconcile(api.stored);
    ASSERT_TRUE(again) << again.error().text();
    last = *again;
  }
  /// A pass, then somebody does this to the status, then a pass.
  void spoil(const std::function<void(PipeStatus&)>& change) {
    pass();
    recorded = api.stored.status;
    change(api.stored.status);
    api.stored.resource_version = "99";
    pass();
  }
  [[nodiscard]] long told() const {
    return std::count_if(api.warnings.begin(), api.warnings.end(),
                         [](const auto& warning) { return warning.first == "StatusPutBack"; });
  }

  TwinApi api{streaming().pipe};
  TwinDataplane dataplane;
  ManualClock clock{kNow};
  PipeReconciler reconciler{api, dataplane, clock, "dev"};
  PipeStatus recorded;
  Millis last{0};
};

TEST_F(Mended, IsWhateverWasSpoilt) {
  const std::vector<std::function<void(PipeStatus&)>> kSpoilt = {
      [](auto& status) { status = {}; },
      [](auto& status) { status.observed_generation = -1, status.state.reset(); },
      [](auto& status) { status.state = PipeState::Failed; },
      [](auto& status) { status.worker = "somebody"; },
      [](auto& status) { status.worker.clear(); },
      [](auto& status) { status.replication.slot = "never_was"; },
      [](auto& status) { status.tables.clear(); },
      [](auto& status) { status.tables[0].state = TableState::Pending; },
      [](auto& status) { status.conditions.clear(); },
      [](auto& status) { status.source.reset(); },
      [](auto& status) {
        status.resync = ResyncStatus{7, ResyncStep::TakeDown, kNow};
      }};
  for (std::size_t at = 0; at < kSpoilt.size(); ++at) {
    clock.time += std::chrono::minutes(10);
    spoil(kSpoilt[at]);
    EXPECT_EQ(api.stored.status, recorded) << at;
    EXPECT_EQ(told(), static_cast<long>(at) + 1);
    EXPECT_TRUE(dataplane.run.stream.connected) << "the stream was stopped for it: " << at;
  }
}

TEST_F(Mended, IsNothingThatAnotherProcessRecorded) {
  spoil([](auto& status) { status.rows = 77, status.revision = "of another process"; });
  EXPECT_EQ(told(), 0);
  spoil([](auto&) {});
  EXPECT_EQ(told(), 0);
}

TEST_F(Mended, IsNotFoughtForForEver) {
  for (int i = 0; i < 50; ++i)
    spoil([](auto& status) { status.message = "mine"; });
  EXPECT_LE(told(), 5);
  EXPECT_EQ(api.stored.status.message, "mine");
  EXPECT_EQ(last, Millis{10'000});
  clock.time += std::chrono::seconds(11);
  pass();
  EXPECT_EQ(api.stored.status.message, "Replicating");
}

TEST_F(Mended, IsAFinalizerThatWasTakenOffAPipeThatRuns) {
  pass();
  recorded = api.stored.status;
  api.stored.has_finalizer = false;
  api.stored.finalizers.clear();
  pass();
  EXPECT_TRUE(api.stored.has_finalizer);
  EXPECT_EQ(api.stored.status, recorded) << "it was sent through Provisioning";
}

TEST(PlanFailed, IsRecomputedWhereNobodyOfUsHasRecordedWhy) {
  auto view = without_run(streaming());
  view.pipe.status.state = PipeState::Failed;
  EXPECT_STREQ(plan(view).rule, "keep_streaming");
  view.pipe.status.conditions = {{"Stalled", true, "SlotLost", "it is gone", 1, {}}};
  EXPECT_STREQ(plan(view).rule, "stay_failed");
}

}  // namespace
}  // namespace penstock::reconcile::test
