#pragma once

#include "reconcilers/pipe/ports.hpp"
#include "tests/unit/reconcilers/simulation/stage.hpp"

namespace penstock::reconcile::simulation {

/// An API server with one Pipe: resourceVersions, a status of its own, finalizers.
class SimApi final : public PipeApi {
 public:
  /// `as_stored`: a status is written and read back as JSON, as a real server does.
  SimApi(Stage& stage, bool as_stored) : stage_(stage), as_stored_(as_stored) {}

  Result<std::optional<Pipe>> read(const std::string& ns, const std::string& name) override;
  Result<std::string> write_status(const Pipe& pipe, const PipeStatus& status) override;
  Status confirm_unchanged(const Pipe& pipe) override;
  Status add_finalizer(const Pipe& pipe) override;
  Status remove_finalizer(const Pipe& pipe) override;
  void event(const Pipe& pipe, bool warning, const std::string& reason, const std::string& message) override;
  Result<Secret> read_secret(const std::string& ns, const SecretKeyRef& ref) override;

 private:
  Status write(const char* point, const Pipe& seen, const std::function<void(Pipe&)>& change);

  Stage& stage_;
  const bool as_stored_;
};

}  // namespace penstock::reconcile::simulation
