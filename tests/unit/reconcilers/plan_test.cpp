#include "reconcilers/pipe/plan.hpp"

#include <gmock/gmock.h>

#include <functional>

#include "tests/unit/reconcilers/world.hpp"

namespace penstock::reconcile {
namespace {

using test::fresh;
using test::kNow;
using test::loading;
using test::ready_to_load;
using test::streaming;
using test::without_run;

struct Case {
  const char* name;
  View view;
  PipeState state;
  const char* verb;
  const char* rule;
};

View with(View view, const std::function<void(View&)>& change) {
  change(view);
  return view;
}

Retry failed(ErrorKind kind, std::chrono::seconds ago, std::chrono::seconds wait) {
  return {1, {kind, "Reason", "it failed", "mend it"}, kNow - ago + wait, 1, "f1"};
}

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      // --- deletion
      {"deleting lets go of the source first",
       with(streaming(),
            [](View& v) {
              v.pipe.deleting = true;
              v.pipe.deleting_since = kNow;
            }),
       PipeState::Running, "Release", "release_when_deleted"},
      {"deleting what touched nothing needs no database",
       with(fresh(),
            [](View& v) {
              v.pipe.deleting = true;
              v.credentials_missing = Error{ErrorKind::NeedsUser, "SecretMissing", "", ""};
            }),
       PipeState::Provisioning, "RemoveFinalizer", "release_when_deleted"},
      {"deleting after a crash in Setup takes down tables that may be there",
       with(fresh(),
            [](View& v) {
              v.pipe.deleting = true;
              v.pipe.deleting_since = kNow;
              v.pipe.status.state = PipeState::Setup;
              v.pipe.spec.deletion_policy = DeletionPolicy::Delete;
            }),
       PipeState::Setup, "Release", "release_when_deleted"},
      {"deleting waits for a database that is gone",
       with(streaming(),
            [](View& v) {
              v.pipe.deleting = true;
              v.pipe.deleting_since = kNow - std::chrono::seconds(60);
              v.retry = failed(ErrorKind::Transient, std::chrono::seconds(0), std::chrono::seconds(9));
            }),
       PipeState::Running, "Rest", "release_when_deleted"},
      {"deleting never hangs for ever",
       with(streaming(),
            [](View& v) {
              v.pipe.deleting = true;
              v.pipe.deleting_since = kNow - std::chrono::seconds(121);
              v.retry = failed(ErrorKind::Transient, std::chrono::seconds(0), std::chrono::seconds(9));
            }),
       PipeState::Running, "RemoveFinalizer", "release_when_deleted"},
      {"deleting without our finalizer is nobody's business",
       with(streaming(),
            [](View& v) {
              v.pipe.deleting = true;
              v.pipe.has_finalizer = false;
            }),
       PipeState::Running, "Rest", "release_when_deleted"},
      // --- provisioning
      {"a new pipe is adopted",
       with(fresh(),
            [](View& v) {
              v.pipe.has_finalizer = false;
              v.pipe.status.worker.clear();
            }),
       PipeState::Provisioning, "AddFinalizer", "adopt_before_touching_anything"},
      {"an adopted pipe waits for a worker", with(fresh(), [](View& v) { v.pipe.status.worker.clear(); }),
       PipeState::Provisioning, "Rest", "wait_for_a_worker"},
      {"created paused touches nothing", with(fresh(), [](View& v) { v.pipe.spec.paused = true; }),
       PipeState::Paused, "Rest", "honour_pause"},
      // --- setup
      {"a placed pipe is set up", fresh(), PipeState::Setup, "SetUp", "set_up_before_loading"},
      {"setup waits for its Secret",
       with(fresh(),
            [](View& v) {
              v.credentials_missing = Error{ErrorKind::NeedsUser, "SecretMissing", "no", "make"};
              v.fingerprint.clear();
            }),
       PipeState::Setup, "Rest", "set_up_before_loading"},
      {"setup that failed waits its time",
       with(fresh(),
            [](View& v) {
              v.retry = failed(ErrorKind::NeedsUser, std::chrono::seconds(1), std::chrono::seconds(30));
            }),
       PipeState::Setup, "Rest", "set_up_before_loading"},
      {"setup that failed is tried again in time",
       with(fresh(),
            [](View& v) {
              v.retry = failed(ErrorKind::NeedsUser, std::chrono::seconds(31), std::chrono::seconds(30));
            }),
       PipeState::Setup, "SetUp", "set_up_before_loading"},
      {"a changed spec is tried at once",
       with(fresh(),
            [](View& v) {
              v.retry = failed(ErrorKind::NeedsUser, std::chrono::seconds(1), std::chrono::seconds(30));
              v.pipe.generation = 2;
            }),
       PipeState::Setup, "SetUp", "set_up_before_loading"},
      {"changed credentials are tried at once",
       with(fresh(),
            [](View& v) {
              v.retry = failed(ErrorKind::NeedsUser, std::chrono::seconds(1), std::chrono::seconds(30));
              v.fingerprint = "f2";
            }),
       PipeState::Setup, "SetUp", "set_up_before_loading"},
      // --- slot and load
      {"the slot comes before the first row",
       with(ready_to_load(), [](View& v) { v.pipe.status.replication.start_lsn.clear(); }),
       PipeState::Snapshot, "CreateSlot", "a_slot_before_the_first_row"},
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
            }),
       PipeState::Running, "StartStream", "keep_streaming"},
      {"a slot and no rows: load", ready_to_load(), PipeState::Snapshot, "StartLoad", "load_what_is_left"},
      {"SnapshotOnly loads without a slot",
       with(ready_to_load(),
            [](View& v) {
              v.pipe.spec.mode = Mode::SnapshotOnly;
              v.pipe.status.replication = {};
            }),
       PipeState::Snapshot, "StartLoad", "load_what_is_left"},
      {"a load goes on", loading(), PipeState::Snapshot, "Rest", "load_what_is_left"},
      {"one table left is still a load",
       with(ready_to_load(), [](View& v) { v.pipe.status.tables[0].state = TableState::CatchingUp; }),
       PipeState::Snapshot, "StartLoad", "load_what_is_left"},
      {"a load that was stopped half-way is started again",
       with(loading(), [](View& v) { v.run.ended = true; }), PipeState::Snapshot, "StartLoad",
       "load_what_is_left"},
      {"everything loaded: stream",
       with(loading(),
            [](View& v) {
              v.run.ended = true;
              for (auto& t : v.pipe.status.tables)
                t.state = TableState::CatchingUp;
            }),
       PipeState::Running, "StartStream", "keep_streaming"},
      {"everything loaded without a stream: done",
       with(without_run(streaming()),
            [](View& v) {
              v.pipe.spec.mode = Mode::SnapshotOnly;
              for (auto& t : v.pipe.status.tables)
                t.state = TableState::Completed;
            }),
       PipeState::Completed, "Rest", "complete_a_load_without_a_stream"},
      {"a completed pipe forgets its run",
       with(loading(),
            [](View& v) {
              v.pipe.spec.mode = Mode::SnapshotOnly;
              v.run.ended = true;
              for (auto& t : v.pipe.status.tables)
                t.state = TableState::Completed;
            }),
       PipeState::Completed, "StopRun", "complete_a_load_without_a_stream"},
      // --- stream
      {"streaming rests", streaming(), PipeState::Running, "Rest", "keep_streaming"},
      {"a stream that ended is started again", with(streaming(), [](View& v) { v.run.ended = true; }),
       PipeState::Running, "StartStream", "keep_streaming"},
      {"a stream that failed waits",
       with(without_run(streaming()),
            [](View& v) {
              v.retry = failed(ErrorKind::Transient, std::chrono::seconds(0), std::chrono::seconds(5));
            }),
       PipeState::Running, "Rest", "keep_streaming"},
      {"old settings are stopped", with(streaming(), [](View& v) { v.fingerprint = "f2"; }),
       PipeState::Running, "StopRun", "stop_what_runs_on_old_settings"},
      {"and waited for",
       with(streaming(),
            [](View& v) {
              v.fingerprint = "f2";
              v.run.stopping = true;
            }),
       PipeState::Running, "Rest", "stop_what_runs_on_old_settings"},
      {"an unreadable Secret stops no stream",
       with(streaming(),
            [](View& v) {
              v.fingerprint.clear();
              v.credentials_missing = Error{ErrorKind::Transient, "", "", ""};
            }),
       PipeState::Running, "Rest", "keep_streaming"},
      // --- pause
      {"pausing stops the stream", with(streaming(), [](View& v) { v.pipe.spec.paused = true; }),
       PipeState::Pausing, "StopRun", "honour_pause"},
      {"pausing waits for what is in flight",
       with(streaming(),
            [](View& v) {
              v.pipe.spec.paused = true;
              v.run.stopping = true;
            }),
       PipeState::Pausing, "Rest", "honour_pause"},
      {"stopped is paused",
       with(streaming(),
            [](View& v) {
              v.pipe.spec.paused = true;
              v.run.ended = true;
            }),
       PipeState::Paused, "StopRun", "honour_pause"},
      {"paused rests", with(without_run(streaming()), [](View& v) { v.pipe.spec.paused = true; }),
       PipeState::Paused, "Rest", "honour_pause"},
      {"pausing a load keeps what is done", with(loading(), [](View& v) { v.pipe.spec.paused = true; }),
       PipeState::Pausing, "StopRun", "honour_pause"},
      {"unpaused goes on streaming",
       with(without_run(streaming()), [](View& v) { v.pipe.status.state = PipeState::Paused; }),
       PipeState::Running, "StartStream", "keep_streaming"},
      {"unpaused goes on loading",
       with(ready_to_load(), [](View& v) { v.pipe.status.state = PipeState::Paused; }), PipeState::Snapshot,
       "StartLoad", "load_what_is_left"},
      {"pausing needs no database",
       with(without_run(streaming()),
            [](View& v) {
              v.pipe.spec.paused = true;
              v.retry = failed(ErrorKind::Transient, std::chrono::seconds(0), std::chrono::seconds(5));
            }),
       PipeState::Paused, "Rest", "honour_pause"},
      {"a completed pipe stays completed when paused",
       with(without_run(streaming()),
            [](View& v) {
              v.pipe.spec.mode = Mode::SnapshotOnly;
              v.pipe.spec.paused = true;
              for (auto& t : v.pipe.status.tables)
                t.state = TableState::Completed;
            }),
       PipeState::Completed, "Rest", "complete_a_load_without_a_stream"},
      // --- failure
      {"what no waiting cures fails the pipe",
       with(without_run(streaming()),
            [](View& v) {
              v.retry = failed(ErrorKind::Terminal, std::chrono::seconds(0), std::chrono::hours(1));
            }),
       PipeState::Failed, "Rest", "stay_failed"},
      {"failed stays failed over a restart",
       with(without_run(streaming()),
            [](View& v) {
              v.pipe.status.state = PipeState::Failed;
              v.pipe.status.message = "slot lost";
            }),
       PipeState::Failed, "Rest", "stay_failed"},
      {"a changed spec is a new chance",
       with(without_run(streaming()),
            [](View& v) {
              v.pipe.status.state = PipeState::Failed;
              v.pipe.generation = 2;
            }),
       PipeState::Running, "StartStream", "keep_streaming"},
      {"failed is not paused away",
       with(without_run(streaming()),
            [](View& v) {
              v.pipe.status.state = PipeState::Failed;
              v.pipe.spec.paused = true;
            }),
       PipeState::Failed, "Rest", "stay_failed"},
  };
  return all;
}

