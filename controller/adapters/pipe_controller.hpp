#pragma once

#include <memory>
#include <string>

#include "controller/adapters/kube_pipe_api.hpp"
#include "controller/adapters/metrics/metrics.hpp"
#include "controller/adapters/pipeline_dataplane.hpp"
#include "controller/kube/kube_client.hpp"
#include "controller/kube/kube_event_sink.hpp"
#include "controller/kube/kube_list_watch.hpp"
#include "controller/runtime/controller.hpp"
#include "controller/runtime/informer.hpp"
#include "reconcilers/pipe/pipe_reconciler.hpp"

namespace penstock::adapters {

struct PipeControllerOptions {
  std::string worker;                        ///< our name: pipes without a worker are given to it
  pipeline::TablePatience table_patience{};  ///< how long a table that fails is tried before it is set apart
  int threads = 16;            ///< pipes reconciled side by side; a pass mostly waits for servers
  Metrics* metrics = nullptr;  ///< outlives the controller; null: none
};

/// Placement and pipe reconciler in one process, as `penstock dev` runs them: watches Pipes, reconciles them,
/// runs their loads and streams. `client` and `clock` outlive it. start() and stop() belong to one thread.
class PipeController {
 public:
  PipeController(kube::KubeClient& client, const Clock& clock, PipeControllerOptions options);
  ~PipeController() { stop(); }

  /// Fails where there are no threads to have.
  [[nodiscard]] Status start();
  /// Finishes passes under way and ends all runs; within a few seconds.
  void stop();

 private:
  runtime::ReconcileResult pass(const runtime::ObjectKey& key);
  /// Ends the calls that are under way for a Pipe whose spec has changed, or that is being deleted.
  void interrupt(const nlohmann::json& before, const nlohmann::json& after);
  Status give_to_a_worker(Pipe& pipe);
  [[nodiscard]] std::vector<Pipe> stored_pipes() const;

  const Clock& clock_;
  const PipeControllerOptions options_;
  kube::KubeEventSink event_sink_;
  runtime::EventRecorder events_;
  KubePipeApi api_;
  kube::KubeListWatch list_watch_;
  runtime::Informer informer_;
  runtime::Controller controller_;
  std::unique_ptr<PipelineDataplane> dataplane_;
  std::unique_ptr<reconcile::PipeReconciler> reconciler_;
};

}  // namespace penstock::adapters
