// Validation, tables, publication and slot: dataplane/pipeline/setup.cpp on simulated servers.

#include <algorithm>

#include "tests/unit/reconcilers/simulation/sim_dataplane.hpp"

namespace penstock::reconcile::simulation {
namespace {

bool ours(const Table* table, const std::string& uid) {
  return table && table->mark && table->mark->uid == uid;
}

/// Another pipe's, or what ours has let go of, that ours may take.
bool is_free(const Table* table, const Pipe& pipe) {
  return table && table->mark &&
         (table->mark->released || (table->mark->uid != pipe.uid && pipe.spec.take_over));
}

std::int8_t bits_of(const PipeStatus& status) {
  std::int8_t out = 0;
  for (const auto& table : status.tables)
    out = static_cast<std::int8_t>(out | (1 << table_index(table.source)));
  return out;
}

}  // namespace

struct SimDataplane::Making {
  TableStatus table;  ///< settled
  Table definition;
};

Status SimDataplane::source_answers() const {
  if (stage_.world.source->up) return {};
  return fail(ErrorKind::Transient, "SourceUnreachable", "the source is away");
}

Status SimDataplane::destination_answers() const {
  if (stage_.world.destination->up) return {};
  return fail(ErrorKind::Transient, "DestinationUnreachable", "the destination is away");
}

Status SimDataplane::check_source(const Pipe& pipe, const SetupWish& wish) const {
  const auto& source = *stage_.world.source;
  for (const auto& name : wish.tables)
    if (source.missing & (1 << table_index(name)))
      return fail(ErrorKind::NeedsUser, "TableNotFound", name + " is not there", "create it");
  const auto& replication = pipe.status.replication;
  if (pipe.spec.mode == Mode::SnapshotOnly) return {};
  if (!replication.owns_publication && !source.publication(replication.publication))
    return fail(ErrorKind::NeedsUser, "PublicationNotFound", "no publication", "create it");
  if (!replication.owns_slot && !source.slot(replication.slot))
    return fail(ErrorKind::NeedsUser, "SlotNotFound", "no slot", "create it");
  return {};
}

/// Where the load is not settled, the tables that are there tell what becomes of it.
Result<SimDataplane::Making> SimDataplane::examine(const Pipe& pipe, const TableStatus& table) const {
  const auto& destination = *stage_.world.destination;
  Making out{table, {}};
  auto& entry = out.table;
  const bool settled = entry.load_generation > 0;
  if (!settled) entry.load_generation = 1;
  const auto* present = destination.table(entry.target);
  const auto fits = [&] {
    return present->kind == kind_of(entry) && present->shape == shape_of(entry) &&
           (!present->mark || present->mark->uid == pipe.uid || is_free(present, pipe));
  };
  if (present && !settled) {
    entry.load_generation = ours(present, pipe.uid) ? present->mark->load : 1;
    const bool readable = kind_of(entry) != Kind::Null && present->kind != Kind::Null;
    const bool loaded = pipe.spec.mode != Mode::CdcOnly && readable;
    if (loaded && (ours(present, pipe.uid) || is_free(present, pipe) || entry.added_later)) {
      entry.staged = is_free(present, pipe) || present->holds_rows() || (ours(present, pipe.uid) && !fits());
      if (ours(present, pipe.uid) && entry.staged) ++entry.load_generation;
    }
  }
  const auto* former = entry.staged ? destination.table(staging_name(entry.target)) : nullptr;
  if (!settled && ours(former, pipe.uid))
    entry.load_generation = std::max(entry.load_generation, former->mark->load + 1);
  const bool others = present && present->mark && present->mark->uid != pipe.uid && !is_free(present, pipe);
  if (present && (!entry.staged || others) && !fits())
    return fail(ErrorKind::NeedsUser, "TargetMismatch", entry.target + " does not fit", "drop it");
  const auto* staging = entry.staged ? destination.table(staging_name(entry.target)) : nullptr;
  if (staging && !ours(staging, pipe.uid))
    return fail(ErrorKind::NeedsUser, "ResyncTableExists", "not this Pipe's", "rename it");
  out.definition.name = written(entry);
  out.definition.mark = Mark{pipe.uid, entry.load_generation};
  out.definition.kind = kind_of(entry);
  out.definition.shape = shape_of(entry);
  return out;
}

Status SimDataplane::make(const Pipe& pipe, const Making& making) {
  if (making.table.staged) return make_staging(pipe, making);
  if (!stage_.world.destination->table(making.definition.name))
    PENSTOCK_TRY(stage_.effect_of("create target",
                                  [&](World& world) { world.destination.edit().add(making.definition); }));
  if (is_free(stage_.world.destination->table(making.definition.name), pipe))
    PENSTOCK_TRY(stage_.effect_of("mark target", [&](World& world) {
      world.destination.edit().table(making.definition.name)->mark = making.definition.mark;
    }));
  const auto beside = staging_name(making.table.target);
  if (!ours(stage_.world.destination->table(beside), pipe.uid)) return {};
  return drop_table("drop staging", beside);
}

Status SimDataplane::make_staging(const Pipe& pipe, const Making& making) {
  const auto* present = stage_.world.destination->table(making.definition.name);
  if (present && !ours(present, pipe.uid))
    return fail(ErrorKind::NeedsUser, "ResyncTableExists", "not this Pipe's", "rename it");
  if (present) PENSTOCK_TRY(drop_table("drop staging", making.definition.name));
  return stage_.effect_of("create staging",
                          [&](World& world) { world.destination.edit().add(making.definition); });
}

Result<SetupFacts> SimDataplane::set_up(const Pipe& pipe, const Credentials&, const SetupWish& wish) {
  PENSTOCK_TRY(source_answers());
  PENSTOCK_TRY(check_source(pipe, wish));
  PENSTOCK_TRY(destination_answers());
  SetupFacts out;
  out.source = {stage_.world.source->system, 1, "shop"};
  std::vector<Making> makings;
  for (const auto& table : pipe.status.tables) {
    if (std::find(wish.tables.begin(), wish.tables.end(), table.source) == wish.tables.end()) continue;
    PENSTOCK_ASSIGN(auto making, examine(pipe, table));
    out.tables.push_back({table.source, kKeys, making.table.load_generation, making.table.staged});
    makings.push_back(std::move(making));
  }
  if (pipe.spec.mode != Mode::SnapshotOnly)
    out.source_lsn = Lsn{static_cast<std::uint64_t>(stage_.world.source->end())};
  for (const auto& making : makings)
    if (wish.make) PENSTOCK_TRY(make(pipe, making));
  return out;
}

Status SimDataplane::ensure_publication(const Pipe& pipe, const Credentials&) {
  PENSTOCK_TRY(source_answers());
  const auto& name = pipe.status.replication.publication;
  const auto tables = bits_of(pipe.status);
  const auto* present = stage_.world.source->publication(name);
  if (present && present->tables() == tables) return {};
  return stage_.effect_of(present ? "alter publication" : "create publication", [&](World& world) {
    auto& source = world.source.edit();
    auto* publication = source.publication(name);
    if (!publication) publication = &source.publications.emplace_back(Publication{name, {}});
    publication->become(source.end(), tables);
  });
}

Result<Lsn> SimDataplane::create_slot(const Pipe& pipe, const Credentials&) {
  PENSTOCK_TRY(source_answers());
  const auto& name = pipe.status.replication.slot;
  stage_.world.runs.edit().slot_snapshot.reset();
  if (stage_.world.source->slot(name)) {
    PENSTOCK_TRY(stage_.effect_of("drop slot", [&](World& world) {
      std::erase_if(world.source.edit().slots, [&](const Slot& slot) { return slot.name == name; });
    }));
  }
  PENSTOCK_TRY(stage_.effect_of("create slot", [&](World& world) {
    auto& source = world.source.edit();
    source.slots.push_back({name, source.end(), source.end(), false, false});
  }));
  const auto start = stage_.world.source->slot(name)->start;
  stage_.world.runs.edit().slot_snapshot = start;
  return Lsn{static_cast<std::uint64_t>(start)};
}

Result<std::optional<ProbeFacts>> SimDataplane::probe(const Pipe& pipe, const Credentials&) {
  PENSTOCK_TRY(source_answers());
  const auto& source = *stage_.world.source;
  const auto& status = pipe.status;
  if (status.source && source.system != status.source->system_identifier)
    return fail(ErrorKind::Terminal, "SourceChanged", "another system", "point back");
  if (status.replication.slot.empty()) return ProbeFacts{};
  const auto* slot = source.slot(status.replication.slot);
  if (!slot || slot->lost) return fail(ErrorKind::Terminal, "SlotLost", "the slot is gone", "resync");
  if (!source.publication(status.replication.publication))
    return fail(ErrorKind::Terminal, "PublicationMissing", "it is gone", "resync");
  return ProbeFacts{};
}

}  // namespace penstock::reconcile::simulation