TEST(Plan, DecidesEachCase) {
  for (const auto& one : cases()) {
    const auto decision = plan(one.view);
    EXPECT_EQ(to_text(decision.state), std::string(to_text(one.state))) << one.name;
    EXPECT_STREQ(name_of(decision.action), one.verb) << one.name;
    EXPECT_STREQ(decision.rule, one.rule) << one.name;
  }
}

TEST(Plan, IsPure) {
  for (const auto& one : cases()) {
    const auto first = plan(one.view), second = plan(one.view);
    EXPECT_EQ(first.message, second.message) << one.name;
    EXPECT_EQ(first.fault, second.fault) << one.name;
    EXPECT_EQ(first.action.index(), second.action.index()) << one.name;
  }
}

TEST(Plan, TheSlotIsOnlyMadeForTheVersionThatWasSeen) {
  auto view = ready_to_load();
  view.pipe.status.replication.start_lsn.clear();
  const auto decision = plan(view);
  ASSERT_TRUE(std::holds_alternative<CreateSlot>(decision.action));
  EXPECT_EQ(std::get<CreateSlot>(decision.action).resource_version, "7");
}

TEST(Plan, ReleasesOnlyWhatIsOurs) {
  auto view = streaming();
  view.pipe.deleting = true;
  view.pipe.deleting_since = kNow;
  view.pipe.status.replication.owns_slot = false;
  view.pipe.status.replication.owns_publication = false;
  const auto decision = plan(view);
  ASSERT_TRUE(std::holds_alternative<Release>(decision.action));
  const auto& wish = std::get<Release>(decision.action).wish;
  EXPECT_FALSE(wish.slot);
  EXPECT_FALSE(wish.publication);
  EXPECT_TRUE(wish.targets.empty());
}

