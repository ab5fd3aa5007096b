#include <fmt/format.h>

#include "tests/unit/reconcilers/simulation/stage.hpp"

namespace penstock::reconcile::simulation {
namespace {

std::string describe(const Pipe& pipe) {
  const auto& status = pipe.status;
  auto out = fmt::format(
      "generation {} resyncGeneration {} paused {} deleting {}\n  state {} ({}) observed {}", pipe.generation,
      pipe.spec.resync_generation, pipe.spec.paused, pipe.deleting,
      status.state ? to_text(*status.state) : "none", status.message, status.observed_resync_generation);
  if (status.resync)
    out += fmt::format(" resync to {} step {}", status.resync->target_generation,
                       static_cast<int>(status.resync->step));
  out += fmt::format("\n  slot {} start {}", status.replication.slot, status.replication.start_lsn);
  for (const auto& table : status.tables)
    out += fmt::format("\n  {} > {} {} load {} staged {} {} {}", table.source, table.target,
                       to_text(table.state), table.load_generation, table.staged,
                       table.load ? table.load->done + "@" + table.load->snapshot_lsn : "", table.message);
  return out;
}

}  // namespace

std::string describe(const World& world) {
  auto out = world.api->stored ? describe(*world.api->stored) : std::string("gone");
  out += fmt::format("\n  wal {}", world.source->end());
  for (const auto& slot : world.source->slots)
    out += fmt::format("\n  slot {} confirmed {} lost {} read {}", slot.name, slot.confirmed, slot.lost,
                       slot.read);
  for (const auto& publication : world.source->publications)
    out += fmt::format("\n  publication {} tables {}", publication.name, publication.tables());
  for (const auto& table : world.destination->tables) {
    out += fmt::format("\n  table {} mark {}", table.name, table.mark ? table.mark->load : -1);
    for (const auto& row : table.rows)
      out += fmt::format(" {}@{}{}", row.content, row.version, row.deleted ? "x" : "");
    for (const auto& entry : table.log)
      out += fmt::format(" [{} {}]", entry.key, entry.change);
  }
  if (const auto& load = world.runs->load)
    out += fmt::format("\n  load begun {} stopping {} ended {} {}", load->begun, load->stopping, load->ended,
                       load->error ? load->error->text() : "");
  if (const auto& stream = world.runs->stream)
    out += fmt::format("\n  stream connected {} stopping {} ended {} confirmed {} {}", stream->connected,
                       stream->stopping, stream->ended, stream->confirmed,
                       stream->error ? stream->error->text() : "");
  return out + "\n";
}

}  // namespace penstock::reconcile::simulation
