// What makes two worlds the same: all that a decision or an effect depends on. Not texts for people, not
// times, not resourceVersions.

#include <functional>
#include <string>

#include "tests/unit/reconcilers/simulation/search.hpp"

namespace penstock::reconcile::simulation {
namespace {

struct Hash {
  std::uint64_t value = 0x9E3779B97F4A7C15ULL;

  void add(std::uint64_t one) {
    value ^= one + 0x9E3779B97F4A7C15ULL + (value << 12) + (value >> 4);
    value *= 0xFF51AFD7ED558CCDULL;
    value ^= value >> 32;
  }
  template <typename T>
  requires std::is_integral_v<T> || std::is_enum_v<T>
  void add(T one) { add(static_cast<std::uint64_t>(one)); }
  void add(const std::string& text) { add(std::hash<std::string>{}(text)); }
  void add(const std::optional<Error>& error) { add(error ? error->reason : std::string("-")); }
  template <typename... Parts>
  void all(const Parts&... parts) {
    (add(parts), ...);
  }
};

void add(Hash& hash, const TableSpec& table) {
  hash.all(table.source, table.target, table.engine, table.order_by.size(), table.resync_generation);
}

void add(Hash& hash, const TableStatus& table) {
  hash.all(table.source, table.target, table.state, table.message.empty(), table.load_generation,
           table.staged, table.added_later, table.making, table.leaving, table.added_lsn,
           table.observed_resync_generation);
  if (table.settings) hash.all(table.settings->engine, table.settings->order_by.size());
  if (table.load) hash.all(table.load->done, table.load->snapshot_lsn);
}

void add(Hash& hash, const PipeStatus& status) {
  hash.all(status.state ? static_cast<int>(*status.state) : -1, status.observed_resync_generation,
           status.worker, status.source ? status.source->system_identifier : "-", status.replication.slot,
           status.replication.start_lsn, status.tables.size());
  if (status.resync) hash.all(status.resync->target_generation, status.resync->step);
  for (const auto& table : status.tables)
    add(hash, table);
}

void add(Hash& hash, const Row& row) {
  hash.add((static_cast<std::uint64_t>(static_cast<std::uint16_t>(row.version)) << 32) |
           (static_cast<std::uint64_t>(static_cast<std::uint16_t>(row.content)) << 1) |
           (row.deleted ? 1u : 0u));
}

}  // namespace

std::uint64_t hash_of(const Source& source) {
  Hash hash;
  hash.all(source.up, source.system, source.missing);
  for (const auto& change : source.wal)
    hash.all(change.table, change.key, change.deleted);
  for (const auto& publication : source.publications) {
    hash.add(publication.name);
    for (const auto& one : publication.history)
      hash.all(one.from, one.tables);
  }
  for (const auto& slot : source.slots)
    hash.all(slot.name, slot.start, slot.confirmed, slot.lost, slot.read);
  return hash.value;
}

std::uint64_t hash_of(const Destination& destination) {
  Hash hash;
  hash.all(destination.up, destination.broken);
  for (const auto& table : destination.tables) {
    hash.all(table.name, table.mark ? table.mark->load : -1, table.mark && table.mark->released, table.kind,
             table.shape);
    for (const auto& row : table.rows)
      add(hash, row);
    for (const auto& entry : table.log)
      hash.add(static_cast<std::uint64_t>(entry.key * 65536 + entry.change));
  }
  for (const auto& one : destination.exchanges)
    hash.all(one.target, one.load, one.times);
  return hash.value;
}

std::uint64_t hash_of(const RunState& runs) {
  Hash hash;
  hash.add(runs.slot_snapshot.value_or(-1));
  if (const auto& load = runs.load) {
    hash.all(load->fingerprint, load->begun, load->stopping, load->ended, load->error, load->version,
             load->snapshot.value_or(-1));
    for (const auto& table : load->tables)
      hash.all(table.written, table.load, table.done, table.snapshot, table.error);
  }
  hash.add(1);
  if (const auto& stream = runs.stream) {
    hash.all(stream->fingerprint, stream->connected, stream->stopping, stream->ended, stream->error,
             stream->received, stream->confirmed);
    for (const auto& table : stream->tables)
      hash.all(table.loaded_up_to, table.added_at, table.held.value_or(-1), table.held_since == WallTime{},
               table.error);
  }
  return hash.value;
}

std::uint64_t hash_of(const Api& api) {
  Hash hash;
  if (!api.stored) return hash.value;
  const auto& pipe = *api.stored;
  const auto& spec = pipe.spec;
  hash.all(pipe.generation != pipe.status.observed_generation, pipe.deleting, pipe.has_finalizer, spec.mode,
           spec.paused, spec.resync_generation, spec.deletion_policy, spec.tables.size());
  for (const auto& table : spec.tables)
    add(hash, table);
  add(hash, pipe.status);
  return hash.value;
}

}  // namespace penstock::reconcile::simulation
