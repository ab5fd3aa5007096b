#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "controller/kube/kube_client.hpp"

namespace penstock::chaos {

/// The Pipes as the API has them, looked at ten times a second; and what is done to them. Any thread.
class WatchedPipes {
 public:
  explicit WatchedPipes(const std::string& kubeconfig);
  ~WatchedPipes();

  /// Throws std::runtime_error when it is refused.
  void create(const nlohmann::json& pipe);
  void patch_spec(const std::string& name, const nlohmann::json& spec);
  void remove(const std::string& name);

  /// Null where there is none.
  [[nodiscard]] nlohmann::json get(const std::string& name) const;
  /// How long until the condition holds of the Pipe (null: it is gone); nullopt: not within `limit`.
  [[nodiscard]] std::optional<std::chrono::milliseconds> wait(
      const std::string& name, const std::function<bool(const nlohmann::json&)>& holds,
      std::chrono::milliseconds limit) const;

 private:
  void look(const std::stop_token& stop);

  std::unique_ptr<kube::KubeClient> client_;
  mutable std::mutex mutex_;
  std::map<std::string, nlohmann::json> pipes_;
  std::jthread thread_;
};

[[nodiscard]] std::string state_of(const nlohmann::json& pipe);
/// "True: Running", of the condition Ready.
[[nodiscard]] std::string ready_of(const nlohmann::json& pipe);
[[nodiscard]] bool is_ready(const nlohmann::json& pipe);

}  // namespace penstock::chaos
