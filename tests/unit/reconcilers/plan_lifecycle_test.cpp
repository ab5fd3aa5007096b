// Taking over and letting go, Setup, the slot, failure.

#include "tests/unit/reconcilers/plan_cases.hpp"

namespace penstock::reconcile::test {
namespace {

View deleted(View view) {
  view.pipe.deleting = true;
  view.pipe.deleting_since = kNow;
  return view;
}

View deleted_and_stuck(std::chrono::seconds since) {
  auto view = deleted(streaming());
  view.deleting_for = since;
  view.retries[Concern::Release] = failed_just_now(ErrorKind::Transient);
  return view;
}

View with_retry(View view, Retry retry) {
  view.retries[Concern::Pipe] = std::move(retry);
  return view;
}

View cut_off_in_setup() {
  return with(fresh(), [](View& v) {
    v.pipe.status.state = PipeState::Setup;
    v.pipe.status = with_declared_tables(v.pipe);
  });
}

const Error kSecretMissing{ErrorKind::NeedsUser, "SecretMissing", "no", "make"};

TEST(PlanDeletion, DecidesEachCase) {
  expect_decisions({
      {"lets go of the source first", deleted(streaming()), PipeState::Running, "Release",
       "release_when_deleted"},
      {"what touched nothing needs no database",
       with(deleted(fresh()), [](View& v) { v.credentials_missing = kSecretMissing; }),
       PipeState::Provisioning, "RemoveFinalizer", "release_when_deleted"},
      {"after a crash in Setup there may be tables, which are to go",
       with(deleted(cut_off_in_setup()),
            [](View& v) { v.pipe.spec.deletion_policy = DeletionPolicy::Delete; }),
       PipeState::Setup, "Release", "release_when_deleted"},
      {"after a crash in Setup and a pause as well",
       with(deleted(cut_off_in_setup()),
            [](View& v) {
              v.pipe.status.state = PipeState::Paused;
              v.pipe.spec.deletion_policy = DeletionPolicy::Delete;
            }),
       PipeState::Paused, "Release", "release_when_deleted"},
      {"tables of a Setup that never came through are given back", deleted(cut_off_in_setup()),
       PipeState::Setup, "Release", "release_when_deleted"},
      {"and hold nobody up if that fails",
       with(deleted(cut_off_in_setup()),
            [](View& v) { v.retries[Concern::Release] = failed_just_now(ErrorKind::Transient); }),
       PipeState::Setup, "RemoveFinalizer", "release_when_deleted"},
      {"Setup that could not begin has touched nothing",
       with(deleted(fresh()),
            [](View& v) {
              v.pipe.status.state = PipeState::Setup;
              v.credentials_missing = kSecretMissing;
            }),
       PipeState::Setup, "RemoveFinalizer", "release_when_deleted"},
      {"in a resync, before its slot is made", deleted(resyncing(ResyncStep::TakeDown)), PipeState::Setup,
       "Release", "release_when_deleted"},
      {"comes before the end of a swap",
       with(deleted(ready_to_swap()), [](View& v) { v.pipe.status.state = PipeState::Resync; }),
       PipeState::Resync, "Release", "release_when_deleted"},
      {"what failed for good before holds nobody up",
       with_retry(deleted(streaming()),
                  Retry{3, {ErrorKind::Terminal, "SlotLost", "", ""}, SteadyTime::max(), 1, kLoadPrint}),
       PipeState::Running, "Release", "release_when_deleted"},
      {"waits for a database that is gone", deleted_and_stuck(std::chrono::seconds(60)), PipeState::Running,
       "Rest", "release_when_deleted"},
      {"never hangs for ever", deleted_and_stuck(std::chrono::seconds(121)), PipeState::Running,
       "RemoveFinalizer", "release_when_deleted"},
      {"without our finalizer it is nobody's business",
       with(deleted(streaming()), [](View& v) { v.pipe.has_finalizer = false; }), PipeState::Running, "Rest",
       "release_when_deleted"},
  });
}

TEST(PlanDeletion, ReleasesOnlyWhatIsOurs) {
  auto view = deleted(streaming());
  view.pipe.status.replication.owns_slot = false;
  view.pipe.status.replication.owns_publication = false;
  const auto wish = decided<Release>(view).wish;
  EXPECT_FALSE(wish.slot);
  EXPECT_FALSE(wish.publication);
  EXPECT_TRUE(wish.targets.empty());
  EXPECT_THAT(wish.staging, testing::UnorderedElementsAre("orders", "customers"));
}

TEST(PlanDeletion, TargetsGoOnlyWhenAsked) {
  auto view = deleted(streaming());
  EXPECT_THAT(decided<Release>(view).wish.targets, testing::IsEmpty());
  EXPECT_THAT(decided<Release>(view).wish.give_back, testing::UnorderedElementsAre("orders", "customers"));
  view.pipe.spec.deletion_policy = DeletionPolicy::Delete;
  EXPECT_THAT(decided<Release>(view).wish.targets, testing::UnorderedElementsAre("orders", "customers"));
  view.pipe.spec.tables.pop_back();
  EXPECT_THAT(decided<Release>(view).wish.targets, testing::UnorderedElementsAre("orders", "customers"))
      << "one that was to be taken out, too";
}

TEST(PlanDeletion, StagingTablesOfSpecAndStatusGo) {
  auto view = deleted(streaming());
  view.pipe.spec.tables[0].target = "orders2";
  EXPECT_THAT(decided<Release>(view).wish.staging,
              testing::UnorderedElementsAre("orders", "customers", "orders2"));
}

TEST(PlanProvisioning, DecidesEachCase) {
  expect_decisions({
      {"a new pipe is adopted",
       with(fresh(),
            [](View& v) {
              v.pipe.has_finalizer = false;
              v.pipe.status.worker.clear();
            }),
       PipeState::Provisioning, "AddFinalizer", "adopt_before_touching_anything"},
      {"an adopted pipe waits for a worker", with(fresh(), [](View& v) { v.pipe.status.worker.clear(); }),
       PipeState::Provisioning, "Rest", "wait_for_a_worker"},
      {"paused while its slot is being made, it has that stopped",
       with(ready_to_load(),
            [](View& v) {
              v.pipe.spec.paused = true;
              v.pipe.status.replication.start_lsn.clear();
              v.run.slot_in_hand = true;
            }),
       PipeState::Paused, "StopRuns", "honour_pause"},
      {"created paused touches nothing", with(fresh(), [](View& v) { v.pipe.spec.paused = true; }),
       PipeState::Paused, "Rest", "honour_pause"},
  });
}

TEST(PlanSetup, TakesDownWhatAnEarlierOneMadeInVain) {
  auto view = fresh();
  view.pipe.status = with_declared_tables(view.pipe);
  view.pipe.spec.tables[0].target = "other";
  EXPECT_STREQ(plan(view).rule, "set_up_before_loading") << "targets stay";
  view.pipe.spec.deletion_policy = DeletionPolicy::Delete;
  const auto verb = decided<RemoveTables>(view);
  EXPECT_THAT(verb.sources, testing::ElementsAre("public.orders"));
  EXPECT_FALSE(verb.publication) << "there is none yet";
  view.pipe.status = without_tables(view.pipe, verb.sources);
  EXPECT_STREQ(plan(view).rule, "set_up_before_loading");
}

TEST(PlanSetup, DecidesEachCase) {
  expect_decisions({
      {"a placed pipe is set up", fresh(), PipeState::Setup, "SetUp", "set_up_before_loading"},
      {"what runs though the status was lost is ended first",
       with(fresh(), [](View& v) { v.run.stream = active_stream(); }), PipeState::Setup, "StopRuns",
       "set_up_before_loading"},
      {"it waits for its Secret",
       with(fresh(),
            [](View& v) {
              v.credentials_missing = kSecretMissing;
              v.fingerprint = {};
            }),
       PipeState::Setup, "Rest", "set_up_before_loading"},
      {"what failed waits its time", with_retry(fresh(), failed_just_now(ErrorKind::NeedsUser)),
       PipeState::Setup, "Rest", "set_up_before_loading"},
      {"what failed is tried again in time", with_retry(fresh(), failed_before(ErrorKind::NeedsUser)),
       PipeState::Setup, "SetUp", "set_up_before_loading"},
      {"a changed spec is tried at once",
       with(with_retry(fresh(), failed_just_now(ErrorKind::NeedsUser)),
            [](View& v) { v.pipe.generation = 2; }),
       PipeState::Setup, "SetUp", "set_up_before_loading"},
      {"changed credentials are tried at once",
       with(with_retry(fresh(), failed_just_now(ErrorKind::NeedsUser)),
            [](View& v) {
              v.fingerprint = {"l2", "s2"};
            }),
       PipeState::Setup, "SetUp", "set_up_before_loading"},
      {"the slot comes before the first row",
       with(ready_to_load(), [](View& v) { v.pipe.status.replication.start_lsn.clear(); }),
       PipeState::Snapshot, "CreateSlot", "a_slot_before_the_first_row"},
      {"and after what is left of a former run",
       with(ready_to_load(),
            [](View& v) {
              v.pipe.status.replication.start_lsn.clear();
              v.run.load = active_load();
            }),
       PipeState::Snapshot, "StopRuns", "a_slot_before_the_first_row"},
      {"CDCOnly makes its slot in Setup",
       with(ready_to_load(),
            [](View& v) {
              v.pipe.spec.mode = Mode::CdcOnly;
              v.pipe.status.replication.start_lsn.clear();
            }),
       PipeState::Setup, "CreateSlot", "a_slot_before_the_first_row"},
      {"a slot of the user's is not made",
       with(ready_to_load(),
            [](View& v) {
              v.pipe.spec.mode = Mode::CdcOnly;
              v.pipe.status.replication.start_lsn.clear();
              v.pipe.status.replication.owns_slot = false;
              v.pipe.status.replication.owns_publication = false;
            }),
       PipeState::Running, "StartStream", "keep_streaming"},
  });
}

TEST(PlanFailure, IsToldFromTheMomentWhatRunsIsStopped) {
  const auto terminal = failed_just_now(ErrorKind::Terminal);
  const auto decision =
      plan(with(with_retry(without_run(streaming()), terminal), [](View& v) { v.run.load = active_load(); }));
  ASSERT_TRUE(decision.fault.has_value());
  EXPECT_EQ(decision.fault->reason, terminal.error.reason);
}

TEST(PlanFailure, DecidesEachCase) {
  const auto terminal = failed_just_now(ErrorKind::Terminal);
  const auto recorded = with(without_run(streaming()), make_failed);
  expect_decisions({
      {"what no waiting cures fails the pipe", with_retry(without_run(streaming()), terminal),
       PipeState::Failed, "Rest", "stay_failed"},
      {"what runs beside it is stopped",
       with(with_retry(without_run(streaming()), terminal), [](View& v) { v.run.load = active_load(); }),
       PipeState::Failed, "StopRuns", "stay_failed"},
      {"a load that fails for good fails the pipe",
       with(ready_to_load(),
            [&](View& v) { v.retries[Concern::Load] = failed_just_now(ErrorKind::Terminal); }),
       PipeState::Failed, "Rest", "stay_failed"},
      {"failed stays failed over a restart", recorded, PipeState::Failed, "Rest", "stay_failed"},
      {"a changed spec is a new chance", with(recorded, [](View& v) { v.pipe.generation = 2; }),
       PipeState::Running, "StartStream", "keep_streaming"},
      {"failed is not paused away", with(recorded, [](View& v) { v.pipe.spec.paused = true; }),
       PipeState::Failed, "Rest", "stay_failed"},
      {"a chance for a paused pipe: nothing is read before it is unpaused",
       with(recorded,
            [](View& v) {
              v.pipe.generation = 2;
              v.pipe.spec.paused = true;
            }),
       PipeState::Paused, "Rest", "honour_pause"},
      {"a place that is lost fails a paused pipe",
       with(with_retry(without_run(streaming()), terminal), [](View& v) { v.pipe.spec.paused = true; }),
       PipeState::Failed, "Rest", "stay_failed"},
      {"a resync that cannot begin fails nothing",
       with(without_run(streaming()),
            [](View& v) {
              v.pipe.spec.resync_generation = 1;
              v.retries[Concern::Resync] = failed_just_now(ErrorKind::Terminal);
            }),
       PipeState::Running, "StartStream", "keep_streaming"},
  });
}

}  // namespace
}  // namespace penstock::reconcile::test
