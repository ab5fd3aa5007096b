#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "controller/kube/kube_client.hpp"
#include "core/clock.hpp"
#include "reconcilers/pipe/forecast.hpp"

namespace penstock::adapters {

/// What applying a manifest would do to the pipe that is there, or to none.
struct PipePlan {
  Pipe pipe;               ///< with the manifest's spec, and the status as it is
  bool is_new = false;     ///< there is no such Pipe yet
  bool unchanged = false;  ///< the spec is the stored one
  reconcile::Forecast forecast;
};

/// Asks the API server to check the manifest (a dry run), then source and destination, and lets the planner
/// decide. Changes nothing. Fails with what the API server says where it refuses the manifest.
[[nodiscard]] Result<PipePlan> plan_manifest(kube::KubeClient& client, const nlohmann::json& manifest,
                                             WallTime now);

/// The plan for a person; ends with a line break.
[[nodiscard]] std::string to_text(const PipePlan& plan);

}  // namespace penstock::adapters
