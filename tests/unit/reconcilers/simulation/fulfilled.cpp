#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "reconcilers/pipe/tables.hpp"
#include "tests/unit/reconcilers/simulation/invariants.hpp"
#include "tests/unit/reconcilers/simulation/sim_dataplane.hpp"

namespace penstock::reconcile::simulation {
namespace {

template <typename List, typename Test>
auto count_if(const List& list, Test test) {
  return std::count_if(list.begin(), list.end(), test);
}

std::string text(const Rows& rows) {
  return fmt::format("{},{},{}", rows[0], rows[1], rows[2]);
}

bool ours(const std::string& name) {
  return name.starts_with(own_prefix(kUid));
}

/// Slots and publications of ours beside the one that is named.
std::string left_in_the_source(const Source& source, const std::string& slot,
                               const std::string& publication) {
  for (const auto& one : source.slots)
    if (ours(one.name) && one.name != slot) return "slot " + one.name + " is left";
  for (const auto& one : source.publications)
    if (one.exists() && ours(one.name) && one.name != publication)
      return "publication " + one.name + " is left";
  return "";
}

std::string left_in_the_destination(const Destination& destination) {
  for (const auto& table : destination.tables)
    if (table.mark && is_staging(table.name)) return table.name + " is left";
  return "";
}

std::string gone(const World& world) {
  if (auto left = left_in_the_source(*world.source, "", ""); !left.empty()) return left;
  for (const auto& table : world.destination->tables)
    if (table.mark && table.mark->uid == kUid && world.api->targets_go) return table.name + " is left";
  return left_in_the_destination(*world.destination);
}

/// Every change since the slot was made and the table had joined.
bool holds_the_changes(const World& world, const Pipe& pipe, const TableStatus& entry, const Table& table) {
  const auto& source = *world.source;
  const int index = table_index(entry.source);
  for (Position lsn = joined(source, pipe, entry) + 1; lsn <= source.end(); ++lsn) {
    const auto& change = source.wal[static_cast<std::size_t>(lsn - 1)];
    const auto published = source.published_at(pipe.status.replication.publication, lsn);
    if (change.table != index || published == kNoPublication || !(published & (1 << index))) continue;
    if (table.rows.at(static_cast<std::size_t>(change.key)).version < lsn) return false;
  }
  return true;
}

/// A log holds every change since its load's snapshot, and what that saw; each once.
bool holds_the_log(const World& world, const Table& table, int index) {
  const auto rows = world.source->rows(index);
  Rows newest{};
  for (const auto& entry : table.log)
    newest[static_cast<std::size_t>(entry.key)] =
        std::max<Position>(newest[static_cast<std::size_t>(entry.key)], entry.change);
  for (std::size_t key = 0; key < rows.size(); ++key)
    if (rows[key] != 0 && rows[key] != newest[key]) return false;
  return true;
}

bool was_ever(const Source& source, int index, const Rows& shown) {
  for (Position at = 0; at <= source.end(); ++at)
    if (source.rows(index, at) == shown) return true;
  return false;
}

std::string wrong_rows(const World& world, const Pipe& pipe, const TableStatus& entry) {
  const auto* table = world.destination->table(entry.target);
  if (!table) return entry.target + " is not there";
  const int index = table_index(entry.source);
  const auto shown = table->visible();
  if (table->kind == Kind::Null) return "";
  bool right = false;
  if (table->kind == Kind::Log)
    right = holds_the_log(world, *table, index);
  else if (pipe.spec.mode == Mode::CdcOnly)
    right = holds_the_changes(world, pipe, entry, *table);
  else if (pipe.spec.mode == Mode::SnapshotOnly)
    right = was_ever(*world.source, index, shown);
  else
    right = shown == world.source->rows(index);
  return right ? ""
               : fmt::format("{} shows {}, the source {}", entry.target, text(shown),
                             text(world.source->rows(index)));
}

std::string wrong_table(const World& world, const Pipe& pipe, const TableSpec& spec) {
  const auto* entry = find_table(pipe.status, spec.source);
  if (!entry) return spec.source + " is not in the status";
  const auto wanted = pipe.spec.mode == Mode::SnapshotOnly ? TableState::Completed : TableState::Streaming;
  if (entry->state != wanted) return fmt::format("{} is {}", spec.source, to_text(entry->state));
  if (entry->staged) return spec.source + " is staged";
  if (entry->observed_resync_generation < spec.resync_generation && pipe.spec.mode != Mode::CdcOnly)
    return spec.source + " was not loaded anew";
  if (auto wrong = wrong_rows(world, pipe, *entry); !wrong.empty()) return wrong;
  const auto* table = world.destination->table(entry->target);
  if (table->mark && table->mark->load != entry->load_generation && pipe.spec.mode != Mode::CdcOnly)
    return fmt::format("{} is of load {}, the status says {}", entry->target, table->mark->load,
                       entry->load_generation);
  return "";
}

std::string wrong_source(const World& world, const Pipe& pipe) {
  const auto& replication = pipe.status.replication;
  const bool streams = pipe.spec.mode != Mode::SnapshotOnly;
  const std::string none;
  if (auto left = left_in_the_source(*world.source, streams ? replication.slot : none,
                                     streams ? replication.publication : none);
      !left.empty())
    return left;
  if (!streams) return "";
  if (!world.source->slot(replication.slot)) return "there is no slot";
  const auto* publication = world.source->publication(replication.publication);
  if (!publication) return "there is no publication";
  std::int8_t wanted = 0;
  for (const auto& table : pipe.spec.tables)
    wanted = static_cast<std::int8_t>(wanted | (1 << table_index(table.source)));
  if (replication.owns_publication && publication->tables() != wanted) return "other tables are published";
  return "";
}

std::string wrong_end(const World& world, const Pipe& pipe) {
  const auto& status = pipe.status;
  if (status.resync) return "a resync is not over";
  if (status.observed_resync_generation < pipe.spec.resync_generation) return "a resync was lost";
  if (status.tables.size() != pipe.spec.tables.size()) return "the status has other tables";
  for (const auto& table : pipe.spec.tables)
    if (auto wrong = wrong_table(world, pipe, table); !wrong.empty()) return wrong;
  if (auto wrong = wrong_source(world, pipe); !wrong.empty()) return wrong;
  return left_in_the_destination(*world.destination);
}

}  // namespace

std::string unfulfilled(const World& world) {
  const auto& stored = world.api->stored;
  if (!stored) return gone(world);
  const auto& pipe = *stored;
  if (pipe.deleting) return "it is still there";
  if (!pipe.status.state) return "nobody has seen it";
  const auto state = *pipe.status.state;
  const bool streams = pipe.spec.mode != Mode::SnapshotOnly;
  if (pipe.spec.paused && (state == PipeState::Paused || state == PipeState::Completed))
    return pipe.status.resync || pipe.status.observed_resync_generation < pipe.spec.resync_generation
               ? "paused before the end of a resync"
               : "";
  const auto wanted = streams ? PipeState::Running : PipeState::Completed;
  if (state != wanted || (pipe.spec.paused && streams))
    return fmt::format("it is {}: {}", to_text(state), pipe.status.message);
  if (pipe.status.observed_generation != pipe.generation) return "the present spec is not observed";
  return wrong_end(world, pipe);
}

std::string end_of(const World& world) {
  std::string out;
  if (const auto& stored = world.api->stored) {
    const auto& status = stored->status;
    out = fmt::format("{} observed={} tables:", to_text(*status.state), status.observed_resync_generation);
    std::set<std::string> tables;
    for (const auto& table : status.tables)
      tables.insert(fmt::format("{}>{} {} {}", table.source, table.target, to_text(table.state),
                                table.observed_resync_generation));
    out += fmt::format("{}", fmt::join(tables, ", "));
  } else {
    out = "gone";
  }
  out += fmt::format(
      "; slots={} publications={}; ",
      count_if(world.source->slots, [](const Slot& s) { return ours(s.name); }),
      count_if(world.source->publications, [](const Publication& p) { return p.exists() && ours(p.name); }));
  // Where nothing streams, the rows are those of some moment.
  const auto& stored = world.api->stored;
  const bool streams = stored && stored->spec.mode == Mode::Cdc && stored->status.state == PipeState::Running;
  const auto is_told = [&](const Table& table) {
    return !table.mark || (streams && count_if(stored->status.tables, [&](const TableStatus& entry) {
                                        return entry.target == table.name;
                                      }) > 0);
  };
  for (const auto& table : world.destination->tables)
    out += fmt::format("{}{} {} ", table.name, table.mark ? "" : " (the user's)",
                       is_told(table) ? text(table.visible()) : "");
  return out;
}

}  // namespace penstock::reconcile::simulation
