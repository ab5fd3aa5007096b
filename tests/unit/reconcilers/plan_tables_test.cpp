// Tables that come and go; the swap.

#include "tests/unit/reconcilers/plan_cases.hpp"

namespace penstock::reconcile::test {
namespace {

View adding(View view) {
  view.pipe.spec.tables.push_back(table_spec("public.items"));
  view.pipe.generation = 2;
  return view;
}

View removing(View view) {
  view.pipe.spec.tables.pop_back();
  view.pipe.generation = 2;
  return view;
}

/// The first table is loaded anew by itself and may take its target's place.
View one_ready_to_swap() {
  auto view = streaming();
  make_ready_to_swap(table(view, 0));
  return view;
}

TEST(PlanAddedTables, DecidesEachCase) {
  const char* rule = "declare_new_tables";
  expect_decisions({
      {"prepared while the others stream", adding(streaming()), PipeState::Running, "DeclareTables", rule},
      {"prepared beside a load", adding(loading()), PipeState::Snapshot, "DeclareTables", rule},
      {"prepared for a completed pipe", adding(completed()), PipeState::Completed, "DeclareTables", rule},
      {"prepared for a pipe that only streams",
       with(adding(streaming()), [](View& v) { v.pipe.spec.mode = Mode::CdcOnly; }), PipeState::Running,
       "DeclareTables", rule},
      {"not before Setup", adding(fresh()), PipeState::Setup, "SetUp", "set_up_before_loading"},
      {"not before the slot",
       with(adding(ready_to_load()), [](View& v) { v.pipe.status.replication.start_lsn.clear(); }),
       PipeState::Snapshot, "CreateSlot", "a_slot_before_the_first_row"},
      {"not in a resync", adding(ready_to_swap()), PipeState::Resync, "SwapTables", "swap_what_is_loaded"},
      {"not without credentials",
       with(adding(streaming()),
            [](View& v) {
              v.credentials_missing = Error{ErrorKind::Transient, "", "", ""};
            }),
       PipeState::Running, "Rest", "keep_streaming"},
      {"a log of changes does not hold up the stream until another load is over",
       with(adding(streaming()),
            [](View& v) {
              v.run.load = active_load();
              table(v, 1).state = TableState::Loading;
              v.pipe.spec.tables[2].engine = TableEngine::MergeTree;
            }),
       PipeState::Snapshot, "Rest", "load_beside_the_stream"},
      {"one that cannot be prepared holds up nobody",
       with(adding(streaming()),
            [](View& v) {
              v.table_retries["public.items"] = failed_just_now(ErrorKind::NeedsUser);
              v.table_retries["public.items"].generation = 2;
            }),
       PipeState::Running, "Rest", "keep_streaming"},
      {"one that could not be prepared is tried again",
       with(adding(streaming()),
            [](View& v) { v.table_retries["public.items"] = failed_before(ErrorKind::NeedsUser); }),
       PipeState::Running, "DeclareTables", rule},
  });
}

TEST(PlanAddedTables, ThoseThatNeverFailedGoTogetherAndTheOthersAlone) {
  auto view = adding(streaming());
  view.pipe.spec.tables.push_back(table_spec("public.more"));
  EXPECT_THAT(decided<DeclareTables>(view).sources, testing::ElementsAre("public.items", "public.more"));
  view.table_retries["public.items"] = failed_before(ErrorKind::NeedsUser);
  EXPECT_THAT(decided<DeclareTables>(view).sources, testing::ElementsAre("public.more"));
  view.table_retries["public.more"] = failed_before(ErrorKind::NeedsUser);
  EXPECT_THAT(decided<DeclareTables>(view).sources, testing::ElementsAre("public.items"));
}

TEST(PlanAddedTables, ThatWaitAreTriedAgainByACompletedPipe) {
  auto view = adding(completed());
  view.table_retries["public.items"] = failed_just_now(ErrorKind::NeedsUser);
  view.table_retries["public.items"].generation = 2;
  EXPECT_EQ(decided<Rest>(view).again, Millis(29'000));
  view = adding(completed());
  view.credentials_missing = Error{ErrorKind::NeedsUser, "SecretMissing", "none", "make it"};
  EXPECT_EQ(decided<Rest>(view).again, Millis(2'000));
}

TEST(PlanAddedTables, LeaveStateAndConditionsAsTheyAre) {
  const auto decision = plan(adding(streaming()));
  EXPECT_TRUE(decision.aside);
}

TEST(PlanAddedTables, ThatCannotBePreparedAreToldBesideWhatIsWaitedFor) {
  auto view = adding(streaming());
  view.table_retries["public.items"] = failed_just_now(ErrorKind::NeedsUser);
  view.table_retries["public.items"].generation = 2;
  view.run.stream.retrying = Error{ErrorKind::Transient, "DestinationTooManyParts", "another waits", ""};
  const auto decision = plan(view);
  ASSERT_TRUE(decision.fault);
  EXPECT_EQ(decision.fault->reason, "DestinationTooManyParts");
  EXPECT_EQ(decision.message, "another waits; public.items: it failed. mend it");
}

TEST(PlanAddedTables, ThatCannotBePreparedAreTold) {
  auto view = adding(streaming());
  view.table_retries["public.items"] = failed_just_now(ErrorKind::NeedsUser);
  view.table_retries["public.items"].generation = 2;
  const auto decision = plan(view);
  ASSERT_TRUE(decision.fault);
  EXPECT_EQ(decision.fault->reason, "TablesFailed");
  EXPECT_EQ(decision.message, "public.items: it failed. mend it");
  EXPECT_EQ(decision.fault->kind, ErrorKind::BadData) << "a person has to mend it";
}

TEST(PlanRemovedTables, DecidesEachCase) {
  const char* rule = "take_out_removed_tables";
  expect_decisions({
      {"the stream is stopped first", removing(streaming()), PipeState::Modifying, "StopRuns", rule},
      {"and waited for", with(removing(streaming()), [](View& v) { v.run.stream.stopping = true; }),
       PipeState::Modifying, "Rest", rule},
      {"then it is taken out", without_run(removing(streaming())), PipeState::Modifying, "RemoveTables",
       rule},
      {"from a load that goes on", removing(loading()), PipeState::Modifying, "StopRuns", rule},
      {"from a completed pipe", removing(completed()), PipeState::Modifying, "RemoveTables", rule},
      {"from a resync, whatever its step", removing(resyncing(ResyncStep::TakeDown)), PipeState::Modifying,
       "RemoveTables", rule},
      {"what failed waits its time",
       with(without_run(removing(streaming())),
            [](View& v) {
              v.retries[Concern::Removal] = failed_just_now(ErrorKind::Transient);
              v.retries[Concern::Removal].generation = 2;
            }),
       PipeState::Modifying, "Rest", rule},
      {"not before the end of a swap",
       with(removing(ready_to_swap()), [](View& v) { v.pipe.status.state = PipeState::Resync; }),
       PipeState::Resync, "SwapTables", "finish_a_swap_begun"},
      {"not while Failed",
       with(without_run(removing(streaming())),
            [](View& v) {
              make_failed(v);
              v.pipe.status.observed_generation = 2;
            }),
       PipeState::Failed, "Rest", "stay_failed"},
      {"while Failed, before a resync",
       with(without_run(removing(streaming())),
            [](View& v) {
              make_failed(v);
              v.pipe.spec.resync_generation = 1;
            }),
       PipeState::Modifying, "RemoveTables", rule},
  });
}

TEST(PlanRemovedTables, AStreamThatFailedForGoodDoesNotHoldUpTheResyncThatCuresIt) {
  auto view = without_run(removing(streaming()));
  view.retries[Concern::Pipe] = failed_just_now(ErrorKind::Terminal);
  view.retries[Concern::Pipe].generation = 2;
  EXPECT_STREQ(plan(view).rule, "stay_failed");
  view.pipe.spec.resync_generation = 1;
  EXPECT_FALSE(decided<RemoveTables>(view).publication) << "nor is anything asked of the source";
}

TEST(PlanRemovedTables, GoThoughTheSpecHasThemAgain) {
  // Changes may have passed the publication without them: what is there is no place to go on from.
  auto view = without_run(streaming());
  table(view, 1).leaving = true;
  EXPECT_THAT(decided<RemoveTables>(view).sources, testing::ElementsAre("public.customers"));
  view.pipe.spec.resync_generation = 1;
  view.pipe.status = with_tables_of_resync(view.pipe);
  EXPECT_FALSE(table(view, 1).leaving) << "a resync takes all tables in anew";
}

TEST(PlanRemovedTables, ArePublishedNoMoreUnlessThePublicationGoes) {
  auto view = without_run(removing(streaming()));
  EXPECT_TRUE(decided<RemoveTables>(view).publication);
  EXPECT_THAT(decided<RemoveTables>(view).sources, testing::ElementsAre("public.customers"));
  view.pipe.spec.resync_generation = 1;
  EXPECT_FALSE(decided<RemoveTables>(view).publication) << "the resync that follows drops it";
}

TEST(PlanSwap, DecidesEachCase) {
  const char* rule = "swap_what_is_loaded";
  expect_decisions({
      {"of one table: the stream stops for it", one_ready_to_swap(), PipeState::Resync, "StopRuns", rule},
      {"of one table: exchanged", without_run(one_ready_to_swap()), PipeState::Resync, "SwapTables", rule},
      {"of one table: a load of others goes on",
       with(without_run(one_ready_to_swap()),
            [](View& v) {
              v.run.load = active_load();
              table(v, 1).state = TableState::Loading;
            }),
       PipeState::Resync, "SwapTables", rule},
      {"not before the stream has passed the snapshot",
       with(one_ready_to_swap(),
            [](View& v) {
              table(v, 0).load = LoadProgress{"l", "0", "0/900"};
            }),
       PipeState::Snapshot, "Rest", "keep_streaming"},
      {"of a completed pipe, which has no stream to wait for",
       with(completed(), [](View& v) { make_ready_to_swap(table(v, 0)); }), PipeState::Resync, "SwapTables",
       rule},
      {"begun: nothing comes before its end",
       with(adding(bumped(without_run(one_ready_to_swap()), 1)),
            [](View& v) {
              v.pipe.status.state = PipeState::Resync;
              v.pipe.spec.resync_generation = 1;
              v.pipe.spec.paused = true;
            }),
       PipeState::Resync, "SwapTables", "finish_a_swap_begun"},
      {"begun: a resync that began since, while it could not end, sets the tables back",
       with(without_run(one_ready_to_swap()),
            [](View& v) {
              v.pipe.status.state = PipeState::Resync;
              v.pipe.spec.resync_generation = 1;
              v.pipe.status = with_resync_begun(v.pipe, kNow);
            }),
       PipeState::Setup, "TakeDownFormer", "make_way_for_the_resync"},
      {"begun: it waits its time",
       with(without_run(one_ready_to_swap()),
            [](View& v) {
              v.pipe.status.state = PipeState::Resync;
              v.retries[Concern::Pipe] = failed_just_now(ErrorKind::InDoubt);
            }),
       PipeState::Resync, "Rest", "finish_a_swap_begun"},
      {"begun: that cannot end, fails the pipe",
       with(without_run(one_ready_to_swap()),
            [](View& v) {
              v.pipe.status.state = PipeState::Resync;
              v.retries[Concern::Pipe] = failed_just_now(ErrorKind::Terminal);
            }),
       PipeState::Failed, "Rest", "stay_failed"},
  });
}

TEST(PlanSwap, NamesTableAndLoad) {
  const auto verb = decided<SwapTables>(without_run(one_ready_to_swap()));
  EXPECT_THAT(verb.tables, testing::ElementsAre(SwapWish{"public.orders", "orders", 2}));
}

}  // namespace
}  // namespace penstock::reconcile::test
