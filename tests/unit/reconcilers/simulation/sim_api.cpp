#include "tests/unit/reconcilers/simulation/sim_api.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace penstock::reconcile::simulation {
namespace {

tl::unexpected<Error> conflict() {
  return fail(ErrorKind::Transient, "Conflict", "the pipe was changed by somebody else meanwhile");
}

bool is_stored(const World& world, const Pipe& seen) {
  const auto& stored = world.api->stored;
  if (!stored || stored->uid != seen.uid) return false;
  return stored->resource_version == seen.resource_version || same_in_what_matters(seen, *stored);
}

}  // namespace

Status SimApi::write(const char* point, const Pipe& seen, const std::function<void(Pipe&)>& change) {
  return stage_.effect(point, [&](World& world) -> Status {
    if (!is_stored(world, seen)) return conflict();
    auto& api = world.api.edit();
    Pipe pipe = *api.stored;
    change(pipe);
    pipe.resource_version = std::to_string(++api.revision);
    if (pipe.deleting && pipe.finalizers.empty())
      api.stored.reset();
    else
      api.stored = std::make_shared<const Pipe>(std::move(pipe));
    return {};
  });
}

Result<std::string> SimApi::write_status(const Pipe& pipe, const PipeStatus& status) {
  auto stored = as_stored_ ? read_status(penstock::write_status(status)) : status;
  if (!stored) return fail(stored.error());
  PENSTOCK_TRY(write("write status", pipe, [&](Pipe& p) { p.status = *stored; }));
  return stage_.world.api->stored->resource_version;
}

Result<std::optional<Pipe>> SimApi::read(const std::string&, const std::string&) {
  const auto& stored = stage_.world.api->stored;
  return stored ? std::optional(*stored) : std::nullopt;
}

Status SimApi::confirm_unchanged(const Pipe& pipe) {
  if (!is_stored(stage_.world, pipe)) return conflict();
  return {};
}

Status SimApi::add_finalizer(const Pipe& pipe) {
  return write("add finalizer", pipe, [](Pipe& p) {
    p.finalizers.emplace_back(kPipeFinalizer);
    p.has_finalizer = true;
  });
}

Status SimApi::remove_finalizer(const Pipe& pipe) {
  if (!stage_.world.api->stored || stage_.world.api->stored->uid != pipe.uid) return {};
  return write("remove finalizer", pipe, [](Pipe& p) {
    p.finalizers.clear();
    p.has_finalizer = false;
  });
}

void SimApi::event(const Pipe&, bool warning, const std::string& reason, const std::string& message) {
  if (!stage_.events_are_effects) return;
  static_cast<void>(stage_.effect_of("event", [&](World&) {
    if (stage_.tracing) stage_.trace.back() += " " + reason + ": " + message;
    stage_.events.push_back((warning ? "Warning " : "Normal ") + reason + ": " + message);
  }));
}

Result<Secret> SimApi::read_secret(const std::string&, const SecretKeyRef&) {
  if (stage_.world.api->secret_there) return Secret("s");
  return fail(ErrorKind::NeedsUser, "SecretMissing", "Secret data/s does not exist", "create it");
}

}  // namespace penstock::reconcile::simulation
