#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "controller/apiserver/http_listener.hpp"
#include "core/clock.hpp"
#include "core/result.hpp"
#include "crds/crd.hpp"

namespace penstock::apiserver {

/// A CustomResourceDefinition to serve.
struct CustomKind {
  const nlohmann::json* crd = nullptr;  ///< read during start() only
  /// Run after the schema on create and on a change of spec, from any of the server's threads; may be empty.
  std::function<std::vector<FieldError>(const nlohmann::json& object, const nlohmann::json* old_object)>
      validator{};
};

struct ApiServerOptions {
  std::string data_dir{};          ///< made when there is none; one process at a time
  std::string host = "127.0.0.1";  ///< a loopback address, or "localhost"
  std::uint16_t port = 0;          ///< 0: any free one
  std::vector<CustomKind> kinds{};
  std::string version = "v1.32.0+penstock";  ///< gitVersion in /version

  // What tests turn; the defaults are Kubernetes'.
  const Clock* clock = nullptr;  ///< null: the system's; must outlive the server
  int threads = 4;
  std::chrono::milliseconds bookmark_interval{60'000};
  std::chrono::seconds event_ttl{3600};
  std::size_t window_changes = 10'000;             ///< how far back a watch may start, in changes
  std::size_t window_bytes = 64U << 20U;           ///< and in bytes of JSON
  std::chrono::milliseconds slow_watcher{30'000};  ///< a watcher that takes no bytes for so long is dropped
  RequestLimits limits{};
};

/// The embedded Kubernetes-compatible API: HTTPS on loopback with a bearer token, state in DIR/state.db, and
/// a DIR/kubeconfig (mode 0600) that is there once the server answers. Token and certificate survive
/// restarts.
class ApiServer {
 public:
  /// Serves when it returns. Fails with DataDirectoryInUse, DataDirectoryUnusable, StateFileDamaged,
  /// StateFileUnusable, StateFileTooNew, PortInUse, ListenFailed or InvalidCrd, each naming what and the
  /// cure.
  [[nodiscard]] static Result<std::unique_ptr<ApiServer>> start(const ApiServerOptions& options);
  /// Stops.
  ~ApiServer();
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  /// "https://127.0.0.1:6443".
  [[nodiscard]] const std::string& url() const;
  [[nodiscard]] const std::string& kubeconfig_path() const;

  /// Ends all connections and waits for the threads, two seconds at most; then the directory is free.
  /// Idempotent; not from one of the server's own threads.
  void stop();

 private:
  class Impl;
  explicit ApiServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::apiserver
