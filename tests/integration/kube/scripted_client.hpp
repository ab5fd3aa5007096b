#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "controller/kube/kube_client.hpp"
#include "tests/integration/kube/scripted_server.hpp"

namespace penstock::kube {

inline constexpr const char* kToken = "hunter2-token";
inline const runtime::ObjectKey kShop{"data", "shop"};

inline std::unique_ptr<KubeClient> client_of(const std::string& url, KubeClientOptions options = {}) {
  KubeConfig config;
  config.server = url;
  config.token = Secret(kToken);
  config.default_namespace = "team";
  auto client = KubeClient::make(std::move(config), options);
  if (!client) throw std::runtime_error(client.error().text());
  return *std::move(client);
}

/// A Status object as the API answers with.
inline std::string status(int code, const std::string& reason) {
  return nlohmann::json{{"kind", "Status"}, {"code", code}, {"reason", reason}, {"message", "because"}}
      .dump();
}

/// Answers every request with the object it carries, or a small one.
inline void echo(const test::SeenRequest& request, test::Wire& wire) {
  wire.answer(200, request.body.empty() ? R"({"metadata":{"name":"shop"}})" : request.body);
}

}  // namespace penstock::kube