TEST(Plan, TargetsGoOnlyWhenAsked) {
  auto view = streaming();
  view.pipe.deleting = true;
  view.pipe.deleting_since = kNow;
  view.pipe.spec.deletion_policy = DeletionPolicy::Delete;
  const auto decision = plan(view);
  ASSERT_TRUE(std::holds_alternative<Release>(decision.action));
  EXPECT_THAT(std::get<Release>(decision.action).wish.targets, testing::ElementsAre("orders", "customers"));
}

TEST(Plan, LooksForANewSecretEveryTwoSeconds) {
  auto view = fresh();
  view.retry = failed(ErrorKind::NeedsUser, std::chrono::seconds(0), std::chrono::seconds(30));
  const auto decision = plan(view);
  ASSERT_TRUE(std::holds_alternative<Rest>(decision.action));
  EXPECT_EQ(std::get<Rest>(decision.action).again, Millis(2000));
  ASSERT_TRUE(decision.fault);
  EXPECT_EQ(decision.fault->reason, "Reason");
}

TEST(Plan, TryingAgainDoesNotTakeBackWhatIsSaidOfTheFailure) {
  auto view = fresh();
  view.retry = failed(ErrorKind::NeedsUser, std::chrono::seconds(31), std::chrono::seconds(30));
  const auto decision = plan(view);
  ASSERT_TRUE(std::holds_alternative<reconcile::SetUp>(decision.action));
  ASSERT_TRUE(decision.fault);
  EXPECT_EQ(*decision.fault, view.retry->error);
  EXPECT_EQ(decision.message, "it failed. mend it");
}

