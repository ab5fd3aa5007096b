#include "tests/unit/reconcilers/simulation/scenarios.hpp"
#include "tests/unit/reconcilers/simulation/script.hpp"

namespace penstock::reconcile::simulation {

using namespace script;  // NOLINT: a page of its words

namespace {

Wish sort_anew(When when) {
  return spec_becomes("another sorting key", when,
                      [](PipeSpec& spec) { spec.tables[0].order_by = {"tenant"}; });
}

/// As a git revert of the commit that asked for the resync.
Wish take_back(When when) {
  return spec_becomes("as before the resync", when, [](PipeSpec& spec) {
    --spec.resync_generation;
    spec.tables[0].order_by.clear();
    spec.tables[0].target.clear();
  });
}

}  // namespace

std::vector<Scenario> resync_scenarios() {
  return {
      scenario("resync", {bump(kRunning)}),
      scenario("resync in the load", {bump(kSnapshot)}),
      scenario("resync while Paused", {pause(kRunning), bump(kPaused), resume(kResync)}),
      scenario("resync while Paused, and stay so", {pause(kRunning), bump(kPaused)}),
      scenario("resync, and again in Setup", {bump(kRunning), bump(kSetup)}),
      scenario("resync, and again in Snapshot", {bump(kRunning), bump(kSnapshot)}),
      scenario("resync, and again in Resync", {bump(kRunning), bump(kResync)}),
      scenario("resync and pause", {bump(kRunning), pause(kSnapshot), resume(kPaused)}),
      scenario("resync and pause in Resync", {bump(kRunning), pause(kResync)}),
      scenario("resync and delete", {bump(kRunning), remove(kSnapshot)}),
  };
}

std::vector<Scenario> entangled_scenarios() {
  return {
      scenario("resync and delete in Setup", {bump(kRunning), remove(kSetup)},
               deleting_targets(two_tables())),
      scenario("resync and delete in Resync", {bump(kRunning), remove(kResync)},
               deleting_targets(two_tables())),
      scenario("resync with another sorting key", {sort_anew(kRunning), bump(kRunning)}),
      scenario("resync under another name", {target_becomes(kRunning, 0, "z"), bump(kAtOnce)}),
      scenario("resync, then under another name",
               {bump(kRunning), target_becomes(kSnapshot, 0, "z"), bump(kAtOnce)}),
      free_end(scenario("resync with another sorting key, taken back",
                        {sort_anew(kRunning), bump(kAtOnce), take_back(kSnapshot)})),
      free_end(scenario("resync under another name, taken back",
                        {target_becomes(kRunning, 0, "z"), bump(kAtOnce), take_back(kSnapshot)})),
      scenario("resync with a new table", {add(kRunning, 2), bump(kAtOnce)}),
      scenario("resync with a new table, twice", {add(kRunning, 2), bump(kAtOnce), bump(kSetup)}),
      scenario("resync without a table", {take_out(kRunning, 1), bump(kAtOnce)}),
      scenario("resync with a table put back, twice",
               {take_out(kRunning, 1), add(kModifying, 1), bump(kAtOnce), bump(kSetup)}),
      scenario("resync and take a table out", {bump(kRunning), take_out(kSnapshot, 1)}),
      scenario("resync and add a table", {bump(kRunning), add(kSnapshot, 2)}),
      scenario("resync and load one table anew", {bump(kRunning), bump_table(kSnapshot, 0)}),
      scenario("load one table anew and resync", {bump_table(kRunning, 0), bump(kSnapshot)}),
      scenario("load one table anew and resync in the exchange", {bump_table(kRunning, 0), bump(kResync)}),
      before(free_end(scenario("resync of a table that the user made", {bump(kRunning)})),
             users_table("a", false)),
  };
}

std::vector<Scenario> short_scenarios() {
  const auto quiet = [](Scenario scenario) {
    scenario.changes.resize(4);
    return scenario;
  };
  return {
      quiet(scenario("resync", {bump(kRunning)})),
      quiet(scenario("resync, and again in Resync", {bump(kRunning), bump(kResync)})),
      quiet(scenario("load one table anew", {bump_table(kRunning, 0)})),
      quiet(scenario("take a table out and put it back", {take_out(kRunning, 1), add(kModifying, 1)})),
      quiet(scenario("add a table", {add(kRunning, 2)})),
      quiet(scenario("pause and resume the load", {pause(kSnapshot), resume(kPaused)})),
      quiet(scenario("delete with the targets", {remove(kRunning)}, deleting_targets(two_tables()))),
      quiet(scenario("SnapshotOnly, resync", {bump(kCompleted)}, two_tables(Mode::SnapshotOnly))),
  };
}

}  // namespace penstock::reconcile::simulation
