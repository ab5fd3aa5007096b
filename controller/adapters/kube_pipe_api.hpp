#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "controller/adapters/metrics/pipe_meter.hpp"
#include "controller/kube/kube_client.hpp"
#include "controller/runtime/event_recorder.hpp"
#include "reconcilers/pipe/ports.hpp"

namespace penstock::adapters {

/// The reconciler's API port on a Kubernetes API server. The arguments outlive it; `meter` may be null.
/// Thread-safe.
class KubePipeApi final : public reconcile::PipeApi {
 public:
  KubePipeApi(kube::KubeClient& client, runtime::EventRecorder& events, PipeMeter* meter = nullptr)
      : client_(client), events_(events), meter_(meter) {}

  Result<std::optional<Pipe>> read(const std::string& ns, const std::string& name) override;
  Result<std::string> write_status(const Pipe& pipe, const PipeStatus& status) override;
  Status confirm_unchanged(const Pipe& pipe) override;
  Status add_finalizer(const Pipe& pipe) override;
  Status remove_finalizer(const Pipe& pipe) override;
  void event(const Pipe& pipe, bool warning, const std::string& reason, const std::string& message) override;
  Result<Secret> read_secret(const std::string& ns, const SecretKeyRef& ref) override;

 private:
  using MakePatch = std::function<nlohmann::json(const Pipe&)>;
  /// Patches the Pipe while it is the same as `seen` in what matters; `make_patch` is given it as stored.
  Result<nlohmann::json> patch(const Pipe& seen, kube::Part part, const MakePatch& make_patch);
  Status patch_finalizers(const Pipe& pipe, const std::function<void(std::vector<std::string>&)>& change);

  kube::KubeClient& client_;
  runtime::EventRecorder& events_;
  PipeMeter* const meter_;
};

/// As PipeApi::read_secret.
[[nodiscard]] Result<Secret> read_secret(kube::KubeClient& client, const std::string& ns,
                                         const SecretKeyRef& ref);

/// The merge patch (RFC 7386) that turns `before` into `after`; an empty object when they are equal.
[[nodiscard]] nlohmann::json merge_patch_between(const nlohmann::json& before, const nlohmann::json& after);

}  // namespace penstock::adapters
