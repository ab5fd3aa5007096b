// Tables that are loaded anew while the others go on: asked to, declared and made, or set apart and tried
// again.

#include "reconcilers/pipe/record.hpp"
#include "tests/unit/reconcilers/plan_cases.hpp"

namespace penstock::reconcile::test {
namespace {

View set_apart(View view) {
  table(view, 0).state = TableState::Failed;
  table(view, 0).message = "it cannot go on";
  view.table_retries["public.orders"] = failed_just_now(ErrorKind::BadData);
  return view;
}

TEST(PlanTablesLoadedAnew, DecidesEachCase) {
  const char* rule = "declare_tables_anew";
  expect_decisions({
      {"a higher generation of one table", bumped(streaming()), PipeState::Running, "DeclareTables", rule},
      {"a lower one does nothing",
       with(streaming(), [](View& v) { table(v, 0).observed_resync_generation = 3; }), PipeState::Running,
       "Rest", "keep_streaming"},
      {"of a completed pipe", bumped(completed()), PipeState::Completed, "DeclareTables", rule},
      {"a load of other tables goes on",
       with(bumped(loading(), 1),
            [](View& v) {
              table(v, 1).state = TableState::CatchingUp;
              v.run.load.tables = {said_of("public.orders")};
            }),
       PipeState::Snapshot, "DeclareTables", rule},
      {"while it is being loaded", bumped(loading()), PipeState::Snapshot, "DeclareTables", rule},
      {"a load of this table goes on when it could not be begun again",
       with(bumped(loading()),
            [](View& v) {
              v.table_retries["public.orders"] = failed_just_now(ErrorKind::NeedsUser);
              v.table_retries["public.orders"].generation = 2;
            }),
       PipeState::Snapshot, "Rest", "load_what_is_left"},
      {"a load of this table goes on without credentials",
       with(bumped(loading()),
            [](View& v) {
              v.fingerprint = {};
              v.credentials_missing = Error{ErrorKind::Transient, "", "", ""};
            }),
       PipeState::Snapshot, "Rest", "load_what_is_left"},
      {"what writes to a staging table that goes is stopped first",
       with(bumped(streaming()),
            [](View& v) {
              table(v, 0).staged = true;
              v.pipe.spec.tables[0].target = "other";
            }),
       PipeState::Snapshot, "StopRuns", rule},
      {"but not again for a spec that was refused",
       with(bumped(streaming()),
            [](View& v) {
              table(v, 0).staged = true;
              v.pipe.spec.tables[0].target = "other";
              v.table_retries["public.orders"] = failed_before(ErrorKind::NeedsUser);
              v.table_retries["public.orders"].generation = 2;
            }),
       PipeState::Snapshot, "Rest", "keep_streaming"},
      {"not while paused", with(bumped(without_run(streaming())), [](View& v) { v.pipe.spec.paused = true; }),
       PipeState::Paused, "Rest", "honour_pause"},
      {"not in a resync", bumped(ready_to_swap()), PipeState::Resync, "SwapTables", "swap_what_is_loaded"},
      {"not where nothing is loaded",
       with(bumped(streaming()), [](View& v) { v.pipe.spec.mode = Mode::CdcOnly; }), PipeState::Running,
       "Rest", "keep_streaming"},
  });
}

/// The first table is declared, and not made yet.
View declared_anew(View view) {
  view.pipe.status = with_tables_to_load(view.pipe, {"public.orders"});
  return view;
}

TableFacts gone_wrong(const std::string& source) {
  auto out = said_of(source);
  out.error = Error{ErrorKind::Transient, "TableChanged", "it was altered", ""};
  return out;
}

TEST(PlanDeclaredTables, DecidesEachCase) {
  const char* rule = "make_declared_tables";
  const auto with_settings = [](View& v) {
    v.pipe.spec.tables[0].columns = {{"amount", "String", Unrepresentable::Fail}};
  };
  expect_decisions({
      {"made while the stream goes on", declared_anew(streaming()), PipeState::Running, "MakeTables", rule},
      {"its load that still runs is stopped first",
       with(declared_anew(loading()), [](View& v) { v.run.load.tables = {said_of("public.orders")}; }),
       PipeState::Snapshot, "StopRuns", rule},
      {"a load that does not tell yet is stopped, too", declared_anew(loading()), PipeState::Snapshot,
       "StopRuns", rule},
      {"a load that has set it apart is stopped, too, where that costs the others nothing",
       with(declared_anew(loading()), [](View& v) { v.run.load.tables = {gone_wrong("public.orders")}; }),
       PipeState::Snapshot, "StopRuns", rule},
      {"and goes on where the others would begin again",
       with(declared_anew(loading()),
            [](View& v) {
              v.pipe.spec.mode = Mode::SnapshotOnly;
              v.run.load.tables = {gone_wrong("public.orders"), said_of("public.customers")};
            }),
       PipeState::Snapshot, "MakeTables", rule},
      {"but not while it is still read",
       with(declared_anew(loading()),
            [](View& v) {
              v.pipe.spec.mode = Mode::SnapshotOnly;
              v.run.load.tables = {said_of("public.orders"), said_of("public.customers")};
            }),
       PipeState::Snapshot, "StopRuns", rule},
      {"a load of others goes on",
       with(declared_anew(loading()), [](View& v) { v.run.load.tables = {said_of("public.customers")}; }),
       PipeState::Snapshot, "MakeTables", rule},
      {"before the stream is started with what is to be made",
       with(declared_anew(streaming()), [](View& v) { v.fingerprint.stream = "another"; }),
       PipeState::Running, "MakeTables", rule},
      {"a stream that writes to the table that it replaces is stopped first",
       with(declared_anew(streaming()), [](View& v) { v.run.stream.tables = {said_of("public.orders")}; }),
       PipeState::Snapshot, "StopRuns", rule},
      {"one that does not goes on",
       with(declared_anew(streaming()), [](View& v) { v.run.stream.tables = {said_of("public.customers")}; }),
       PipeState::Running, "MakeTables", rule},
      {"a stream that no load catches up with is stopped first",
       with(declared_anew(streaming()), [](View& v) { v.pipe.spec.mode = Mode::CdcOnly; }),
       PipeState::Running, "StopRuns", rule},
      {"one that cannot be made holds up nobody",
       with(declared_anew(streaming()),
            [](View& v) { v.table_retries["public.orders"] = failed_just_now(ErrorKind::NeedsUser); }),
       PipeState::Running, "Rest", "keep_streaming"},
      {"declared again with what was changed since", with(declared_anew(streaming()), with_settings),
       PipeState::Running, "DeclareTables", "declare_tables_anew"},
      {"also where nothing is loaded",
       with(without_run(declared_anew(streaming())),
            [&](View& v) {
              v.pipe.spec.mode = Mode::CdcOnly;
              with_settings(v);
            }),
       PipeState::Running, "DeclareTables", "declare_tables_anew"},
      {"not while paused",
       with(declared_anew(without_run(streaming())), [](View& v) { v.pipe.spec.paused = true; }),
       PipeState::Paused, "Rest", "honour_pause"},
  });
}

TEST(PlanDeclaredTables, TakeNoPartInWhatIsSaidOfTheTableThatWas) {
  auto view = declared_anew(streaming());
  view.run.stream.tables = {said_of("public.orders")};
  table(view, 0).load_generation = view.run.stream.tables[0].load_generation;
  EXPECT_EQ(absorb(view.pipe, view.run).tables[0], table(view, 0));
}

TEST(PlanTablesSetApart, DecidesEachCase) {
  const char* rule = "declare_tables_anew";
  expect_decisions({
      {"the others stream", set_apart(streaming()), PipeState::Running, "Rest", "keep_streaming"},
      {"tried again in time",
       with(set_apart(streaming()),
            [](View& v) { v.table_retries["public.orders"] = failed_before(ErrorKind::BadData); }),
       PipeState::Running, "DeclareTables", rule},
      {"at once when its settings were changed",
       with(set_apart(streaming()),
            [](View& v) {
              v.pipe.spec.tables[0].columns = {{"amount", "String", Unrepresentable::Fail}};
              v.pipe.generation = 2;
            }),
       PipeState::Running, "DeclareTables", rule},
      {"at once when asked to", bumped(set_apart(streaming())), PipeState::Running, "DeclareTables", rule},
      {"after a restart", with(set_apart(streaming()), [](View& v) { v.table_retries.clear(); }),
       PipeState::Running, "DeclareTables", rule},
  });
}

TEST(PlanTablesSetApart, LeavingTheStreamDoesNotHastenTheNextTry) {
  auto view = streaming();
  const Error error{ErrorKind::BadData, "Refused", "it cannot go on", ""};
  view.table_retries["public.orders"] = after_failure(std::nullopt, error, view);
  table(view, 0).state = TableState::Failed;
  table(view, 0).message = error.text();
  view.fingerprint.stream = view.run.stream.fingerprint = "without the table";
  EXPECT_STREQ(plan(view).rule, "keep_streaming");
}

TEST(PlanTablesSetApart, AreTold) {
  const auto decision = plan(set_apart(streaming()));
  ASSERT_TRUE(decision.fault);
  EXPECT_EQ(decision.fault->reason, "TablesFailed");
  EXPECT_EQ(decision.message, "public.orders: it cannot go on");
}

}  // namespace
}  // namespace penstock::reconcile::test
