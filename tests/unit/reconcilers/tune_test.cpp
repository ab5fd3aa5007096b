// Settings that a run takes up while it goes on.

#include <gmock/gmock.h>

#include "reconcilers/pipe/pipe_reconciler.hpp"
#include "tests/unit/reconcilers/twins.hpp"
#include "tests/unit/reconcilers/world.hpp"

namespace penstock::reconcile {
namespace {

TEST(Tune, IsDoneWithTheManifestOfEveryPass) {
  test::TwinApi api(test::streaming().pipe);
  test::TwinDataplane dataplane;
  const test::ManualClock clock(test::kNow);
  PipeReconciler reconciler(api, dataplane, clock, "dev");
  for (const Millis interval : {Millis(20), Millis(3000)}) {
    api.stored.spec.sync.interval = interval;
    ASSERT_TRUE(reconciler.reconcile(api.stored));
    EXPECT_EQ(dataplane.tuned.back(), interval);
  }
}

}  // namespace
}  // namespace penstock::reconcile
