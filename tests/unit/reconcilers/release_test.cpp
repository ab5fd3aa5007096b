// A Pipe that is deleted while its source is away: waited for, and then let go with a word.

#include <gmock/gmock.h>

#include "reconcilers/pipe/pipe_reconciler.hpp"
#include "tests/unit/reconcilers/twins.hpp"
#include "tests/unit/reconcilers/world.hpp"

namespace penstock::reconcile {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

const Error kAway{ErrorKind::Transient, "SourceUnreachable", "nobody answers at db:5432", "Start it"};

class Release : public testing::Test {
 protected:
  Release() : api(test::streaming().pipe), clock(test::kNow) {
    api.stored.deleting = true;
    api.stored.deleting_since = test::kNow;
    dataplane.servers = fail(kAway);
  }

  /// Passes as they follow each other until `end`, or until the Pipe is let go.
  void pass_until(WallTime end) {
    while (clock.time < end && api.stored.has_finalizer) {
      const auto again = reconciler.reconcile(api.stored);
      ASSERT_TRUE(again) << again.error().text();
      clock.time += std::max(*again, Millis(1));
    }
  }
  std::vector<std::string> reasons() const {
    std::vector<std::string> out;
    for (const auto& [reason, message] : api.warnings)
      out.push_back(reason);
    return out;
  }

  test::TwinApi api;
  test::TwinDataplane dataplane;
  test::ManualClock clock;
  PipeReconciler reconciler{api, dataplane, clock, "dev"};
};

TEST_F(Release, OfASourceThatIsAwayIsTriedForTwoMinutesAndThenGivenUpWithWhatIsLeftBehind) {
  ASSERT_NO_FATAL_FAILURE(pass_until(test::kNow + kReleasePatience));
  EXPECT_TRUE(api.stored.has_finalizer) << "given up too soon";
  EXPECT_THAT(reasons(), testing::ElementsAre("SourceUnreachable"));
  EXPECT_GE(dataplane.asked.size(), 5U);
  ASSERT_NO_FATAL_FAILURE(pass_until(test::kNow + kReleasePatience + std::chrono::seconds(31)));
  EXPECT_FALSE(api.stored.has_finalizer) << "it hangs for ever";
  ASSERT_THAT(reasons(), testing::ElementsAre("SourceUnreachable", "ReleaseIncomplete"));
  const auto name = own_name(test::kUid, 0);
  EXPECT_THAT(api.warnings.back().second, AllOf(HasSubstr(kAway.message), HasSubstr("slot " + name),
                                                HasSubstr("publication " + name), HasSubstr("by hand")));
}

TEST_F(Release, OfASourceThatComesBackInTimeIsWholeAndSaysNothing) {
  ASSERT_NO_FATAL_FAILURE(pass_until(test::kNow + std::chrono::seconds(60)));
  ASSERT_TRUE(api.stored.has_finalizer);
  dataplane.servers = {};
  api.warnings.clear();
  ASSERT_NO_FATAL_FAILURE(pass_until(test::kNow + kReleasePatience));
  EXPECT_FALSE(api.stored.has_finalizer);
  EXPECT_TRUE(dataplane.asked.back().slot && dataplane.asked.back().publication);
  EXPECT_THAT(reasons(), IsEmpty());
}

}  // namespace
}  // namespace penstock::reconcile
