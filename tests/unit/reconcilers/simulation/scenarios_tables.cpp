#include "tests/unit/reconcilers/simulation/scenarios.hpp"
#include "tests/unit/reconcilers/simulation/script.hpp"

namespace penstock::reconcile::simulation {

using namespace script;  // NOLINT: a page of its words

std::vector<Scenario> table_scenarios() {
  return {
      scenario("add a table", {add(kRunning, 2)}),
      scenario("add two tables in the load", {add(kSnapshot, 2), add(kSnapshot, 3)}),
      scenario("add a table, then another while it loads", {add(kRunning, 2), add(kSnapshot, 3)}),
      scenario("add a table and pause", {add(kRunning, 2), pause(kSnapshot), resume(kPaused)}),
      scenario("take a table out", {take_out(kRunning, 1)}),
      scenario("take a table out with its target", {take_out(kRunning, 1)}, deleting_targets(two_tables())),
      scenario("take a table out of the load", {take_out(kSnapshot, 0)}),
      scenario("take a table out and put it back", {take_out(kRunning, 1), add(kModifying, 1)}),
      scenario("take a table out and put it back later",
               {take_out(kRunning, 1), add(kRunning, 1), take_out(kSnapshot, 1), add(kRunning, 1)}),
      scenario("take a table out with its target and put it back",
               {take_out(kRunning, 1), add(kModifying, 1)}, deleting_targets(two_tables())),
      scenario("take a table out, pause, put it back",
               {take_out(kRunning, 1), pause(kModifying), add(kPaused, 1), resume(kPaused)}),
      before(free_end(scenario("add a table whose target somebody made", {add(kRunning, 2)})),
             users_table("c", true)),
  };
}

std::vector<Scenario> reload_scenarios() {
  return {
      scenario("load one table anew", {bump_table(kRunning, 0)}),
      scenario("load both tables anew, one by one", {bump_table(kRunning, 0), bump_table(kSnapshot, 1)}),
      scenario("load both tables anew at once", {bump_table(kRunning, 0), bump_table(kAtOnce, 1)}),
      scenario("load one table anew, and again while it loads",
               {bump_table(kRunning, 0), bump_table(kSnapshot, 0)}),
      scenario("load one table anew, and again while it is exchanged",
               {bump_table(kRunning, 0), bump_table(kResync, 0)}),
      scenario("load one table anew and pause", {bump_table(kRunning, 0), pause(kSnapshot), resume(kPaused)}),
      scenario("load one table anew and pause while it is exchanged",
               {bump_table(kRunning, 0), pause(kResync), resume(kPaused)}),
      scenario("load one table anew and take it out", {bump_table(kRunning, 0), take_out(kSnapshot, 0)}),
      scenario("load one table anew and delete", {bump_table(kRunning, 0), remove(kSnapshot)}),
      scenario("load one table anew under another name",
               {target_becomes(kRunning, 0, "z"), bump_table(kAtOnce, 0)}),
      scenario("load one table anew, then under another name",
               {bump_table(kRunning, 0), target_becomes(kSnapshot, 0, "z"), bump_table(kAtOnce, 0)}),
      scenario("two tables change targets", {spec_becomes("change targets", kRunning,
                                                          [](PipeSpec& spec) {
                                                            spec.tables[0].target = "b";
                                                            spec.tables[1].target = "a";
                                                          }),
                                             bump_table(kAtOnce, 0), bump(kRunning)}),
      scenario("a new table takes another's target", {target_becomes(kRunning, 0, "z"),
                                                      spec_becomes("add", kAtOnce,
                                                                   [](PipeSpec& spec) {
                                                                     spec.tables.push_back(table_spec(2));
                                                                     spec.tables.back().target = "a";
                                                                   }),
                                                      bump_table(kRunning, 0)}),
      scenario("a generation of a table falls and comes back",
               {bump_table(kRunning, 0),
                spec_becomes("fall", kRunning, [](PipeSpec& spec) { spec.tables[0].resync_generation = 0; }),
                bump(kRunning), bump_table(kRunning, 0)}),
  };
}

}  // namespace penstock::reconcile::simulation
