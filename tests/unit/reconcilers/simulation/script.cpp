#include "tests/unit/reconcilers/simulation/script.hpp"

#include <fmt/format.h>

namespace penstock::reconcile::simulation::script {

PipeSpec two_tables(Mode mode) {
  PipeSpec out;
  out.mode = mode;
  out.source.host = "db";
  out.source.database = "shop";
  out.destination.url = "http://ch";
  out.tables = {table_spec(0), table_spec(1)};
  return out;
}

std::vector<RowChange> busy() {
  return {{0, 2, false}, {1, 0, false}, {0, 0, true}, {1, 1, true}, {2, 0, false},
          {0, 0, false}, {1, 2, false}, {2, 1, true}, {0, 1, false}};
}

Scenario scenario(std::string name, std::vector<Wish> wishes, PipeSpec spec) {
  Scenario out;
  out.name = std::move(name);
  out.spec = std::move(spec);
  out.wishes = std::move(wishes);
  out.changes = busy();
  return out;
}

PipeSpec with(PipeSpec spec, const std::function<void(PipeSpec&)>& change) {
  change(spec);
  return spec;
}

Wish spec_becomes(std::string name, When when, std::function<void(PipeSpec&)> change) {
  return {std::move(name), when, [change = std::move(change)](Stage& stage) { edit(stage, change); }};
}

Wish pause(When when) {
  return spec_becomes("pause", when, [](PipeSpec& spec) { spec.paused = true; });
}
Wish resume(When when) {
  return spec_becomes("resume", when, [](PipeSpec& spec) { spec.paused = false; });
}
Wish bump(When when) {
  return spec_becomes("bump", when, [](PipeSpec& spec) { ++spec.resync_generation; });
}

Wish bump_table(When when, int table) {
  return spec_becomes(fmt::format("bump table {}", table), when, [table](PipeSpec& spec) {
    for (auto& one : spec.tables)
      if (one.source == table_spec(table).source) ++one.resync_generation;
  });
}

Wish add(When when, int table, TableEngine engine) {
  return spec_becomes(fmt::format("add table {}", table), when, [table, engine](PipeSpec& spec) {
    spec.tables.push_back(table_spec(table));
    spec.tables.back().engine = engine;
  });
}

Wish take_out(When when, int table) {
  return spec_becomes(fmt::format("take out table {}", table), when, [table](PipeSpec& spec) {
    std::erase_if(spec.tables, [&](const TableSpec& one) { return one.source == table_spec(table).source; });
  });
}

Wish remove(When when) {
  return {"delete", when, [](Stage& stage) { remove_pipe(stage); }};
}

Wish happens(std::string name, When when, std::function<void(World&)> change) {
  return {std::move(name), when, [change = std::move(change)](Stage& stage) { change(stage.world); }};
}

Wish lose_the_slot(When when) {
  return happens("the slot is lost", when, [](World& world) {
    if (world.source->slots.size() < 2) return;
    auto& slot = world.source.edit().slots.back();
    slot.lost = true;
    slot.read = false;
  });
}

Wish lose_the_status(When when) {
  return {"the status is lost while nobody runs", when, [](Stage& stage) {
            lose_status(stage);
            throw Died{};
          }};
}

Wish spoil(When when, std::string what, std::function<void(PipeStatus&)> change) {
  return {std::move(what), when, [change = std::move(change)](Stage& stage) { edit_status(stage, change); }};
}

Wish refuse(When when, int table) {
  return happens(fmt::format("table {} is refused", table), when, [table](World& world) {
    world.destination.edit().broken = static_cast<std::int8_t>(1 << table);
  });
}
Wish accept(When when, int table) {
  return happens(fmt::format("table {} is accepted", table), when,
                 [](World& world) { world.destination.edit().broken = 0; });
}

PipeSpec deleting_targets(PipeSpec spec) {
  spec.deletion_policy = DeletionPolicy::Delete;
  return spec;
}

Scenario before(Scenario scenario, std::function<void(World&)> what) {
  scenario.before = std::move(what);
  return scenario;
}

Scenario free_end(Scenario scenario) {
  scenario.end_is_told = false;
  return scenario;
}

Wish target_becomes(When when, std::size_t at, const std::string& target) {
  return spec_becomes("another target", when,
                      [at, target](PipeSpec& spec) { spec.tables.at(at).target = target; });
}

std::function<void(World&)> users_table(const std::string& name, bool holds_rows) {
  return [=](World& world) {
    Table table;
    table.name = name;
    if (holds_rows) table.rows[0] = {0, 1, false};  // a row that the source has, too
    world.destination.edit().add(table);
  };
}

std::function<void(World&)> others_table(const std::string& name, bool released) {
  return [=](World& world) {
    Table table;
    table.name = name;
    table.mark = Mark{"33333333-4444", 9, released};
    table.rows = {Row{90, 90, false}, Row{91, 91, true}, Row{92, 92, false}};
    world.destination.edit().add(table);
  };
}

}  // namespace penstock::reconcile::simulation::script
