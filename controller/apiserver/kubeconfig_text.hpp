#pragma once

#include <string>

#include "core/secret.hpp"

namespace penstock::apiserver {

/// A kubeconfig for one server and one token, namespace "default", as YAML. It holds the token: mode 0600.
[[nodiscard]] Secret kubeconfig_text(const std::string& url, const std::string& certificate_pem,
                                     const Secret& token);

}  // namespace penstock::apiserver