TEST(Plan, AChangedSpecBeginsWithoutTheOldFailure) {
  auto view = fresh();
  view.retry = failed(ErrorKind::NeedsUser, std::chrono::seconds(1), std::chrono::seconds(30));
  view.pipe.generation = 2;
  const auto decision = plan(view);
  EXPECT_TRUE(std::holds_alternative<reconcile::SetUp>(decision.action));
  EXPECT_FALSE(decision.fault);
}

TEST(Plan, AStreamThatFailedIsNotReadyBeforeItIsConnected) {
  auto view = streaming();
  view.retry = failed(ErrorKind::NeedsUser, std::chrono::seconds(1), std::chrono::seconds(30));
  view.run = {};
  view.pipe.generation = 2;  // what failed was changed: it is tried, and nobody has to mend it
  const auto starts = plan(view);
  EXPECT_TRUE(std::holds_alternative<StartStream>(starts.action));
  ASSERT_TRUE(starts.fault);
  EXPECT_EQ(starts.fault->kind, ErrorKind::Transient);

  view.run = streaming().run;
  view.run.connected = false;
  ASSERT_TRUE(plan(view).fault);
  view.run.fingerprint = "of other settings";
  ASSERT_TRUE(plan(view).fault);
  view.run = streaming().run;
  EXPECT_FALSE(plan(view).fault);
}

TEST(Plan, TellsWhatARunIsWaitingOut) {
  auto view = streaming();
  view.run.retrying = Error{ErrorKind::Transient, "DestinationUnreachable", "down", "start it"};
  const auto decision = plan(view);
  ASSERT_TRUE(decision.fault);
  EXPECT_EQ(decision.fault->reason, "DestinationUnreachable");
  EXPECT_EQ(decision.message, "down. start it");
}

}  // namespace
}  // namespace penstock::reconcile
