#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "controller/kube/kube_config.hpp"
#include "controller/runtime/metrics.hpp"
#include "core/clock.hpp"
#include "core/result.hpp"

namespace penstock::kube {

struct HttpRequest {
  std::string method;  ///< "GET"
  std::string target;  ///< path and query, escaped
  std::string content_type{};
  std::string body{};
  std::string doing{};  ///< for messages: "get pipes.penstock.dev data/shop"

  [[nodiscard]] bool writes() const { return method != "GET"; }
};

struct HttpAnswer {
  int status = 0;
  Millis retry_after{0};  ///< zero: the server did not say
  std::string body;
};

/// HTTP to one API server, over cpprestsdk, which does not show outside. Any number of threads; each call
/// blocks its own. Redirects are not followed: the token would follow them.
///
/// Failures: "ApiServerUnreachable" (Transient) when nothing was sent; "ConnectionLost" or "Timeout" when the
/// answer was lost, which is InDoubt for a write; "Cancelled" within a moment of `stop`.
class HttpTransport {
 public:
  /// Fails (NeedsUser, "InvalidKubeconfig") on certificates and addresses that cannot be used.
  static Result<std::unique_ptr<HttpTransport>> make(KubeConfig config, runtime::ControllerMetrics& metrics);
  ~HttpTransport();

  /// The whole answer, of at most 512 MiB, within `limit`.
  [[nodiscard]] Result<HttpAnswer> exchange(const HttpRequest& request, Millis limit,
                                            const std::stop_token& stop);

  /// A 200 whose body goes to `on_bytes` as it comes, on the calling thread; the answer then has no body. It
  /// ends well when the server ends it, with the error of `on_bytes`, or with "Timeout" after `limit` or when
  /// nothing came for `silence`. Any other status is returned with its body.
  [[nodiscard]] Result<HttpAnswer> stream(const HttpRequest& request,
                                          const std::function<Status(std::string_view)>& on_bytes,
                                          Millis limit, Millis silence, const std::stop_token& stop);

 private:
  class Impl;
  explicit HttpTransport(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::kube
