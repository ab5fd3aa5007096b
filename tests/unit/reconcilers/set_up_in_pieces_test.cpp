// A pipe of more tables than can be made in the time of a pass.

#include <gmock/gmock.h>

#include "reconcilers/pipe/pipe_reconciler.hpp"
#include "tests/unit/reconcilers/twins.hpp"
#include "tests/unit/reconcilers/world.hpp"

namespace penstock::reconcile {
namespace {

using namespace std::chrono_literals;

/// Makes one table at a call, which takes longer than a pass should.
struct SlowToMake final : test::TwinDataplane {
  explicit SlowToMake(test::ManualClock& its_clock) : clock(its_clock) {}
  Result<SetupFacts> set_up(const Pipe& /*pipe*/, const Credentials& /*credentials*/,
                            const SetupWish& wish) override {
    SetupFacts out;
    out.source = SourceIdentity{"42", 1, "shop"};
    if (!wish.make) return out;
    clock.time += 1100ms;
    asked_for.push_back(wish.tables);
    out.tables.push_back({wish.tables.front(), 0, 1, false});
    out.complete = wish.tables.size() == 1;
    return out;
  }
  test::ManualClock& clock;
  std::vector<std::vector<std::string>> asked_for;
};

TEST(SetUpInPieces, EndsEachPassAndGoesOnWithWhatIsLeft) {
  test::TwinApi api(test::fresh().pipe);
  test::ManualClock clock(test::kNow);
  SlowToMake dataplane(clock);
  PipeReconciler reconciler(api, dataplane, clock, "dev");

  const auto first = reconciler.reconcile(api.stored);
  ASSERT_TRUE(first) << first.error().text();
  EXPECT_LE(*first, 100ms) << "it goes on at once";
  EXPECT_GT(*first, 0ms);
  EXPECT_FALSE(api.stored.status.source) << "it is not through";
  EXPECT_FALSE(api.stored.status.tables.at(0).making);
  EXPECT_TRUE(api.stored.status.tables.at(1).making);
  EXPECT_EQ(api.stored.status.state, PipeState::Setup);

  ASSERT_TRUE(reconciler.reconcile(api.stored));
  EXPECT_TRUE(api.stored.status.source);
  EXPECT_FALSE(api.stored.status.tables.at(1).making);
  EXPECT_THAT(dataplane.asked_for,
              testing::ElementsAre(testing::SizeIs(2), testing::ElementsAre("public.customers")));
  EXPECT_TRUE(api.warnings.empty());
}

}  // namespace
}  // namespace penstock::reconcile
