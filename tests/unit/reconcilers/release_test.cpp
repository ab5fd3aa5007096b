// A Pipe that is deleted while its source is away: waited for, and then let go with a word.

#include <gmock/gmock.h>

#include "reconcilers/pipe/pipe_reconciler.hpp"
#include "tests/unit/reconcilers/twins.hpp"
#include "tests/unit/reconcilers/world.hpp"

namespace penstock::reconcile {
namespace {

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
  EXPECT_THAT(api.warnings.back().second, HasSubstr(kAway.text())) << "who releases says what is left";
}

TEST_F(Release, DoesWhatItCanWithoutASecretThatIsGone) {
  api.stored.spec.source.password = SecretKeyRef{"postgres", "password"};
  api.stored.spec.destination.password = SecretKeyRef{"clickhouse", "password"};
  api.missing_secret = "postgres";
  ASSERT_NO_FATAL_FAILURE(pass_until(test::kNow + std::chrono::seconds(1)));
  ASSERT_FALSE(dataplane.asked.empty()) << "the destination is there, and so is its Secret";
  ASSERT_TRUE(dataplane.asked.back().no_source);
  EXPECT_EQ(dataplane.asked.back().no_source->reason, "SecretMissing");
  EXPECT_FALSE(dataplane.asked.back().no_destination);
  ASSERT_NO_FATAL_FAILURE(pass_until(test::kNow + kReleasePatience + std::chrono::seconds(31)));
  EXPECT_FALSE(api.stored.has_finalizer);
}

TEST_F(Release, OfAPipeThatNeverGotThroughSetupIsNotWaitedFor) {
  api.stored = test::fresh().pipe;
  api.stored.spec.deletion_policy = DeletionPolicy::Delete;
  ASSERT_NO_FATAL_FAILURE(pass_until(test::kNow + std::chrono::seconds(60)));
  ASSERT_THAT(reasons(), testing::ElementsAre("SourceUnreachable"));
  api.stored.deleting = true;
  const auto asked_for = clock.time;
  ASSERT_NO_FATAL_FAILURE(pass_until(asked_for + std::chrono::seconds(1)));
  EXPECT_FALSE(api.stored.has_finalizer) << "nothing of it was ever made";
  EXPECT_THAT(dataplane.asked, IsEmpty());
  EXPECT_THAT(reasons(), testing::ElementsAre("SourceUnreachable")) << "a slot is named that never was";
}

TEST_F(Release, OfTablesThatASetupWasMakingIsOfTablesAlone) {
  api.stored = test::fresh().pipe;
  api.stored.spec.deletion_policy = DeletionPolicy::Delete;
  api.stored.status.state = PipeState::Setup;
  api.stored.status = with_declared_tables(api.stored);
  api.stored.deleting = true;
  ASSERT_NO_FATAL_FAILURE(pass_until(test::kNow + std::chrono::seconds(1)));
  ASSERT_FALSE(dataplane.asked.empty());
  EXPECT_FALSE(dataplane.asked.back().slot || dataplane.asked.back().publication);
  EXPECT_EQ(dataplane.asked.back().targets.size(), 2U);
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
