#include "tests/unit/reconcilers/simulation/scenarios.hpp"
#include "tests/unit/reconcilers/simulation/script.hpp"

namespace penstock::reconcile::simulation {

using namespace script;  // NOLINT: a page of its words

namespace {

Wish missing(When when, int table, bool is_missing) {
  return happens(is_missing ? "a table goes" : "the table is there", when, [=](World& world) {
    world.source.edit().missing = static_cast<std::int8_t>(is_missing ? 1 << table : 0);
  });
}

/// The source is another system for a while.
Scenario happens_elsewhere() {
  const auto system = [](When when, const char* name) {
    return happens(std::string("the system is ") + name, when,
                   [name](World& world) { world.source.edit().system = name; });
  };
  return scenario("another system, and back",
                  {pause(kRunning), system(kPaused, "43"), system(kFailed, "42"),
                   spec_becomes("another host", kAtOnce, [](PipeSpec& spec) { spec.source.host = "db2"; }),
                   resume(kPaused)});
}

}  // namespace

std::vector<Scenario> lost_place_scenarios() {
  return {
      scenario("the slot is lost, resync", {lose_the_slot(kRunning), bump(kFailed)}),
      scenario("the slot is lost, resync at once", {lose_the_slot(kRunning), bump(kAtOnce)}),
      scenario("the slot is lost while Paused, resync",
               {pause(kRunning), lose_the_slot(kPaused), bump(kFailed), resume(kPaused)}),
      scenario("the slot is lost in the load, resync", {lose_the_slot(kSnapshot), bump(kFailed)}),
      scenario("the slot is lost in a resync, resync",
               {bump(kRunning), lose_the_slot(kSnapshot), bump(kFailed)}),
      scenario("the slot is lost, take a table out, resync",
               {lose_the_slot(kRunning), take_out(kFailed, 1), bump(kFailed)}),
      scenario("the slot is lost, delete", {lose_the_slot(kRunning), remove(kFailed)}),
      scenario("the slot is lost while Paused, another host, resync",
               {pause(kRunning), lose_the_slot(kPaused),
                spec_becomes("another host", kFailed, [](PipeSpec& spec) { spec.source.host = "db2"; }),
                bump(kFailed), resume(kPaused)}),
      happens_elsewhere(),
  };
}

std::vector<Scenario> refused_table_scenarios() {
  return {
      scenario("a table is refused for a while", {refuse(kRunning, 0), accept(kRunning, 0)}),
      scenario("a table is refused in the load", {refuse(kSnapshot, 1), accept(kRunning, 1)}),
      scenario("a table is refused, taken out",
               {refuse(kRunning, 0), take_out(kRunning, 0), accept(kRunning, 0)}),
      scenario("a table is refused, pause",
               {refuse(kSnapshot, 1), pause(kRunning), accept(kPaused, 1), resume(kPaused)}),
      scenario("a table is refused, resync", {refuse(kRunning, 0), bump(kRunning), accept(kResync, 0)}),
      scenario("a table is refused while it is loaded anew",
               {bump_table(kRunning, 0), refuse(kSnapshot, 0), accept(kRunning, 0)}),
      scenario("SnapshotOnly, a table is refused", {refuse(kAtOnce, 0), accept(kCompleted, 0)},
               two_tables(Mode::SnapshotOnly)),
      scenario("CDCOnly, a table is refused, resync",
               {refuse(kRunning, 0), accept(kRunning, 0), bump(kRunning)}, two_tables(Mode::CdcOnly)),
  };
}

std::vector<Scenario> outage_scenarios() {
  const auto away = [](When when, bool is_away) {
    return happens(is_away ? "the destination is away" : "the destination is back", when,
                   [=](World& world) { world.destination.edit().up = !is_away; });
  };
  const auto secret = [](When when, bool there) {
    return happens(there ? "the Secret is there" : "the Secret is gone", when,
                   [=](World& world) { world.api.edit().secret_there = there; });
  };
  const auto with_secret = with(two_tables(), [](PipeSpec& spec) { spec.source.password = {"s", "p"}; });
  return {
      scenario("a table is missing in Setup", {missing(kAtOnce, 0, true), missing(kSetup, 0, false)}),
      scenario("a resync is blocked",
               {missing(kRunning, 0, true), bump(kAtOnce), missing(kRunning, 0, false)}),
      scenario("a resync is blocked when Completed",
               {missing(kCompleted, 0, true), bump(kAtOnce), missing(kCompleted, 0, false)},
               two_tables(Mode::SnapshotOnly)),
      scenario("a resync is blocked when Failed", {lose_the_slot(kRunning), missing(kFailed, 0, true),
                                                   bump(kAtOnce), missing(kFailed, 0, false)}),
      scenario("a table that is to be loaded anew is missing",
               {missing(kRunning, 0, true), bump_table(kAtOnce, 0), missing(kRunning, 0, false)}),
      scenario("a table that is to be loaded anew is missing when Completed",
               {missing(kCompleted, 0, true), bump_table(kAtOnce, 0), missing(kCompleted, 0, false)},
               two_tables(Mode::SnapshotOnly)),
      scenario("a new table is missing",
               {missing(kRunning, 2, true), add(kAtOnce, 2), missing(kRunning, 2, false)}),
      scenario("a new table is missing when Completed",
               {missing(kCompleted, 2, true), add(kAtOnce, 2), missing(kCompleted, 2, false)},
               two_tables(Mode::SnapshotOnly)),
      scenario("the destination is away in a resync",
               {bump(kRunning), away(kSnapshot, true), away(kSnapshot, false)}),
      free_end(scenario("deleted while the destination is away",
                        {away(kRunning, true), remove(kRunning), away(kFailed, false)})),
      scenario("the Secret is gone in a resync",
               {bump(kRunning), secret(kSnapshot, false), secret(kSnapshot, true)}, with_secret),
      scenario("the Secret is gone in an exchange",
               {bump_table(kRunning, 0), secret(kResync, false), secret(kResync, true)}, with_secret),
  };
}

}  // namespace penstock::reconcile::simulation
