#include "tests/unit/reconcilers/simulation/user.hpp"

#include <string>

namespace penstock::reconcile::simulation {
namespace {

void store(Stage& stage, Pipe pipe) {
  auto& api = stage.world.api.edit();
  api.targets_go = pipe.spec.deletion_policy == DeletionPolicy::Delete;
  pipe.resource_version = std::to_string(++api.revision);
  api.stored = std::make_shared<const Pipe>(std::move(pipe));
}

}  // namespace

void touch(Stage& stage) {
  if (const auto stored = stage.world.api->stored) store(stage, *stored);
}

void edit(Stage& stage, const std::function<void(PipeSpec&)>& change) {
  const auto stored = stage.world.api->stored;
  if (!stored || stored->deleting) return;
  Pipe pipe = *stored;
  change(pipe.spec);
  if (pipe.spec == stored->spec) return;
  ++pipe.generation;
  store(stage, std::move(pipe));
}

void remove_pipe(Stage& stage) {
  const auto stored = stage.world.api->stored;
  if (!stored || stored->deleting) return;
  if (stored->finalizers.empty()) {
    stage.world.api.edit().stored.reset();
    return;
  }
  Pipe pipe = *stored;
  pipe.deleting = true;
  pipe.deleting_since = stage.now;
  store(stage, std::move(pipe));
}

void edit_status(Stage& stage, const std::function<void(PipeStatus&)>& change) {
  const auto stored = stage.world.api->stored;
  if (!stored) return;
  Pipe pipe = *stored;
  change(pipe.status);
  store(stage, std::move(pipe));
}

void lose_status(Stage& stage) {
  edit_status(stage, [](PipeStatus& status) { status = {}; });
}

TableSpec table_spec(int table) {
  TableSpec out;
  out.source = kTableNames[static_cast<std::size_t>(table)];
  return out;
}

void create_pipe(Stage& stage, const PipeSpec& spec) {
  Pipe pipe;
  pipe.ns = "data";
  pipe.name = "shop";
  pipe.uid = kUid;
  pipe.generation = 1;
  pipe.spec = spec;
  store(stage, std::move(pipe));
}

void write_row(World& world, int table, int key, bool deleted) {
  world.source.edit().wal.push_back(
      {static_cast<std::int8_t>(table), static_cast<std::int8_t>(key), deleted});
}

}  // namespace penstock::reconcile::simulation
