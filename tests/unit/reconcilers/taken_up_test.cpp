// That a spec is observed means that what runs is by it.

#include "tests/unit/reconcilers/plan_cases.hpp"

namespace penstock::reconcile::test {
namespace {

/// Something of the connection was changed.
View changed() {
  auto view = streaming();
  view.pipe.generation = 2;
  view.fingerprint = {"l2", "s2"};
  return view;
}

View without_secret(View view) {
  view.fingerprint = {};
  view.credentials_missing = Error{ErrorKind::NeedsUser, "SecretMissing", "there is none", "make it"};
  return view;
}

TEST(TakenUp, IsASpecThatIsAsItWas) {
  EXPECT_TRUE(plan(streaming()).taken_up);
  EXPECT_TRUE(plan(without_secret(streaming())).taken_up) << "what runs is by this spec";
  EXPECT_FALSE(plan(without_secret(streaming())).fault);
  EXPECT_TRUE(plan(without_run(streaming())).taken_up);
}

TEST(TakenUp, IsNotYetASpecWhoseFormerSettingsRun) {
  const auto decision = plan(changed());
  EXPECT_STREQ(decision.rule, "stop_what_runs_on_old_settings");
  EXPECT_FALSE(decision.taken_up);
}

TEST(TakenUp, IsNotASpecWhoseSecretIsMissingAndTheFormerSettingsGoOn) {
  const auto decision = plan(without_secret(changed()));
  EXPECT_EQ(decision.state, PipeState::Running);
  EXPECT_STREQ(name_of(decision.action), "Rest") << "what streams is left alone";
  EXPECT_FALSE(decision.taken_up);
  ASSERT_TRUE(decision.fault);
  EXPECT_EQ(decision.fault->reason, "SecretMissing");
  EXPECT_THAT(decision.message, testing::HasSubstr("generation 2 is not in force, what ran before goes on"));
}

TEST(TakenUp, IsNotASpecWhoseLoadGoesOnWithTheFormerSettings) {
  auto view = loading();
  view.pipe.generation = 2;
  const auto decision = plan(without_secret(view));
  EXPECT_FALSE(decision.taken_up);
  ASSERT_TRUE(decision.fault);
  EXPECT_EQ(decision.fault->reason, "SecretMissing");
}

TEST(TakenUp, IsASpecOnceItsStreamRuns) {
  auto view = changed();
  view.run.stream.fingerprint = "s2";
  EXPECT_TRUE(plan(view).taken_up);
  view.run.stream.connected = false;
  EXPECT_FALSE(plan(view).taken_up) << "source or destination may be dead";
  view.run.stream.retrying = Error{ErrorKind::Transient, "DestinationUnreachable", "no answer", ""};
  const auto decision = plan(view);
  EXPECT_FALSE(decision.taken_up);
  EXPECT_EQ(decision.fault, view.run.stream.retrying);
  EXPECT_FALSE(plan(without_run(changed())).taken_up) << "it is still to be started";
}

TEST(TakenUp, IsAPauseThoughTheSecretIsMissing) {
  auto view = without_secret(without_run(changed()));
  view.pipe.spec.paused = true;
  EXPECT_TRUE(plan(view).taken_up);
  EXPECT_EQ(plan(view).state, PipeState::Paused);
}

TEST(TakenUp, IsASpecThatFailsForGood) {
  auto view = without_run(changed());
  view.retries[Concern::Pipe] = failed_just_now(ErrorKind::Terminal);
  view.retries[Concern::Pipe].generation = 2;
  view.retries[Concern::Pipe].fingerprint = "l2";
  view.retries[Concern::Pipe].next = SteadyTime::max();
  EXPECT_EQ(plan(view).state, PipeState::Failed);
  EXPECT_TRUE(plan(view).taken_up) << "or who waits for it would wait for ever";
}

}  // namespace
}  // namespace penstock::reconcile::test
