#include "controller/adapters/other_pipes.hpp"

namespace penstock::adapters {
namespace {

bool has_read(const Pipe& pipe) {
  return !pipe.status.replication.confirmed_lsn.empty();
}

/// Whether the other has the slot rather than this one. When two are set up at one moment, who has read from
/// it has it; while nobody has, both say the same of each other.
bool comes_before(const Pipe& other, const Pipe& pipe) {
  if (!other.status.source) return false;
  if (!pipe.status.source) return true;
  if (has_read(other) != has_read(pipe)) return has_read(other);
  return other.uid < pipe.uid;
}

clickhouse::OtherPipe other_of(const Pipe& pipe) {
  clickhouse::OtherPipe out{pipe.uid, pipe.ns + "/" + pipe.name, {}};
  for (const auto& table : pipe.spec.tables)
    out.targets.insert(target_of(table));
  for (const auto& table : pipe.status.tables)
    out.targets.insert(table.target);
  return out;
}

}  // namespace

void add_others(const Pipe& pipe, const std::vector<Pipe>& pipes, pipeline::PipeJob& job) {
  for (const auto& other : pipes) {
    if (other.uid == pipe.uid) continue;
    job.others.push_back(other_of(other));
    const auto& replication = other.status.replication;
    const bool same_slot =
        !job.slot.empty() && !job.owns_slot && !replication.owns_slot && replication.slot == job.slot;
    if (same_slot && comes_before(other, pipe))
      job.slot_readers.push_back(
          {job.others.back().name, other.status.source->system_identifier, other.status.source->database});
  }
}

}  // namespace penstock::adapters
