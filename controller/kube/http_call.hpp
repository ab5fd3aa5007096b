#pragma once

// cpprestsdk's headers: for http_transport.cpp and http_call.cpp alone.

#include "controller/kube/response_body.hpp"

// after response_body.hpp, which sets what cpprestsdk needs
#include <cpprest/http_client.h>

#include <memory>
#include <string>

#include "controller/kube/kube_config.hpp"
#include "core/result.hpp"

namespace penstock::kube {

/// cpprestsdk's threads, shared by all of the process; to be called before anything else of it.
void start_http_threads();

/// Fails (NeedsUser, "InvalidKubeconfig") on certificates and keys that TLS cannot use.
[[nodiscard]] Status check_tls(const KubeConfig& config);

/// How to connect: TLS by the kubeconfig, TCP keep-alive, no redirects, no timeouts but ours.
[[nodiscard]] web::http::client::http_client_config client_config_of(
    const std::shared_ptr<const KubeConfig>& config, const web::uri& server);

/// Gives `message` a body that is sent at most once.
void set_body(web::http::http_request& message, const std::string& body, const std::string& content_type);

/// One request under way. Whatever becomes of the call, cpprestsdk's threads only touch the shared body.
class HttpCall {
 public:
  void start(web::http::client::http_client& client, const web::http::http_request& message);
  /// Closes the connection; its threads get no more out of us.
  void give_up();
  [[nodiscard]] ResponseBody& body() const { return *body_; }

 private:
  std::shared_ptr<ResponseBody> body_ = std::make_shared<ResponseBody>();
  pplx::cancellation_token_source cancel_;
};

}  // namespace penstock::kube
