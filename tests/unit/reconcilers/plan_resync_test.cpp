// A resync of the whole pipe, from every state, to its end.

#include "tests/unit/reconcilers/plan_cases.hpp"

namespace penstock::reconcile::test {
namespace {

View wanted(View view) {
  view.pipe.spec.resync_generation = 1;
  view.pipe.generation = 2;
  return view;
}

View blocked(View view) {
  view.retries[Concern::Resync] = failed_just_now(ErrorKind::NeedsUser);
  view.retries[Concern::Resync].generation = view.pipe.generation;
  return view;
}

View failed_pipe() {
  return with(without_run(streaming()), make_failed);
}

TEST(PlanResync, BeginsFromEveryState) {
  const char* rule = "begin_a_resync";
  expect_decisions({
      {"Running", wanted(streaming()), PipeState::Running, "BeginResync", rule},
      {"Snapshot", wanted(loading()), PipeState::Snapshot, "BeginResync", rule},
      {"Pausing",
       with(wanted(streaming()),
            [](View& v) {
              v.pipe.spec.paused = true;
              v.pipe.status.state = PipeState::Pausing;
            }),
       PipeState::Pausing, "BeginResync", rule},
      {"Paused",
       with(wanted(without_run(streaming())),
            [](View& v) {
              v.pipe.spec.paused = true;
              v.pipe.status.state = PipeState::Paused;
            }),
       PipeState::Paused, "BeginResync", rule},
      {"Completed", wanted(completed()), PipeState::Completed, "BeginResync", rule},
      {"Failed", wanted(failed_pipe()), PipeState::Failed, "BeginResync", rule},
      {"Failed, as this process knows",
       with(wanted(failed_pipe()),
            [](View& v) { v.retries[Concern::Pipe] = failed_just_now(ErrorKind::Terminal); }),
       PipeState::Failed, "BeginResync", rule},
      {"a resync that takes down",
       with(resyncing(ResyncStep::TakeDown), [](View& v) { v.pipe.spec.resync_generation = 2; }),
       PipeState::Setup, "BeginResync", rule},
      {"a resync that loads",
       with(resyncing(ResyncStep::Load), [](View& v) { v.pipe.spec.resync_generation = 2; }),
       PipeState::Setup, "BeginResync", rule},
  });
}

TEST(PlanResync, DoesNotBegin) {
  expect_decisions({
      {"again",
       with(streaming(),
            [](View& v) {
              v.pipe.spec.resync_generation = 3;
              v.pipe.status.observed_resync_generation = 3;
            }),
       PipeState::Running, "Rest", "keep_streaming"},
      {"for a lower generation",
       with(streaming(), [](View& v) { v.pipe.status.observed_resync_generation = 3; }), PipeState::Running,
       "Rest", "keep_streaming"},
      {"for a lower generation than the one under way",
       with(resyncing(ResyncStep::TakeDown), [](View& v) { v.pipe.status.resync->target_generation = 5; }),
       PipeState::Setup, "TakeDownFormer", "make_way_for_the_resync"},
      {"before Setup, with nothing to resync", wanted(fresh()), PipeState::Setup, "SetUp",
       "set_up_before_loading"},
      {"of a pipe that was created paused", with(wanted(fresh()), [](View& v) { v.pipe.spec.paused = true; }),
       PipeState::Paused, "Rest", "honour_pause"},
      {"before a swap is at its end",
       with(ready_to_swap(),
            [](View& v) {
              v.pipe.status.state = PipeState::Resync;
              v.pipe.spec.resync_generation = 2;
            }),
       PipeState::Resync, "SwapTables", "finish_a_swap_begun"},
      {"while it is blocked: the pipe goes on", blocked(wanted(streaming())), PipeState::Running, "Rest",
       "keep_streaming"},
      {"while it is blocked: a pipe that failed stays so",
       with(blocked(wanted(failed_pipe())), [](View& v) { v.pipe.status.observed_generation = 2; }),
       PipeState::Failed, "Rest", "stay_failed"},
      {"without credentials: the pipe goes on",
       with(wanted(streaming()),
            [](View& v) {
              v.credentials_missing = Error{ErrorKind::Transient, "", "", ""};
            }),
       PipeState::Running, "Rest", "keep_streaming"},
  });
}

TEST(PlanResync, IsTriedAgainWhenItIsTimeAndWhenTheSpecChanges) {
  auto view = wanted(streaming());
  view.retries[Concern::Resync] = failed_before(ErrorKind::NeedsUser);
  view.retries[Concern::Resync].generation = 2;
  EXPECT_STREQ(plan(view).rule, "begin_a_resync");
  view = blocked(wanted(streaming()));
  view.pipe.generation = 3;
  EXPECT_STREQ(plan(view).rule, "begin_a_resync");
}

TEST(PlanResync, ThatIsBlockedSaysWhyWhateverThePipeDoes) {
  for (const auto& view : {blocked(wanted(streaming())), blocked(wanted(completed())),
                           blocked(wanted(failed_pipe())), blocked(wanted(loading()))}) {
    const auto decision = plan(view);
    ASSERT_TRUE(decision.resync_blocked) << decision.rule;
    EXPECT_EQ(decision.resync_blocked->reason, "Reason");
  }
  EXPECT_FALSE(plan(blocked(streaming())).resync_blocked) << "it is not wanted any more";
}

TEST(PlanResync, ThatIsBlockedIsTriedAgainByAPipeThatWouldRestForEver) {
  for (const auto& view : {blocked(wanted(completed())), blocked(wanted(failed_pipe()))})
    EXPECT_EQ(decided<Rest>(with(view, [](View& v) { v.pipe.status.observed_generation = 2; })).again,
              Millis(29'000));
  auto view = wanted(completed());
  view.credentials_missing = Error{ErrorKind::NeedsUser, "SecretMissing", "none", "make it"};
  EXPECT_EQ(decided<Rest>(view).again, Millis(2'000));
  ASSERT_TRUE(plan(view).resync_blocked);
  EXPECT_EQ(plan(view).resync_blocked->reason, "SecretMissing");
  EXPECT_EQ(decided<Rest>(completed()).again, Millis(0)) << "nothing waits";
}

TEST(PlanResync, NoTimerIsSetForAFailureThatNoWaitingCures) {
  auto view = resyncing(ResyncStep::MakeTables);
  view.retries[Concern::Pipe] = failed_just_now(ErrorKind::Terminal);
  view.retries[Concern::Pipe].next = SteadyTime::max();
  EXPECT_LE(decided<Rest>(view).again, std::chrono::hours(1));
}

TEST(PlanResync, GoesThroughItsSteps) {
  const char* way = "make_way_for_the_resync";
  expect_decisions({
      {"the former stream is stopped",
       with(resyncing(ResyncStep::TakeDown), [](View& v) { v.run.stream = active_stream(); }),
       PipeState::Setup, "StopRuns", way},
      {"and waited for",
       with(resyncing(ResyncStep::TakeDown),
            [](View& v) {
              v.run.stream = active_stream();
              v.run.stream.stopping = true;
            }),
       PipeState::Setup, "Rest", way},
      {"the former slot goes", resyncing(ResyncStep::TakeDown), PipeState::Setup, "TakeDownFormer", way},
      {"the tables are made", resyncing(ResyncStep::MakeTables), PipeState::Setup, "SetUp", way},
      {"what fails waits its time",
       with(resyncing(ResyncStep::MakeTables),
            [](View& v) { v.retries[Concern::Pipe] = failed_just_now(ErrorKind::Transient); }),
       PipeState::Setup, "Rest", way},
      {"a new slot", resyncing(ResyncStep::Load), PipeState::Snapshot, "CreateSlot",
       "a_slot_before_the_first_row"},
      {"the load",
       with(resyncing(ResyncStep::Load), [](View& v) { v.pipe.status.replication.start_lsn = "0/300"; }),
       PipeState::Snapshot, "StartLoad", "load_what_is_left"},
      {"the stream catches up",
       with(ready_to_swap(),
            [](View& v) {
              table(v, 0).load = LoadProgress{"l", "0", "0/900"};
            }),
       PipeState::Snapshot, "StartStream", "keep_streaming"},
      {"the swap waits for the last table",
       with(ready_to_swap(),
            [](View& v) {
              v.run.stream = active_stream();
              table(v, 0).load = LoadProgress{"l", "0", "0/900"};
            }),
       PipeState::Snapshot, "Rest", "keep_streaming"},
      {"the stream stops for the swap",
       with(ready_to_swap(), [](View& v) { v.run.stream = active_stream(); }), PipeState::Resync, "StopRuns",
       "swap_what_is_loaded"},
      {"the swap", ready_to_swap(), PipeState::Resync, "SwapTables", "swap_what_is_loaded"},
      {"the swap does not wait for tables that are set apart",
       with(ready_to_swap(), [](View& v) { table(v, 0).state = TableState::Failed; }), PipeState::Resync,
       "SwapTables", "swap_what_is_loaded"},
      {"without a load there is nothing to exchange: it is over",
       with(resyncing(ResyncStep::Load),
            [](View& v) {
              v.pipe.spec.mode = Mode::CdcOnly;
              v.pipe.status.replication.start_lsn = "0/300";
              for (auto& one : v.pipe.status.tables)
                one.staged = false;
            }),
       PipeState::Resync, "SwapTables", "swap_what_is_loaded"},
  });
}

TEST(PlanResync, RunsToItsEndBeforeAPauseIsHonoured) {
  const auto paused = [](View view) {
    view.pipe.spec.paused = true;
    return view;
  };
  expect_decisions({
      {"taking down", paused(resyncing(ResyncStep::TakeDown)), PipeState::Setup, "TakeDownFormer",
       "make_way_for_the_resync"},
      {"loading",
       with(paused(resyncing(ResyncStep::Load)),
            [](View& v) { v.pipe.status.replication.start_lsn = "0/300"; }),
       PipeState::Snapshot, "StartLoad", "load_what_is_left"},
      {"swapping", paused(ready_to_swap()), PipeState::Resync, "SwapTables", "swap_what_is_loaded"},
      {"over: it is paused",
       with(paused(ready_to_swap()),
            [](View& v) {
              v.pipe.status = with_tables_swapped(v.pipe, decided<SwapTables>(v).tables);
              v.pipe.status.state = PipeState::Resync;
            }),
       PipeState::Paused, "Rest", "honour_pause"},
  });
}

}  // namespace
}  // namespace penstock::reconcile::test
