#include "tests/unit/reconcilers/simulation/invariants.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "reconcilers/pipe/tables.hpp"
#include "tests/unit/reconcilers/simulation/sim_dataplane.hpp"

namespace penstock::reconcile::simulation {
namespace {

/// The table that holds what the status says of `table`: found by its mark, whatever its name is by now.
const Table* made_for(const World& world, const Pipe& pipe, const TableStatus& table) {
  const Mark mark{pipe.uid, table.load_generation, false};
  for (const auto& name : {table.target, staging_name(table.target)}) {
    const auto* found = world.destination->table(name);
    if (found && found->mark == mark) return found;
  }
  const auto* target = world.destination->table(table.target);
  return target && !target->mark && !table.staged ? target : nullptr;
}

bool is_loaded(const TableStatus& table) {
  return table.state == TableState::CatchingUp || table.state == TableState::Streaming;
}

/// Some moment from `from` on, for each key of its own, at which the source had this row.
bool was_so_since(const Source& source, int table, std::size_t key, Position content, Position from) {
  for (Position at = from; at <= source.end(); ++at)
    if (source.rows(table, at)[key] == content) return true;
  return false;
}

}  // namespace

Position joined(const Source& source, const Pipe& pipe, const TableStatus& table) {
  const auto* slot = source.slot(pipe.status.replication.slot);
  const auto added = Lsn::parse(table.added_lsn);
  return std::max(slot ? slot->start : 0, added ? static_cast<Position>(added->value) : 0);
}

namespace {

/// What the source was told is written must be in the table.
void check_confirmed(Stage& stage, const Pipe& pipe, const TableStatus& entry, const Slot& slot) {
  const auto* table = made_for(stage.world, pipe, entry);
  if (!table || table->kind != Kind::Replacing) return;
  const auto& source = *stage.world.source;
  const int index = table_index(entry.source);
  const auto shown = table->visible();
  for (std::size_t key = 0; key < shown.size(); ++key) {
    if (pipe.spec.mode == Mode::CdcOnly) {
      for (Position lsn = joined(source, pipe, entry) + 1; lsn <= slot.confirmed; ++lsn) {
        const auto& change = source.wal[static_cast<std::size_t>(lsn - 1)];
        const auto published = source.published_at(pipe.status.replication.publication, lsn);
        if (change.table == index && change.key == static_cast<int>(key) && published != kNoPublication &&
            (published & (1 << index)) && table->rows[key].version < lsn)
          stage.violated(fmt::format("{} lost change {} of key {}", entry.source, lsn, key));
      }
    } else if (!was_so_since(source, index, key, shown[key], slot.confirmed)) {
      stage.violated(fmt::format("{}: key {} shows {}, older than confirmed {}", entry.source, key,
                                 shown[key], slot.confirmed));
    }
  }
}

void check_log(Stage& stage, const Table& table) {
  for (const auto& entry : table.log)
    if (std::count_if(table.log.begin(), table.log.end(), [&](const LogEntry& other) {
          return other.key == entry.key && other.change == entry.change;
        }) > 1)
      stage.violated(fmt::format("{} holds change {} twice", table.name, entry.change));
}

void check_rows(Stage& stage, const Pipe& pipe) {
  const auto& status = pipe.status;
  for (const auto& table : stage.world.destination->tables)
    check_log(stage, table);
  const auto* slot = stage.world.source->slot(status.replication.slot);
  const bool streams = pipe.spec.mode != Mode::SnapshotOnly;
  if (!streams || !slot || slot->lost || status.replication.start_lsn.empty()) return;
  for (const auto& entry : status.tables)
    if (is_loaded(entry)) check_confirmed(stage, pipe, entry, *slot);
}

bool any(const Rows& rows) {
  return std::any_of(rows.begin(), rows.end(), [](Position row) { return row != 0; });
}

/// What readers see while tables change names.
void check_readers(const World& before, Stage& stage, std::string_view point) {
  if (point == "drop target") return;
  for (const auto& former : before.destination->tables) {
    if (is_staging(former.name)) continue;
    const auto* now = stage.world.destination->table(former.name);
    if (!now)
      stage.violated(fmt::format("{}: {} is gone", point, former.name));
    else if (former.kind == Kind::Replacing && any(former.visible()) && !any(now->visible()))
      stage.violated(fmt::format("{}: {} is empty", point, former.name));
  }
}

void check_drop(const World& before, Stage& stage, std::string_view point) {
  for (const auto& former : before.destination->tables) {
    const auto same = [&](const Table& now) { return now.mark == former.mark && now.rows == former.rows; };
    const auto& now = stage.world.destination->tables;
    const bool others = !former.mark || (former.mark->uid != kUid && !former.mark->released);
    if (others && now.size() < before.destination->tables.size() &&
        std::none_of(now.begin(), now.end(), same))
      stage.violated(fmt::format("{}: {}, which is somebody else's, is gone", point, former.name));
  }
}

void check_destination(const World& before, Stage& stage, std::string_view point) {
  for (const auto& one : stage.world.destination->exchanges)
    if (one.times > 1)
      stage.violated(fmt::format("{} was exchanged twice for load {}", one.target, one.load));
  const bool names = point == "exchange" || point == "rename" || point == "keep former" ||
                     point.starts_with("drop ") || point.starts_with("create ");
  if (!names) return;
  check_readers(before, stage, point);
  check_drop(before, stage, point);
}

void check_status(const Pipe& before, const Pipe& now, Stage& stage) {
  const auto& former = before.status;
  const auto& status = now.status;
  if (before.uid != now.uid) return;
  if (status.observed_resync_generation < former.observed_resync_generation)
    stage.violated("observedResyncGeneration falls");
  for (const auto& table : status.tables)
    if (const auto* known = find_table(former, table.source);
        known && table.observed_resync_generation < known->observed_resync_generation)
      stage.violated(fmt::format("observedResyncGeneration of {} falls", table.source));
  const auto& runs = *stage.world.runs;
  const bool reads = (runs.load && !runs.load->ended) || (runs.stream && !runs.stream->ended);
  if (status.state == PipeState::Paused && reads) stage.violated("Paused while something is read");
}

}  // namespace

void check_effect(const World& before, Stage& stage, const char* point) {
  const auto& world = stage.world;
  if (!world.destination.is(before.destination)) check_destination(before, stage, point);
  const auto& stored = world.api->stored;
  if (!stored) return;
  if (before.api->stored && !world.api.is(before.api)) check_status(*before.api->stored, *stored, stage);
  check_rows(stage, *stored);
}

}  // namespace penstock::reconcile::simulation
