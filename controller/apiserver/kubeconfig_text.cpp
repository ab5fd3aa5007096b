#include "controller/apiserver/kubeconfig_text.hpp"

#include <fmt/format.h>

#include "core/base64.hpp"

namespace penstock::apiserver {

Secret kubeconfig_text(const std::string& url, const std::string& certificate_pem, const Secret& token) {
  return Secret(fmt::format(R"(apiVersion: v1
kind: Config
current-context: penstock
clusters:
- name: penstock
  cluster:
    server: {}
    certificate-authority-data: {}
contexts:
- name: penstock
  context:
    cluster: penstock
    user: penstock
    namespace: default
users:
- name: penstock
  user:
    token: {}
)",
                            url, base64_encode(certificate_pem), token.reveal()));
}

}  // namespace penstock::apiserver
