// What a decision carries beside its state and verb.

#include "tests/unit/reconcilers/plan_cases.hpp"

namespace penstock::reconcile::test {
namespace {

TEST(Plan, LooksForANewSecretEveryTwoSeconds) {
  auto view = fresh();
  view.retries[Concern::Pipe] =
      failed(ErrorKind::NeedsUser, std::chrono::seconds(0), std::chrono::seconds(30));
  EXPECT_EQ(decided<Rest>(view).again, Millis(2000));
  const auto decision = plan(view);
  ASSERT_TRUE(decision.fault);
  EXPECT_EQ(decision.fault->reason, "Reason");
}

TEST(Plan, TryingAgainDoesNotTakeBackWhatIsSaidOfTheFailure) {
  auto view = fresh();
  view.retries[Concern::Pipe] = failed_before(ErrorKind::NeedsUser);
  const auto decision = plan(view);
  ASSERT_TRUE(std::holds_alternative<reconcile::SetUp>(decision.action));
  ASSERT_TRUE(decision.fault);
  EXPECT_EQ(*decision.fault, view.retry(Concern::Pipe)->error);
  EXPECT_EQ(decision.message, "it failed. mend it");
}

TEST(Plan, AChangedSpecBeginsWithoutTheOldFailure) {
  auto view = fresh();
  view.retries[Concern::Pipe] = failed_just_now(ErrorKind::NeedsUser);
  view.pipe.generation = 2;
  const auto decision = plan(view);
  EXPECT_TRUE(std::holds_alternative<reconcile::SetUp>(decision.action));
  EXPECT_FALSE(decision.fault);
}

TEST(Plan, AStreamThatFailedIsNotReadyBeforeItIsConnected) {
  auto view = streaming();
  view.retries[Concern::Pipe] = failed_just_now(ErrorKind::NeedsUser);
  view.run = {};
  view.pipe.generation = 2;  // what failed was changed: it is tried, and nobody has to mend it
  const auto starts = plan(view);
  EXPECT_TRUE(std::holds_alternative<StartStream>(starts.action));
  ASSERT_TRUE(starts.fault);
  EXPECT_EQ(starts.fault->kind, ErrorKind::Transient);

  view.run = streaming().run;
  view.run.stream.connected = false;
  ASSERT_TRUE(plan(view).fault);
  view.run.stream.fingerprint = "of other settings";
  ASSERT_TRUE(plan(view).fault);
  view.run = streaming().run;
  EXPECT_FALSE(plan(view).fault);
}

TEST(Plan, ALoadThatHasNotBegunDoesNotTakeBackWhatIsSaidOfTheOneBefore) {
  auto view = loading();
  view.retries[Concern::Load] = failed_just_now(ErrorKind::NeedsUser);
  ASSERT_TRUE(plan(view).fault);
  EXPECT_EQ(plan(view).message, "it failed. mend it");
  view.run.load.tables = {said_of("public.orders")};
  EXPECT_FALSE(plan(view).fault) << "it reads";
  view.run.load.tables.clear();
  view.pipe.generation = 2;
  EXPECT_FALSE(plan(view).fault) << "what failed was changed";
}

TEST(Plan, TellsWhatARunIsWaitingOut) {
  const Error down{ErrorKind::Transient, "DestinationUnreachable", "down", "start it"};
  auto stream = streaming();
  stream.run.stream.retrying = down;
  auto load = loading();
  load.run.load.retrying = down;
  for (const auto& view : {stream, load}) {
    const auto decision = plan(view);
    ASSERT_TRUE(decision.fault);
    EXPECT_EQ(decision.fault->reason, "DestinationUnreachable");
    EXPECT_EQ(decision.message, "down. start it");
  }
}

TEST(Plan, ALoadNamesItsTables) {
  EXPECT_EQ(plan(loading()).message, "Loading public.orders, public.customers");
  auto view = loading();
  for (const char* name : {"public.a", "public.b"}) {
    view.pipe.spec.tables.push_back(table_spec(name));
    view.pipe.status.tables.push_back(declared(view.pipe.spec.tables.back()));
    view.pipe.status.tables.back().making = false;
  }
  EXPECT_EQ(plan(view).message, "Loading public.orders, public.customers, public.a and 1 more");
}

}  // namespace
}  // namespace penstock::reconcile::test
