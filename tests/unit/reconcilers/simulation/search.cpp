#include "tests/unit/reconcilers/simulation/search.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "reconcilers/pipe/pipe_reconciler.hpp"
#include "tests/unit/reconcilers/simulation/sim_api.hpp"
#include "tests/unit/reconcilers/simulation/sim_dataplane.hpp"
#include "tests/unit/reconcilers/simulation/sim_runs.hpp"
#include "tests/unit/reconcilers/simulation/user.hpp"

namespace penstock::reconcile::simulation {
namespace {

constexpr std::size_t kSampleEvery = 150;
constexpr std::size_t kMostFound = 3;

std::uint64_t mix(std::uint64_t seed, std::uint64_t value) {
  seed ^= value + 0x9E3779B97F4A7C15ULL + (seed << 6) + (seed >> 2);
  return seed * 0xFF51AFD7ED558CCDULL;
}

std::uint64_t key_of(const State& state) {
  std::uint64_t out = 0;
  for (const auto part : state.hashes)
    out = mix(out, part);
  const auto& b = state.budget;
  for (const auto left : {b.faults, b.wishes, b.changes, b.losses, b.refusals, b.renames})
    out = mix(out, static_cast<std::uint64_t>(left));
  return out;
}

/// A table that is refused is made anew again and again, for ever.
bool is_too_far(const World& world) {
  constexpr std::int64_t kMostLoads = 5;
  const auto& stored = world.api->stored;
  return stored && std::any_of(stored->status.tables.begin(), stored->status.tables.end(),
                               [](const TableStatus& table) { return table.load_generation > kMostLoads; });
}

Budget less(Budget budget, std::int8_t Budget::*what) {
  --(budget.*what);
  return budget;
}

}  // namespace

void one_pass(Stage& stage) {
  const auto stored = stage.world.api->stored;
  if (!stored) return;
  const StageClock clock(stage);
  SimApi api(stage, false);
  SimDataplane dataplane(stage);
  PipeReconciler reconciler(api, dataplane, clock, kWorker);
  Pipe pipe = *stored;
  if (pipe.has_finalizer && pipe.status.state && pipe.status.worker.empty() && !pipe.deleting) {
    pipe.status.worker = kWorker;
    const auto written = api.write_status(pipe, pipe.status);
    if (!written) return;
    pipe.resource_version = *written;
  }
  static_cast<void>(reconciler.reconcile(std::move(pipe)));
  if (reconciler.passes_cut_short() > 0) stage.violated("a pass goes in circles");
}

void restart(World& world) {
  const auto& slots = world.source->slots;
  if (std::any_of(slots.begin(), slots.end(), [](const Slot& slot) { return slot.read; }))
    for (auto& slot : world.source.edit().slots)
      slot.read = false;
  if (!(*world.runs == RunState{})) world.runs.edit() = {};
}

Search::Search(const State& first, std::size_t most_states) : most_(most_states) {
  Stage stage(first.world);
  names_.emplace_back("first");
  nodes_.push_back({});
  add(stage, {first, 0}, "first", first.budget, false);
}

std::vector<std::string> Search::path_to(std::size_t node) const {
  std::vector<std::string> out;
  for (; node != 0; node = nodes_[node].parent)
    out.push_back(names_[nodes_[node].step]);
  std::reverse(out.begin(), out.end());
  return out;
}

template <typename Part>
void Search::intern(Cow<Part>& part, const Cow<Part>& before, std::uint64_t& hash,
                    std::unordered_map<std::uint64_t, Cow<Part>>& all) {
  if (part.is(before) && hash != 0) return;
  hash = hash_of(*part);
  part = all.try_emplace(hash, part).first->second;
}

void Search::add(Stage& stage, const Open& from, const std::string& name, Budget left, bool costs) {
  const auto [number, fresh_name] =
      name_numbers_.try_emplace(name, static_cast<std::uint32_t>(names_.size()));
  if (fresh_name) names_.push_back(name);
  State state{stage.world, left, from.state.hashes};
  intern(state.world.source, from.state.world.source, state.hashes[0], sources_);
  intern(state.world.destination, from.state.world.destination, state.hashes[1], destinations_);
  intern(state.world.runs, from.state.world.runs, state.hashes[2], runs_);
  intern(state.world.api, from.state.world.api, state.hashes[3], apis_);
  const auto node = static_cast<std::uint32_t>(nodes_.size());
  if (!stage.violations.empty() && found_.size() < kMostFound) {
    nodes_.push_back({from.node, number->second});
    found_.push_back({stage.violations.front() + "\n" + describe(stage.world), path_to(node)});
    return;
  }
  if (is_too_far(state.world) || !known_.insert(key_of(state)).second) return;
  nodes_.push_back({from.node, number->second});
  if (known_.size() % kSampleEvery == 0) samples_.emplace_back(state, node);
  (costs ? next_ : open_).push_back({std::move(state), node});
}

int Search::take(const Open& open, const std::string& name, const Step& step, Budget left, bool costs,
                 const FaultPlan& faults) {
  Stage stage(open.state.world);
  stage.faults = faults;
  stage.events_are_effects = false;
  try {
    step(stage);
  } catch (const Died&) {
    restart(stage.world);
  }
  add(stage, open, name, left, costs);
  return stage.effects;
}

/// A pass as it should go, then one that is struck at each of its effects.
void Search::expand_pass(const Open& open) {
  const auto& budget = open.state.budget;
  const int effects = take(open, "pass", one_pass, budget, false);
  if (budget.faults == 0) return;
  const auto left = less(budget, &Budget::faults);
  for (int at = 0; at < effects; ++at)
    for (const auto fault : {Fault::DieBefore, Fault::DieAfter, Fault::AnswerLost, Fault::Fails})
      take(open, fmt::format("pass, {} effect {}", to_text(fault), at), one_pass, left, true, {{at, fault}});
}

void Search::expand_runs(const Open& open) {
  const auto& budget = open.state.budget;
  const auto& runs = *open.state.world.runs;
  const bool loads = runs.load && !runs.load->ended, streams = runs.stream && !runs.stream->ended;
  const auto stepping = [&](const char* name, auto step) {
    take(
        open, name, [&](Stage& stage) { step(stage); }, budget, false);
  };
  if (loads) stepping("load", step_load);
  if (streams && runs.stream->connected) stepping("confirm", confirm_received);
  if (streams && runs.stream->connected && !runs.stream->stopping) stepping("deliver", deliver_next);
  if (streams) stepping("stream", step_stream);
  if (budget.faults == 0 || runs == RunState{}) return;
  const auto left = less(budget, &Budget::faults);
  take(
      open, "crash", [](Stage& stage) { restart(stage.world); }, left, true);
  for (const auto fault : {Fault::AnswerLost, Fault::Fails}) {
    if (loads)
      take(open, fmt::format("load, {}", to_text(fault)), [](Stage& stage) { step_load(stage); }, left, true,
           {{0, fault}});
    if (streams)
      take(open, fmt::format("stream, {}", to_text(fault)), [](Stage& stage) { step_stream(stage); }, left,
           true, {{0, fault}});
  }
}

void Search::expand_rows_and_servers(const Open& open) {
  const auto& budget = open.state.budget;
  if (budget.changes > 0) {
    // An update and a deletion, of either table in turn.
    const int table = budget.changes % 2;
    take(
        open, fmt::format("change table {}", table),
        [&](Stage& stage) { write_row(stage.world, table, 0, budget.changes > 2); },
        less(budget, &Budget::changes), true);
  }
  const auto& slots = open.state.world.source->slots;
  if (budget.losses > 0 && !slots.empty())
    take(
        open, "the slot is lost",
        [](Stage& stage) {
          auto& slot = stage.world.source.edit().slots.back();
          slot.lost = true;
          slot.read = false;
        },
        less(budget, &Budget::losses), true);
  if (budget.refusals > 0)
    take(
        open, "rows of table 0 are refused, or taken again",
        [](Stage& stage) {
          auto& destination = stage.world.destination.edit();
          destination.broken = destination.broken ? std::int8_t{0} : std::int8_t{1};
        },
        less(budget, &Budget::refusals), true);
  const auto& stream = open.state.world.runs->stream;
  if (stream && std::any_of(stream->tables.begin(), stream->tables.end(), [](const StreamTable& table) {
        return table.held && table.held_since != WallTime{};
      }))
    take(
        open, "patience ends",
        [](Stage& stage) {
          for (auto& table : stage.world.runs.edit().stream->tables)
            table.held_since = {};
        },
        budget, false);
}

void Search::expand_wishes(const Open& open) {
  const auto& stored = open.state.world.api->stored;
  if (open.state.budget.wishes == 0 || !stored || stored->deleting) return;
  const auto left = less(open.state.budget, &Budget::wishes);
  const auto wish = [&](const char* name, const std::function<void(PipeSpec&)>& change) {
    take(
        open, name, [&](Stage& stage) { edit(stage, change); }, left, true);
  };
  wish(stored->spec.paused ? "resume" : "pause", [](PipeSpec& spec) { spec.paused = !spec.paused; });
  wish("bump", [](PipeSpec& spec) { ++spec.resync_generation; });
  wish("bump table 0", [](PipeSpec& spec) { ++spec.tables[0].resync_generation; });
  if (stored->spec.tables.size() > 1)
    wish("take table 1 out", [](PipeSpec& spec) { spec.tables.pop_back(); });
  else
    wish("add table 1", [](PipeSpec& spec) { spec.tables.push_back(table_spec(1)); });
  if (open.state.budget.renames > 0)
    take(
        open, "another target for table 0, which is bumped",
        [](Stage& stage) {
          edit(stage, [](PipeSpec& spec) {
            spec.tables[0].target = spec.tables[0].target.empty() ? "z" : "";
            ++spec.tables[0].resync_generation;
          });
        },
        less(left, &Budget::renames), true);
  take(
      open, "delete", [](Stage& stage) { remove_pipe(stage); }, left, true);
}

void Search::expand(const Open& open) {
  if (!open.state.world.api->stored) return;
  expand_pass(open);
  expand_runs(open);
  expand_rows_and_servers(open);
  expand_wishes(open);
}

void Search::run() {
  while (known_.size() < most_ && found_.size() < kMostFound) {
    if (open_.empty()) {
      if (next_.empty()) return;
      ++level_;
      std::swap(open_, next_);
    }
    const Open open = std::move(open_.front());
    open_.pop_front();
    expand(open);
  }
}

}  // namespace penstock::reconcile::simulation
