#pragma once

#include <chrono>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <stop_token>
#include <string>

#include "controller/kube/kube_config.hpp"
#include "controller/kube/resource.hpp"
#include "controller/runtime/list_watch.hpp"
#include "controller/runtime/metrics.hpp"
#include "controller/runtime/object.hpp"
#include "core/clock.hpp"
#include "core/result.hpp"

namespace penstock::kube {

class HttpTransport;
struct HttpAnswer;
struct HttpRequest;

/// Which part of an object a write changes.
enum class Part { Object, Status };

struct ListOptions {
  std::string ns{};  ///< empty: all namespaces
  std::string resource_version =
      "0";  ///< "0": whatever the server has at hand; "": the latest; else not older
  std::string label_selector{};
  std::string field_selector{};
  int page = 500;  ///< objects per request
};

struct WatchOptions {
  std::string ns{};
  std::string resource_version{};
  std::string label_selector{};
  std::string field_selector{};
  std::chrono::seconds timeout{0};  ///< after which the server closes; zero: at random 300 to 600
  Millis slack{30'000};             ///< how much longer we wait for it to do so
  Millis silence{180'000};  ///< without even a bookmark (one a minute) the connection is taken for dead
};

/// DryRun: the server checks the write and answers as if it were done, unknown fields refused; nothing is
/// stored (Kubernetes docs, "Dry-run").
enum class Write { Real, DryRun };

/// A write only happens to the very object or version that is meant; else "Conflict".
struct DeletePreconditions {
  std::string uid{};
  std::string resource_version{};
};

struct KubeClientOptions {
  Millis request_limit{30'000};                   ///< for one request and its answer
  int attempts = 4;                               ///< while the server says 429 or 5xx with Retry-After
  Millis longest_retry_after{10'000};             ///< of which no more than this is waited
  runtime::ControllerMetrics* metrics = nullptr;  ///< outlives the client
};

/// A client of the Kubernetes API for any kind of object, as JSON. Any number of threads; each call blocks
/// its own. Errors are those of api_error.hpp for what the server refuses, and of http_transport.hpp for what
/// never got an answer. After `stop` every call, also one under way, returns Cancelled within a moment.
class KubeClient {
 public:
  static Result<std::unique_ptr<KubeClient>> make(KubeConfig config, KubeClientOptions options = {});
  ~KubeClient();
  KubeClient(const KubeClient&) = delete;
  KubeClient& operator=(const KubeClient&) = delete;

  [[nodiscard]] Result<nlohmann::json> get(const Resource& resource, const runtime::ObjectKey& key);
  /// All pages. A continue token that expires on the way makes it start again with a single request.
  [[nodiscard]] Result<runtime::ObjectList> list(const Resource& resource, const ListOptions& options = {},
                                                 const std::stop_token& stop = {});
  /// In the namespace that the object's metadata names, the configured default if it names none.
  [[nodiscard]] Result<nlohmann::json> create(const Resource& resource, const nlohmann::json& object,
                                              Write write = Write::Real);
  /// Replaces; the object's resourceVersion must be the present one, else "Conflict".
  [[nodiscard]] Result<nlohmann::json> update(const Resource& resource, const nlohmann::json& object,
                                              Part part = Part::Object, Write write = Write::Real);
  /// RFC 7386. With a `resource_version` it fails with "Conflict" unless the object still has it.
  [[nodiscard]] Result<nlohmann::json> merge_patch(const Resource& resource, const runtime::ObjectKey& key,
                                                   nlohmann::json patch, Part part = Part::Object,
                                                   const std::string& resource_version = {});
  /// Also well when finalizers keep the object for now. "NotFound" when there is none.
  [[nodiscard]] Status remove(const Resource& resource, const runtime::ObjectKey& key,
                              const DeletePreconditions& only = {});
  /// One watch, until the server, a failure or `stop` ends it; see runtime::ListWatch. Objects are handed
  /// over on the calling thread.
  [[nodiscard]] runtime::WatchEnd watch(const Resource& resource, const WatchOptions& options,
                                        const runtime::WatchHandler& on_event, const std::stop_token& stop);
  /// Succeeds when the server answers /readyz with 200.
  [[nodiscard]] Status ready();

  [[nodiscard]] const std::string& default_namespace() const { return default_namespace_; }
  void stop() { stop_.request_stop(); }

 private:
  KubeClient(std::unique_ptr<HttpTransport> transport, std::string default_namespace,
             KubeClientOptions options);

  [[nodiscard]] Result<std::string> send(const HttpRequest& request, const std::stop_token& stop = {});
  [[nodiscard]] Result<nlohmann::json> send_for_json(const HttpRequest& request,
                                                     const std::stop_token& stop = {});
  [[nodiscard]] Result<HttpAnswer> send_patiently(const HttpRequest& request, const std::stop_token& stop);
  [[nodiscard]] Result<runtime::ObjectList> list_pages(const Resource& resource, const ListOptions& options,
                                                       const std::stop_token& stop);

  const std::unique_ptr<HttpTransport> transport_;
  const std::string default_namespace_;
  const KubeClientOptions options_;
  std::stop_source stop_;
};

}  // namespace penstock::kube
