// The swap and the release: dataplane/clickhouse/swap.cpp and pipeline/setup.cpp on simulated servers.

#include <fmt/format.h>

#include <algorithm>

#include "reconcilers/pipe/tables.hpp"
#include "tests/unit/reconcilers/simulation/sim_dataplane.hpp"

namespace penstock::reconcile::simulation {
namespace {

bool ours(const Table* table, const std::string& uid) {
  return table && table->mark && table->mark->uid == uid;
}

bool is_wished(const Table* table, const std::string& uid, const SwapWish& wish) {
  return ours(table, uid) && table->mark->load == wish.load_generation;
}

/// Keys whose newest row is a tombstone and that the staging table does not hold at all.
void carry_tombstones(const Table& from, Table& to) {
  if (from.kind != Kind::Replacing || to.kind != Kind::Replacing) return;
  for (std::size_t key = 0; key < from.rows.size(); ++key)
    if (from.rows[key].deleted && to.rows[key].version < 0) to.rows[key] = {0, from.rows[key].content, true};
}

void note_exchange(Destination& destination, const SwapWish& wish) {
  for (auto& one : destination.exchanges)
    if (one.target == wish.target && one.load == wish.load_generation) return void(++one.times);
  destination.exchanges.push_back({wish.target, wish.load_generation, 1});
}

std::string free_name(const Destination& destination, const SwapWish& wish) {
  // Without the load that the real name tells, which another crash makes another one.
  const auto wanted = wish.target + "_before";
  auto name = wanted;
  for (int next = 2; destination.table(name); ++next)
    name = fmt::format("{}_{}", wanted, next);
  return name;
}

}  // namespace

Status SimDataplane::drop_table(const char* point, const std::string& name) {
  return stage_.effect_of(point, [&](World& world) { world.destination.edit().drop(name); });
}

Status SimDataplane::swap_one(const Pipe& pipe, const SwapWish& wish, std::vector<std::string>& kept) {
  const auto beside = staging_name(wish.target);
  const auto table = [&](const std::string& name) { return stage_.world.destination->table(name); };
  if (is_wished(table(beside), pipe.uid, wish)) {
    if (is_wished(table(wish.target), pipe.uid, wish))
      return fail(ErrorKind::Terminal, "SwapAmbiguous", "both carry the mark", "load anew");
    if (table(wish.target)) {
      const auto& former = table(wish.target)->mark;
      const bool of_another = former && former->uid != pipe.uid;
      if (!of_another)
        PENSTOCK_TRY(stage_.effect_of("carry tombstones", [&](World& world) {
          auto& destination = world.destination.edit();
          carry_tombstones(*destination.table(wish.target), *destination.table(beside));
        }));
      PENSTOCK_TRY(stage_.effect_of("exchange", [&](World& world) {
        world.destination.edit().exchange(wish.target, beside);
        note_exchange(world.destination.edit(), wish);
      }));
    } else {
      PENSTOCK_TRY(stage_.effect_of("rename", [&](World& world) {
        world.destination.edit().rename(beside, wish.target);
        note_exchange(world.destination.edit(), wish);
      }));
    }
  } else if (!is_wished(table(wish.target), pipe.uid, wish)) {
    return fail(ErrorKind::Terminal, "SwapSourceMissing", "neither is the one", "load anew");
  }
  if (!table(beside)) return {};
  const auto& mark = table(beside)->mark;
  if (mark && (mark->uid == pipe.uid || mark->released)) return drop_table("drop former", beside);
  const auto name = free_name(*stage_.world.destination, wish);
  kept.push_back(fmt::format("{} as {}", wish.target, name));
  return stage_.effect_of("keep former",
                          [&](World& world) { world.destination.edit().rename(beside, name); });
}

Result<SwapFacts> SimDataplane::swap(const Pipe& pipe, const Credentials&,
                                     const std::vector<SwapWish>& tables) {
  const auto& runs = *stage_.world.runs;
  if (runs.stream && !runs.stream->ended) stage_.violated("a swap while the stream runs");
  PENSTOCK_TRY(destination_answers());
  SwapFacts out;
  for (const auto& wish : tables)
    PENSTOCK_TRY(swap_one(pipe, wish, out.kept));
  return out;
}

Status SimDataplane::drop_sources(const Pipe& pipe, bool slots, bool publications,
                                  const std::string& except) {
  const auto to_go = [prefix = own_prefix(pipe.uid), &except](const std::string& name) {
    return name.starts_with(prefix) && name != except;
  };
  if (slots || publications) PENSTOCK_TRY(source_answers());
  if (slots) {
    const auto present = stage_.world.source->slots;
    for (const auto& slot : present) {
      if (!to_go(slot.name)) continue;
      if (slot.read) stage_.violated("a slot is dropped while a stream reads it");
      PENSTOCK_TRY(stage_.effect_of("drop slot", [&](World& world) {
        std::erase_if(world.source.edit().slots, [&](const Slot& one) { return one.name == slot.name; });
      }));
    }
  }
  if (!publications) return {};
  const auto present = stage_.world.source->publications;
  for (const auto& publication : present) {
    if (!publication.exists() || !to_go(publication.name)) continue;
    PENSTOCK_TRY(stage_.effect_of("drop publication", [&](World& world) {
      auto& source = world.source.edit();
      source.publication(publication.name)->become(source.end(), kNoPublication);
    }));
  }
  return {};
}

Status SimDataplane::take_down_former(const Pipe& pipe, const Credentials&) {
  const auto& replication = pipe.status.replication;
  return drop_sources(pipe, replication.owns_slot, replication.owns_publication, replication.slot);
}

Status SimDataplane::release(const Pipe& pipe, const Credentials&, const ReleaseWish& wish) {
  PENSTOCK_TRY(drop_sources(pipe, wish.slot, wish.publication, ""));
  if (wish.targets.empty() && wish.staging.empty() && wish.give_back.empty()) return {};
  PENSTOCK_TRY(destination_answers());
  for (const auto& target : wish.staging)
    if (ours(stage_.world.destination->table(staging_name(target)), pipe.uid))
      PENSTOCK_TRY(drop_table("drop staging", staging_name(target)));
  for (const auto& target : wish.targets)
    if (ours(stage_.world.destination->table(target), pipe.uid))
      PENSTOCK_TRY(drop_table("drop target", target));
  for (const auto& target : wish.give_back)
    if (const auto* table = stage_.world.destination->table(target);
        ours(table, pipe.uid) && !table->mark->released)
      PENSTOCK_TRY(stage_.effect_of(
          "give back", [&](World& world) { world.destination.edit().table(target)->mark->released = true; }));
  return {};
}

}  // namespace penstock::reconcile::simulation
