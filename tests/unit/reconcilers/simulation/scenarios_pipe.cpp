#include "tests/unit/reconcilers/simulation/scenarios.hpp"
#include "tests/unit/reconcilers/simulation/script.hpp"

namespace penstock::reconcile::simulation {

using namespace script;  // NOLINT: a page of its words

namespace {

PipeSpec created_paused() {
  return with(two_tables(), [](PipeSpec& spec) { spec.paused = true; });
}

}  // namespace

std::vector<Scenario> lifecycle_scenarios() {
  return {
      scenario("load and stream", {}),
      scenario("delete", {remove(kRunning)}),
      scenario("delete with the targets", {remove(kRunning)}, deleting_targets(two_tables())),
      scenario("delete in Setup", {remove(kSetup)}, deleting_targets(two_tables())),
      scenario("delete in Snapshot", {remove(kSnapshot)}, deleting_targets(two_tables())),
      scenario("pause and resume the stream", {pause(kRunning), resume(kPaused)}),
      scenario("pause and resume the load", {pause(kSnapshot), resume(kPaused)}),
      scenario("pause and resume at once", {pause(kSnapshot), resume(kPausing)}),
      scenario("pause in Setup, then delete", {pause(kSetup), remove(kPaused)},
               deleting_targets(two_tables())),
      scenario("pause and delete", {pause(kRunning), remove(kPaused)}),
      scenario("created paused", {}, created_paused()),
      scenario("created paused, then resumed", {resume(kPaused)}, created_paused()),
      scenario("created paused, bumped, resumed", {bump(kPaused), resume(kPaused)}, created_paused()),
      scenario("created paused, then deleted", {remove(kPaused)}, deleting_targets(created_paused())),
      scenario("lose the status", {lose_the_status(kRunning)}),
      scenario("lose the status in the load", {lose_the_status(kSnapshot)}),
      scenario("lose the status while a table is loaded anew",
               {bump_table(kRunning, 0), lose_the_status(kSnapshot)}),
      scenario("lose the status in a resync", {bump(kRunning), lose_the_status(kSnapshot)}),
      scenario("lose the status in a swap", {bump(kRunning), lose_the_status(kResync)}),
      before(scenario("into tables that the user made", {}), users_table("a", false)),
      before(scenario("a target that another pipe gave back", {}), others_table("a", true)),
      before(scenario("a target that another pipe gave back, then deleted", {remove(kRunning)}),
             others_table("a", true)),
      before(scenario("a target that another pipe gave back, deleted in the load", {remove(kSnapshot)}),
             others_table("a", true)),
      before(scenario("another pipe's target is taken over", {pause(kSnapshot), resume(kPaused)},
                      with(two_tables(), [](PipeSpec& spec) { spec.take_over = true; })),
             others_table("a", false)),
      scenario("a lowered generation",
               {spec_becomes("lower", kRunning, [](PipeSpec& spec) { spec.resync_generation = 2; }),
                bump_table(kRunning, 0)},
               with(two_tables(), [](PipeSpec& spec) { spec.resync_generation = 5; })),
  };
}

std::vector<Scenario> mode_scenarios() {
  const auto once = two_tables(Mode::SnapshotOnly);
  const auto only = two_tables(Mode::CdcOnly);
  const auto users = with(only, [](PipeSpec& spec) {
    spec.source.replication_slot = "mine";
    spec.source.publication = "mine";
  });
  const auto users_place = [](World& world) {
    auto& source = world.source.edit();
    source.publications.push_back({"mine", {{0, 3}}});
    source.slots.push_back({"mine", 4, 4, false, false});
  };
  return {
      scenario("SnapshotOnly", {}, once),
      scenario("SnapshotOnly, resync", {bump(kCompleted)}, once),
      scenario("SnapshotOnly, resync in the load", {bump(kSnapshot)}, once),
      scenario("SnapshotOnly, pause", {pause(kSnapshot), resume(kPaused)}, once),
      scenario("SnapshotOnly, pause when done", {pause(kCompleted), bump(kCompleted)}, once),
      scenario("SnapshotOnly, add a table", {add(kCompleted, 2)}, once),
      scenario("SnapshotOnly, take a table out", {take_out(kCompleted, 0)}, once),
      scenario("SnapshotOnly, load one anew", {bump_table(kCompleted, 0)}, once),
      scenario("SnapshotOnly, delete", {remove(kCompleted)}, deleting_targets(once)),
      scenario("CDCOnly", {}, only),
      scenario("CDCOnly, pause", {pause(kRunning), resume(kPaused)}, only),
      scenario("CDCOnly, add a table", {add(kRunning, 2)}, only),
      scenario("CDCOnly, take a table out", {take_out(kRunning, 0)}, only),
      scenario("CDCOnly, resync", {bump(kRunning)}, only),
      scenario("CDCOnly, resync twice", {bump(kRunning), bump(kSetup)}, only),
      scenario("CDCOnly, delete", {remove(kRunning)}, only),
      before(scenario("CDCOnly on a slot of the user's", {pause(kRunning), resume(kPaused), bump(kRunning)},
                      users),
             users_place),
      before(scenario("CDCOnly on a slot of the user's, delete", {remove(kRunning)}, users), users_place),
  };
}

std::vector<Scenario> log_scenarios() {
  const auto log = with(two_tables(), [](PipeSpec& spec) { spec.tables[1].engine = TableEngine::MergeTree; });
  return {
      scenario("a log", {}, log),
      scenario("a log, pause in the load", {pause(kSnapshot), resume(kPaused)}, log),
      scenario("a log, resync", {bump(kRunning)}, log),
      scenario("a log, loaded anew", {bump_table(kRunning, 1)}, log),
      scenario("a log, loaded anew, and pause", {bump_table(kRunning, 1), pause(kSnapshot), resume(kPaused)},
               log),
      scenario("a log joins", {add(kRunning, 2, TableEngine::MergeTree)}),
      scenario("a log joins while a table loads",
               {add(kRunning, 3), add(kSnapshot, 2, TableEngine::MergeTree)}),
      scenario("a Null table joins", {add(kRunning, 2, TableEngine::Null), bump(kRunning)}),
  };
}

}  // namespace penstock::reconcile::simulation
