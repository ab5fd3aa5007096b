#include <algorithm>
#include <bit>

#include "tests/unit/reconcilers/simulation/sim_runs.hpp"

namespace penstock::reconcile::simulation {
namespace {

Load& load_of(Stage& stage) {
  return *stage.world.runs.edit().load;
}

bool end(Stage& stage, std::optional<Error> error = std::nullopt) {
  auto& load = load_of(stage);
  load.ended = true;
  load.error = std::move(error);
  stage.woken = true;
  return true;
}

/// A table that must come from one snapshot begins empty, if it is ours to empty.
Status empty_what_begins_anew(Stage& stage, const LoadTable& table, const std::string& uid, bool streams) {
  if (table.finished() || table.kind == Kind::Null || (table.kind == Kind::Replacing && streams)) return {};
  const auto* written = stage.world.destination->table(table.written);
  if (!written || !written->mark || written->mark->uid != uid || !written->holds_rows()) return {};
  return stage.effect_of("truncate", [&](World& world) {
    auto* target = world.destination.edit().table(table.written);
    target->rows = {};
    target->log.clear();
  });
}

bool begin(Stage& stage) {
  const auto load = load_of(stage);
  if (!stage.world.source->up || !stage.world.destination->up)
    return end(stage, Error{ErrorKind::Transient, "Unreachable", "a server is away", ""});
  for (const auto& table : load.tables)
    if (auto done = empty_what_begins_anew(stage, table, load.uid, load.streams); !done)
      return end(stage, done.error());
  auto& now = load_of(stage);
  now.begun = true;
  if (!now.snapshot) now.snapshot = stage.world.source->end();
  if (now.version == 0) now.version = *now.snapshot;
  for (auto& table : now.tables)
    if (!stage.world.destination->table(table.written))
      table.error = Error{ErrorKind::BadData, "TargetMissing", "the target is gone", "it is loaded anew"};
  return true;
}

void write_loaded(Table& target, int key, Position content, const Load& load) {
  if (target.kind == Kind::Null) return;
  if (target.kind == Kind::Log)
    target.log.push_back({static_cast<std::int8_t>(key), static_cast<std::int16_t>(content),
                          static_cast<std::int16_t>(*load.snapshot)});
  else
    target.write(key, {static_cast<std::int16_t>(load.version), static_cast<std::int16_t>(content), false});
}

bool load_partition(Stage& stage, std::size_t at) {
  const auto load = load_of(stage);
  const auto& table = load.tables[at];
  const int partition = std::countr_one(table.done);
  if (stage.world.destination->broken & (1 << table.table)) {
    load_of(stage).tables[at].error =
        Error{ErrorKind::BadData, "UnrepresentableValue", "a value does not fit", "override it"};
    return true;
  }
  auto done = stage.effect("insert loaded rows", [&](World& world) -> Status {
    auto* target = world.destination.edit().table(table.written);
    if (!target) return fail(ErrorKind::Transient, "TargetMissing", "the target is gone");
    const auto rows = world.source->rows(table.table, *load.snapshot);
    for (int key = partition; key < kKeys; key += kPartitions)
      if (const auto content = rows[static_cast<std::size_t>(key)]) write_loaded(*target, key, content, load);
    return {};
  });
  if (!done) return end(stage, done.error());
  auto& now = load_of(stage).tables[at];
  now.done = static_cast<std::uint8_t>(now.done | (1 << partition));
  now.snapshot = std::max(now.snapshot, *load.snapshot);
  return true;
}

}  // namespace

bool step_load(Stage& stage) {
  const auto& load = stage.world.runs->load;
  if (!load || load->ended) return false;
  if (load->stopping) return end(stage);
  if (!load->begun) return begin(stage);
  for (std::size_t at = 0; at < load->tables.size(); ++at)
    if (!load->tables[at].finished() && !load->tables[at].error) return load_partition(stage, at);
  return end(stage);
}

}  // namespace penstock::reconcile::simulation
