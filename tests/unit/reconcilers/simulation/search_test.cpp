// Every order of what can happen to a small world, as far as a minute goes.

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "tests/support/sanitizer.hpp"
#include "tests/unit/reconcilers/simulation/invariants.hpp"
#include "tests/unit/reconcilers/simulation/script.hpp"
#include "tests/unit/reconcilers/simulation/search.hpp"
#include "tests/unit/reconcilers/simulation/sim_runs.hpp"

namespace penstock::reconcile::simulation {
namespace {

constexpr int kMostRounds = 300;

State small_world(const PipeSpec& spec, Budget budget) {
  World world;
  write_row(world, 0, 0);
  write_row(world, 1, 0);
  write_row(world, 0, 1);
  Stage stage(std::move(world));
  create_pipe(stage, spec);
  return {stage.world, budget, {}};
}

/// Nothing goes wrong any more, and a person mends what a person must. Empty: the wish is fulfilled.
std::string settles(const State& state) {
  Stage stage(state.world);
  stage.events_are_effects = false;
  if (stage.world.destination->broken) stage.world.destination.edit().broken = 0;
  for (int round = 0; round < kMostRounds; ++round) {
    one_pass(stage);
    step_load(stage);
    step_stream(stage);
    if (!stage.violations.empty()) return stage.violations.front();
    if (unfulfilled(stage.world).empty()) return "";
    const auto& stored = stage.world.api->stored;
    if (stored && stored->status.state == PipeState::Failed && round % 50 == 49)
      edit(stage, [](PipeSpec& spec) { ++spec.resync_generation; });
  }
  return unfulfilled(stage.world) + "\n" + describe(stage.world);
}

/// PENSTOCK_SEARCH=10 looks at ten times as many states; a sanitizer is content with less.
std::size_t as_wanted(std::size_t states) {
  if (test::kSanitized) return states / 50;
  const char* wanted = std::getenv("PENSTOCK_SEARCH");
  return states * (wanted ? static_cast<std::size_t>(std::max(1, std::atoi(wanted))) : 1);
}

void explore(const char* name, const State& first, std::size_t most) {
  Search search(first, as_wanted(most));
  search.run();
  EXPECT_GE(search.states(), as_wanted(most)) << name << ": the world is smaller than it should be";
  for (const auto& one : search.found())
    ADD_FAILURE() << name << ": " << one.what << "\n  " << fmt::format("{}", fmt::join(one.path, "\n  "));
  int failures = 0;
  for (const auto& [state, node] : search.samples()) {
    const auto problem = settles(state);
    if (problem.empty() || ++failures > 3) continue;
    ADD_FAILURE() << name << " does not settle: " << problem << "\n  from\n"
                  << describe(state.world) << "\n  "
                  << fmt::format("{}", fmt::join(search.path_to(node), "\n  "));
  }
  fmt::print("{}: {} states, all that {} disturbances lead to; {} of them settle\n", name, search.states(),
             search.complete_up_to(), search.samples().size());
  std::fflush(stdout);
}

TEST(Search, Cdc) {
  explore("CDC", small_world(script::two_tables(), {2, 2, 2, 1, 2}), 700'000);
}
TEST(Search, SnapshotOnly) {
  explore("SnapshotOnly", small_world(script::two_tables(Mode::SnapshotOnly), {3, 3, 2, 0, 2}), 100'000);
}
TEST(Search, CdcOnly) {
  explore("CDCOnly", small_world(script::two_tables(Mode::CdcOnly), {3, 3, 2, 1, 0}), 100'000);
}
TEST(Search, Logs) {
  const auto spec = script::with(script::two_tables(),
                                 [](PipeSpec& one) { one.tables[1].engine = TableEngine::MergeTree; });
  explore("a log beside", small_world(spec, {2, 2, 2, 1, 0}), 100'000);
}
TEST(Search, OtherTargets) {
  explore("other targets", small_world(script::two_tables(), {2, 2, 1, 0, 0, 2}), 100'000);
}
TEST(Search, DeletingTargets) {
  const auto spec = script::with(script::two_tables(), [](PipeSpec& one) {
    one.deletion_policy = DeletionPolicy::Delete;
    one.tables.pop_back();
  });
  explore("one table, policy Delete", small_world(spec, {2, 3, 2, 1, 2}), 100'000);
}
TEST(Search, DeletingTargetsOfTwo) {
  const auto spec = script::deleting_targets(script::two_tables());
  explore("two tables, policy Delete", small_world(spec, {2, 3, 1, 0, 0}), 100'000);
}

}  // namespace
}  // namespace penstock::reconcile::simulation
