#include "controller/adapters/pipe_controller.hpp"

#include <nlohmann/json.hpp>

#include "core/log.hpp"
#include "reconcilers/placement/placement.hpp"

namespace penstock::adapters {

PipeController::PipeController(kube::KubeClient& client, const Clock& clock, PipeControllerOptions options)
    : clock_(clock),
      options_(std::move(options)),
      event_sink_(client, "penstock", options_.worker),
      events_(event_sink_, clock),
      api_(client, events_, options_.metrics ? &options_.metrics->meter() : nullptr),
      list_watch_(client, kube::pipes()),
      informer_("pipes", list_watch_),
      controller_({"pipe", options_.threads, options_.metrics ? &options_.metrics->controller() : nullptr},
                  [this](const runtime::ObjectKey& key) { return pass(key); }) {
  informer_.on_change([this](const runtime::Object& before, const runtime::Object& after) {
    const auto& object = after ? after : before;
    const bool replaced = before && (!after || runtime::uid_of(*before) != runtime::uid_of(*after));
    if (before && !replaced) interrupt(*before, *after);
    if (replaced && reconciler_) reconciler_->forget(runtime::uid_of(*before));
    if (replaced && options_.metrics) options_.metrics->meter().forget(runtime::uid_of(*before));
    controller_.enqueue(runtime::key_of(*object));
  });
}

Status PipeController::start() {
  dataplane_ = std::make_unique<PipelineDataplane>(
      DataplaneHooks{
          [this](const runtime::ObjectKey& key) { controller_.enqueue(key); },
          [this](const std::string& uid, const postgres::SlotFacts& slot) {
            if (options_.metrics)
              options_.metrics->meter().note_slot(uid, SlotMeasures{slot.retained_bytes, slot.safe_wal_size});
          },
          [this](const std::string& uid, const std::string& server,
                 const std::vector<postgres::SlotFacts>& slots) {
            if (options_.metrics) options_.metrics->meter().note_slots(uid, server, slots);
          },
          [this](const std::string& uid, const reconcile::Runs& runs) {
            if (!options_.metrics) return;
            options_.metrics->meter().note_run(uid, "load", runs.load.tables);
            options_.metrics->meter().note_run(uid, "stream", runs.stream.tables);
          },
          [this] { return stored_pipes(); }},
      options_.table_patience);
  reconciler_ = std::make_unique<reconcile::PipeReconciler>(api_, *dataplane_, clock_, options_.worker);
  PENSTOCK_TRY(controller_.start());
  PENSTOCK_TRY(informer_.start());
  if (options_.metrics)
    options_.metrics->show({"pipe", options_.threads, [this] { return controller_.queue().in_work(); },
                            [this] { return stored_pipes(); }});
  return {};
}

void PipeController::stop() {
  if (options_.metrics) options_.metrics->hide();
  informer_.stop();
  if (dataplane_) dataplane_->interrupt_all();
  controller_.stop();
  reconciler_.reset();
  dataplane_.reset();
}

std::vector<Pipe> PipeController::stored_pipes() const {
  std::vector<Pipe> out;
  for (const auto& object : informer_.list())
    if (auto pipe = read_pipe(*object)) out.push_back(*std::move(pipe));
  return out;
}

Status PipeController::give_to_a_worker(Pipe& pipe) {
  const auto worker = reconcile::place(pipe, {options_.worker}, stored_pipes());
  return worker ? reconciler_->give_to(pipe, *worker) : Status{};
}

void PipeController::interrupt(const nlohmann::json& before, const nlohmann::json& after) {
  if (!dataplane_) return;
  const auto deleting = [](const nlohmann::json& object) {
    return object.at("metadata").contains("deletionTimestamp");
  };
  const auto generation = [](const nlohmann::json& object) {
    return object.at("metadata").value("generation", std::int64_t{0});
  };
  if (deleting(after) && !deleting(before))
    dataplane_->interrupt(runtime::uid_of(after), Interruption::Removed);
  else if (generation(after) != generation(before))
    dataplane_->interrupt(runtime::uid_of(after), Interruption::Changed);
}

runtime::ReconcileResult PipeController::pass(const runtime::ObjectKey& key) {
  const auto seen = informer_.get(key);
  if (!seen) return runtime::Requeue{};
  dataplane_->begin_calls(runtime::uid_of(*seen));
  const auto object = informer_.get(key);
  if (!object || runtime::uid_of(*object) != runtime::uid_of(*seen))
    return runtime::Requeue{};  // its event follows
  auto pipe = read_pipe(*object);
  if (!pipe) {
    log::error("pipe", "{}: {}", key.text(), pipe.error().text());
    return runtime::Requeue{};
  }
  // Compute is shared and here already: a pipe is recorded as Provisioning first, then given a worker.
  if (pipe->has_finalizer && pipe->status.state && pipe->status.worker != options_.worker)
    if (const auto given = give_to_a_worker(*pipe); !given && given.error().reason != "Conflict")
      return fail(given.error());
  PENSTOCK_ASSIGN(const auto again, reconciler_->reconcile(*std::move(pipe)));
  return runtime::Requeue{again};
}

}  // namespace penstock::adapters
