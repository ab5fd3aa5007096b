// Loading, streaming, pausing.

#include "tests/unit/reconcilers/plan_cases.hpp"

namespace penstock::reconcile::test {
namespace {

View ended_load(View view) {
  view.run.load = active_load();
  view.run.load.ended = true;
  return view;
}

View ended_stream(View view) {
  view.run.stream.ended = true;
  return view;
}

View paused(View view) {
  view.pipe.spec.paused = true;
  return view;
}

View all_tables(View view, TableState state) {
  for (auto& one : view.pipe.status.tables)
    one.state = state;
  return view;
}

/// The second table was added later and is to be loaded; the first streams.
View joining() {
  return with(streaming(), [](View& v) {
    table(v, 1).state = TableState::Pending;
    table(v, 1).added_later = true;
  });
}

View joining_log() {
  return with(joining(), [](View& v) {
    v.pipe.spec.tables[1].engine = TableEngine::MergeTree;
    table(v, 1).settings = settings_of(v.pipe.spec.tables[1]);
  });
}

TableFacts facts_of_joining(const std::string& snapshot) {
  auto out = said_of("public.customers");
  out.load = {"10;1:2:4", snapshot.empty() ? "" : "0", snapshot};
  return out;
}

TEST(PlanLoad, DecidesEachCase) {
  expect_decisions({
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
       with(ready_to_load(), [](View& v) { table(v, 0).state = TableState::CatchingUp; }),
       PipeState::Snapshot, "StartLoad", "load_what_is_left"},
      {"a load that was stopped half-way is started again", ended_load(ready_to_load()), PipeState::Snapshot,
       "StartLoad", "load_what_is_left"},
      {"a load that failed waits",
       with(ready_to_load(),
            [](View& v) { v.retries[Concern::Load] = failed_just_now(ErrorKind::Transient); }),
       PipeState::Snapshot, "Rest", "load_what_is_left"},
      {"everything loaded: what loaded it is forgotten",
       ended_load(all_tables(ready_to_load(), TableState::CatchingUp)), PipeState::Running, "StopRuns",
       "keep_streaming"},
      {"everything loaded: stream", all_tables(ready_to_load(), TableState::CatchingUp), PipeState::Running,
       "StartStream", "keep_streaming"},
      {"everything loaded without a stream: done", completed(), PipeState::Completed, "Rest",
       "complete_a_load_without_a_stream"},
      {"a completed pipe forgets its run", ended_load(completed()), PipeState::Completed, "StopRuns",
       "complete_a_load_without_a_stream"},
      {"old settings are stopped",
       with(loading(),
            [](View& v) {
              v.fingerprint = {"l2", kStreamPrint};
            }),
       PipeState::Snapshot, "StopRuns", "stop_what_runs_on_old_settings"},
  });
}

TEST(PlanLoadBesideTheStream, DecidesEachCase) {
  const auto with_load = [](View view) {
    view.run.load = active_load();
    return view;
  };
  const auto facts = [&](View view, const std::string& snapshot) {
    view.run.load = active_load();
    view.run.load.tables = {facts_of_joining(snapshot)};
    return view;
  };
  const char* rule = "load_beside_the_stream";
  expect_decisions({
      {"the stream takes the new table in before it is read", without_run(joining()), PipeState::Snapshot,
       "StartStream", rule},
      {"then it is loaded", joining(), PipeState::Snapshot, "StartLoad", rule},
      {"both go on", with_load(joining()), PipeState::Snapshot, "Rest", rule},
      {"a load that fails does not hold up the stream",
       with(without_run(joining()),
            [](View& v) { v.retries[Concern::Load] = failed_just_now(ErrorKind::Transient); }),
       PipeState::Snapshot, "StartStream", rule},
      {"a stream without the new table is stopped",
       with(joining(), [](View& v) { v.fingerprint.stream = "with it"; }), PipeState::Running, "StopRuns",
       "stop_what_runs_on_old_settings"},
      {"a log of changes: no stream before its snapshot", joining_log(), PipeState::Snapshot, "StopRuns",
       rule},
      {"a log of changes: the load comes first", without_run(joining_log()), PipeState::Snapshot, "StartLoad",
       rule},
      {"a log of changes: it waits for the snapshot",
       with(joining_log(),
            [](View& v) {
              v.run = {};
              v.run.load = active_load();
            }),
       PipeState::Snapshot, "Rest", rule},
      {"a log of changes: the snapshot is not known before a partition was read at it",
       facts(without_run(joining_log()), ""), PipeState::Snapshot, "Rest", rule},
      {"a log of changes: the stream goes on behind the snapshot", facts(without_run(joining_log()), "0/250"),
       PipeState::Snapshot, "StartStream", rule},
      {"where nothing streams yet, the load is a first load",
       with(joining(),
            [](View& v) {
              v.run = {};
              table(v, 0).state = TableState::CatchingUp;
            }),
       PipeState::Snapshot, "StartLoad", "load_what_is_left"},
      {"a table that is set apart counts as one that streamed",
       with(without_run(joining()),
            [](View& v) {
              table(v, 0).state = TableState::Failed;
              v.table_retries["public.orders"] = failed_just_now(ErrorKind::BadData);
            }),
       PipeState::Snapshot, "StartStream", rule},
  });
}

TEST(PlanStream, DecidesEachCase) {
  expect_decisions({
      {"streaming rests", streaming(), PipeState::Running, "Rest", "keep_streaming"},
      {"a stream that ended is started again", ended_stream(streaming()), PipeState::Running, "StartStream",
       "keep_streaming"},
      {"a stream that failed waits",
       with(without_run(streaming()),
            [](View& v) { v.retries[Concern::Pipe] = failed_just_now(ErrorKind::Transient); }),
       PipeState::Running, "Rest", "keep_streaming"},
      {"a load that failed does not hold it up",
       with(without_run(streaming()),
            [](View& v) { v.retries[Concern::Load] = failed_just_now(ErrorKind::Transient); }),
       PipeState::Running, "StartStream", "keep_streaming"},
      {"old settings are stopped",
       with(streaming(),
            [](View& v) {
              v.fingerprint = {kLoadPrint, "s2"};
            }),
       PipeState::Running, "StopRuns", "stop_what_runs_on_old_settings"},
      {"and waited for",
       with(streaming(),
            [](View& v) {
              v.fingerprint = {kLoadPrint, "s2"};
              v.run.stream.stopping = true;
            }),
       PipeState::Running, "Rest", "stop_what_runs_on_old_settings"},
      {"settings of the load do not stop it",
       with(streaming(),
            [](View& v) {
              v.fingerprint = {"l2", kStreamPrint};
            }),
       PipeState::Running, "Rest", "keep_streaming"},
      {"an unreadable Secret stops no stream",
       with(streaming(),
            [](View& v) {
              v.fingerprint = {};
              v.credentials_missing = Error{ErrorKind::Transient, "", "", ""};
            }),
       PipeState::Running, "Rest", "keep_streaming"},
      {"the source is looked at now and then", with(streaming(), [](View& v) { v.probe_due = true; }),
       PipeState::Running, "Probe", "keep_streaming"},
      {"but not without credentials",
       with(streaming(),
            [](View& v) {
              v.probe_due = true;
              v.fingerprint = {};
              v.credentials_missing = Error{ErrorKind::Transient, "", "", ""};
            }),
       PipeState::Running, "Rest", "keep_streaming"},
      {"nor before there is a place to lose", with(completed(), [](View& v) { v.probe_due = true; }),
       PipeState::Completed, "Rest", "complete_a_load_without_a_stream"},
  });
}

TEST(PlanPause, DecidesEachCase) {
  expect_decisions({
      {"stops the stream", paused(streaming()), PipeState::Pausing, "StopRuns", "honour_pause"},
      {"waits for what is in flight",
       with(paused(streaming()), [](View& v) { v.run.stream.stopping = true; }), PipeState::Pausing, "Rest",
       "honour_pause"},
      {"stopped is paused", ended_stream(paused(streaming())), PipeState::Paused, "StopRuns", "honour_pause"},
      {"paused rests", without_run(paused(streaming())), PipeState::Paused, "Rest", "honour_pause"},
      {"paused looks at the source now and then",
       with(without_run(paused(streaming())), [](View& v) { v.probe_due = true; }), PipeState::Paused,
       "Probe", "honour_pause"},
      {"a load keeps what is done", paused(loading()), PipeState::Pausing, "StopRuns", "honour_pause"},
      {"both runs are waited for",
       with(paused(loading()),
            [](View& v) {
              v.run.stream = active_stream();
              v.run.load.stopping = v.run.stream.stopping = true;
              v.run.load.ended = true;
            }),
       PipeState::Pausing, "StopRuns", "honour_pause"},
      {"unpaused goes on streaming",
       with(without_run(streaming()), [](View& v) { v.pipe.status.state = PipeState::Paused; }),
       PipeState::Running, "StartStream", "keep_streaming"},
      {"unpaused goes on loading",
       with(ready_to_load(), [](View& v) { v.pipe.status.state = PipeState::Paused; }), PipeState::Snapshot,
       "StartLoad", "load_what_is_left"},
      {"needs no database",
       with(without_run(paused(streaming())),
            [](View& v) { v.retries[Concern::Pipe] = failed_just_now(ErrorKind::Transient); }),
       PipeState::Paused, "Rest", "honour_pause"},
      {"nor credentials",
       with(paused(streaming()),
            [](View& v) {
              v.fingerprint = {};
              v.credentials_missing = Error{ErrorKind::NeedsUser, "SecretMissing", "", ""};
            }),
       PipeState::Pausing, "StopRuns", "honour_pause"},
      {"a completed pipe stays completed", paused(completed()), PipeState::Completed, "Rest",
       "complete_a_load_without_a_stream"},
      {"a table that joins waits until it is over",
       with(without_run(paused(streaming())),
            [](View& v) { v.pipe.spec.tables.push_back(table_spec("public.items")); }),
       PipeState::Paused, "Rest", "honour_pause"},
      {"and where nothing is left to stop",
       with(paused(completed()),
            [](View& v) {
              v.pipe.spec.tables.push_back(table_spec("public.items"));
              ++v.pipe.spec.tables[0].resync_generation;
            }),
       PipeState::Completed, "Rest", "complete_a_load_without_a_stream"},
      {"a table that leaves waits until it is over",
       with(without_run(paused(streaming())), [](View& v) { v.pipe.spec.tables.pop_back(); }),
       PipeState::Paused, "Rest", "honour_pause"},
  });
}

}  // namespace
}  // namespace penstock::reconcile::test
