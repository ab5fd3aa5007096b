#include "tests/unit/reconcilers/simulation/scenarios.hpp"

#include "tests/unit/reconcilers/simulation/script.hpp"

namespace penstock::reconcile::simulation {

using namespace script;  // NOLINT: a page of its words

namespace {

PipeSpec deleting_targets(PipeSpec spec) {
  spec.deletion_policy = DeletionPolicy::Delete;
  return spec;
}

PipeSpec created_paused() {
  return with(two_tables(), [](PipeSpec& spec) { spec.paused = true; });
}

Scenario before(Scenario scenario, std::function<void(World&)> what) {
  scenario.before = std::move(what);
  return scenario;
}

Scenario free_end(Scenario scenario) {
  scenario.end_is_told = false;
  return scenario;
}

Wish sort_anew(When when) {
  return spec_becomes("another sorting key", when,
                      [](PipeSpec& spec) { spec.tables[0].order_by = {"tenant"}; });
}

Wish target_becomes(When when, std::size_t at, const std::string& target) {
  return spec_becomes("another target", when,
                      [at, target](PipeSpec& spec) { spec.tables.at(at).target = target; });
}

/// A table that somebody made under a target's name.
std::function<void(World&)> users_table(const std::string& name, bool holds_rows) {
  return [=](World& world) {
    Table table;
    table.name = name;
    if (holds_rows) table.rows[0] = {0, 1, false};  // a row that the source has, too
    world.destination.edit().add(table);
  };
}

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
      before(scenario("into tables that the user made", {}), users_table("a", false)),
      scenario("a lowered generation",
               {spec_becomes("lower", kRunning, [](PipeSpec& spec) { spec.resync_generation = 2; }),
                bump_table(kRunning, 0)},
               with(two_tables(), [](PipeSpec& spec) { spec.resync_generation = 5; })),
  };
}

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
      before(free_end(scenario("add a table whose target somebody made", {add(kRunning, 2)})),
             users_table("c", true)),
  };
}

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
      scenario("resync and delete in Setup", {bump(kRunning), remove(kSetup)},
               deleting_targets(two_tables())),
      scenario("resync and delete in Resync", {bump(kRunning), remove(kResync)},
               deleting_targets(two_tables())),
      scenario("resync with another sorting key", {sort_anew(kRunning), bump(kRunning)}),
      scenario("resync under another name", {target_becomes(kRunning, 0, "z"), bump(kAtOnce)}),
      scenario("resync, then under another name",
               {bump(kRunning), target_becomes(kSnapshot, 0, "z"), bump(kAtOnce)}),
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
  const auto log = with(two_tables(), [](PipeSpec& spec) { spec.tables[1].engine = TableEngine::MergeTree; });
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

std::vector<Scenario> trouble_scenarios() {
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
      scenario("a table is missing in Setup", {missing(kAtOnce, 0, true), missing(kSetup, 0, false)}),
      scenario("a resync is blocked",
               {missing(kRunning, 0, true), bump(kAtOnce), missing(kRunning, 0, false)}),
      scenario("a resync is blocked when Completed",
               {missing(kCompleted, 0, true), bump(kAtOnce), missing(kCompleted, 0, false)},
               two_tables(Mode::SnapshotOnly)),
      scenario("a resync is blocked when Failed", {lose_the_slot(kRunning), missing(kFailed, 0, true),
                                                   bump(kAtOnce), missing(kFailed, 0, false)}),
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
