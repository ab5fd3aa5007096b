#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "core/secret.hpp"

namespace penstock::kube {

/// Where the API server is and who we are to it.
struct KubeConfig {
  std::string server;  ///< "https://10.96.0.1:443", without a final slash; http:// is allowed
  std::string default_namespace = "default";
  std::string ca_pem;  ///< who may sign the server's certificate; empty: the system's authorities
  bool skip_tls_verify = false;
  Secret token;                      ///< bearer token; empty: none
  std::filesystem::path token_file;  ///< read anew for every request, as tokens rotate; wins over `token`
  std::string client_certificate_pem;
  Secret client_key_pem;

  bool operator==(const KubeConfig&) const = default;
};

/// The environment, so that tests need not change their own.
using Environment = std::function<std::optional<std::string>(const char* name)>;
[[nodiscard]] std::optional<std::string> process_environment(const char* name);

/// The current context of a kubeconfig file (Kubernetes docs, "Organizing Cluster Access Using kubeconfig
/// Files"). Reason "InvalidKubeconfig" (NeedsUser) says what is wrong in which file; credentials are never
/// quoted. What is not supported is refused, never passed over: exec and auth-provider plugins, passwords,
/// proxy-url, tls-server-name, impersonation.
[[nodiscard]] Result<KubeConfig> load_kubeconfig(const std::filesystem::path& file);

inline constexpr const char* kServiceAccount = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The service account of the pod we run in (Kubernetes docs, "Accessing the Kubernetes API from a Pod");
/// `account` is the directory with token, ca.crt and namespace. Reason "NotInCluster" when there is none.
[[nodiscard]] Result<KubeConfig> load_in_cluster(const Environment& environment,
                                                 const std::filesystem::path& account = kServiceAccount);

/// In this order: `explicit_file` (--kubeconfig) when not empty; the files of KUBECONFIG, of which the first
/// to define a thing wins; the pod's service account; $HOME/.kube/config.
[[nodiscard]] Result<KubeConfig> find_kube_config(const std::filesystem::path& explicit_file,
                                                  const Environment& environment = process_environment);

}  // namespace penstock::kube
