#include "controller/kube/kube_config.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

#include "core/base64.hpp"

namespace penstock::kube {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kLargestFile = 4 << 20;

tl::unexpected<Error> invalid(const fs::path& file, std::string_view what, std::string cure = {}) {
  return fail(ErrorKind::NeedsUser, "InvalidKubeconfig", fmt::format("{}: {}", file.string(), what),
              std::move(cure));
}

Result<std::string> read_file(const fs::path& file) {
  std::error_code error;
  const auto status = fs::status(file, error);
  if (error || !fs::exists(status)) return invalid(file, "the file does not exist");
  if (!fs::is_regular_file(status)) return invalid(file, "not a file");
  if (fs::file_size(file, error) > kLargestFile || error) return invalid(file, "the file is too large");
  std::ifstream stream(file, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(stream), {}};
  if (!stream) return invalid(file, "the file cannot be read", "Check its permissions.");
  return text;
}

std::string trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1));
}

/// One map of a kubeconfig file, with the file for messages and for paths relative to it.
struct Section {
  YAML::Node node;
  fs::path file;
  std::string where;  // `user "admin"`

  [[nodiscard]] bool has(const char* field) const { return node[field] && !node[field].IsNull(); }

  [[nodiscard]] Result<std::string> text(const char* field) const {
    if (!has(field)) return std::string{};
    if (!node[field].IsScalar()) return invalid(file, fmt::format("{}: {} must be text", where, field));
    return node[field].Scalar();
  }

  [[nodiscard]] Result<bool> flag(const char* field) const {
    PENSTOCK_ASSIGN(const auto value, text(field));
    if (value.empty() || value == "false") return false;
    if (value == "true") return true;
    return invalid(file, fmt::format("{}: {} must be true or false", where, field));
  }

  /// `<field>-data` in base64 or the file that `<field>` names, the former first, as kubectl does.
  [[nodiscard]] Result<std::string> contents(const std::string& field) const {
    PENSTOCK_ASSIGN(const auto data, text((field + "-data").c_str()));
    if (!data.empty()) {
      auto decoded = base64_decode(data);
      if (!decoded) return invalid(file, fmt::format("{}: {}-data is not base64", where, field));
      return *std::move(decoded);
    }
    PENSTOCK_ASSIGN(const auto path, text(field.c_str()));
    if (path.empty()) return std::string{};
    return read_file(file.parent_path() / path);
  }

  [[nodiscard]] Status refuse(std::initializer_list<const char*> fields) const {
    for (const char* field : fields) {
      if (has(field)) {
        return invalid(file, fmt::format("{}: {} is not supported", where, field),
                       "Use a token, a token file or a client certificate.");
      }
    }
    return {};
  }
};

struct KubeconfigFile {
  YAML::Node root;
  fs::path path;
};

Result<KubeconfigFile> read_kubeconfig(const fs::path& path) {
  PENSTOCK_ASSIGN(const auto text, read_file(path));
  try {
    KubeconfigFile file{YAML::Load(text), path};
    if (!file.root.IsMap())
      return invalid(path, "not a kubeconfig: a map with clusters, users and contexts is expected");
    return file;
  } catch (const YAML::Exception& thrown) {
    // The exception's own text may quote the file.
    return invalid(path, fmt::format("not valid YAML, at line {}", thrown.mark.line + 1));
  }
}

/// The entry called `name` in the list `list` ("clusters") under `field` ("cluster"), of the first file that
/// has it.
Result<Section> find_entry(const std::vector<KubeconfigFile>& files, const char* list, const char* field,
                           const std::string& name) {
  for (const auto& file : files) {
    const auto entries = file.root[list];
    if (!entries || entries.IsNull()) continue;
    if (!entries.IsSequence()) return invalid(file.path, fmt::format("{} must be a list", list));
    for (const auto& entry : entries) {
      if (!entry.IsMap() || !entry["name"] || !entry["name"].IsScalar() || entry["name"].Scalar() != name)
        continue;
      if (!entry[field] || !entry[field].IsMap()) {
        return invalid(file.path, fmt::format("{} \"{}\" has no {}", list, name, field));
      }
      return Section{entry[field], file.path, fmt::format("{} \"{}\"", field, name)};
    }
  }
  return invalid(files.front().path, fmt::format("there is no {} called \"{}\"", field, name));
}

Status check_server(const Section& cluster, const std::string& server) {
  const auto refuse = [&](std::string_view what) {
    return invalid(cluster.file, fmt::format("{}: server {}", cluster.where, what),
                   "Write it as https://host:port.");
  };
  if (server.empty()) return refuse("is missing");
  if (!server.starts_with("https://") && !server.starts_with("http://"))
    return refuse("must begin with https://");
  const auto authority = server.substr(server.find("//") + 2);
  const auto host = authority.substr(0, authority.find('/'));
  if (host.empty() || host.front() == ':') return refuse("has no host");
  if (host.front() == '[') return refuse("is an IPv6 address, which is not supported: use the host's name");
  if (authority.find('@') != std::string::npos) return refuse("must not hold credentials");
  const bool plain = std::all_of(server.begin(), server.end(), [](char c) { return c > ' ' && c < 127; });
  if (!plain || authority.find_first_of("?#") != std::string::npos) return refuse("is not a plain URL");
  return {};
}

Status read_cluster(const Section& cluster, KubeConfig& config) {
  PENSTOCK_TRY(cluster.refuse({"proxy-url", "tls-server-name"}));
  PENSTOCK_ASSIGN(config.server, cluster.text("server"));
  PENSTOCK_TRY(check_server(cluster, config.server));
  while (config.server.ends_with('/'))
    config.server.pop_back();
  PENSTOCK_ASSIGN(config.ca_pem, cluster.contents("certificate-authority"));
  PENSTOCK_ASSIGN(config.skip_tls_verify, cluster.flag("insecure-skip-tls-verify"));
  if (config.skip_tls_verify && !config.ca_pem.empty()) {
    return invalid(cluster.file,
                   cluster.where + ": insecure-skip-tls-verify together with a certificate-authority",
                   "Remove one of the two.");
  }
  return {};
}

Status read_user(const Section& user, KubeConfig& config) {
  PENSTOCK_TRY(user.refuse({"exec", "auth-provider", "username", "password", "as", "as-uid", "as-groups"}));
  PENSTOCK_ASSIGN(auto token, user.text("token"));
  config.token = Secret(trimmed(token));
  PENSTOCK_ASSIGN(const auto token_file, user.text("tokenFile"));
  if (!token_file.empty()) config.token_file = user.file.parent_path() / token_file;
  PENSTOCK_ASSIGN(config.client_certificate_pem, user.contents("client-certificate"));
  PENSTOCK_ASSIGN(auto key, user.contents("client-key"));
  config.client_key_pem = Secret(std::move(key));
  if (config.client_certificate_pem.empty() != config.client_key_pem.empty()) {
    return invalid(user.file, user.where + ": client-certificate and client-key belong together");
  }
  return {};
}

Result<KubeConfig> read_current_context(const std::vector<KubeconfigFile>& files) {
  std::string name;
  for (const auto& file : files) {
    const Section top{file.root, file.path, "kubeconfig"};
    PENSTOCK_ASSIGN(name, top.text("current-context"));
    if (!name.empty()) break;
  }
  if (name.empty()) {
    return invalid(files.front().path, "current-context is not set", "Run kubectl config use-context NAME.");
  }
  KubeConfig config;
  PENSTOCK_ASSIGN(const auto context, find_entry(files, "contexts", "context", name));
  PENSTOCK_ASSIGN(const auto cluster_name, context.text("cluster"));
  PENSTOCK_ASSIGN(const auto user_name, context.text("user"));
  PENSTOCK_ASSIGN(const auto ns, context.text("namespace"));
  if (!ns.empty()) config.default_namespace = ns;
  PENSTOCK_ASSIGN(const auto cluster, find_entry(files, "clusters", "cluster", cluster_name));
  PENSTOCK_TRY(read_cluster(cluster, config));
  if (user_name.empty()) return config;
  PENSTOCK_ASSIGN(const auto user, find_entry(files, "users", "user", user_name));
  PENSTOCK_TRY(read_user(user, config));
  return config;
}

Result<KubeConfig> current_context(const std::vector<KubeconfigFile>& files) {
  try {
    return read_current_context(files);
  } catch (const YAML::Exception&) {
    return invalid(files.front().path, "not a kubeconfig");
  }
}

/// As KUBECONFIG lists them; those that do not exist are passed over, as kubectl does.
Result<KubeConfig> load_merged(const std::string& list) {
  std::vector<KubeconfigFile> files;
  for (std::size_t begin = 0; begin <= list.size();) {
    const auto end = std::min(list.find(':', begin), list.size());
    const fs::path path = list.substr(begin, end - begin);
    begin = end + 1;
    std::error_code ignored;
    if (path.empty() || !fs::exists(path, ignored)) continue;
    PENSTOCK_ASSIGN(auto file, read_kubeconfig(path));
    files.push_back(std::move(file));
  }
  if (files.empty()) return invalid(list, "no file that KUBECONFIG names exists");
  return current_context(files);
}

}  // namespace

std::optional<std::string> process_environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody writes the environment
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

Result<KubeConfig> load_kubeconfig(const fs::path& file) {
  std::vector<KubeconfigFile> files(1);
  PENSTOCK_ASSIGN(files.front(), read_kubeconfig(file));
  return current_context(files);
}

Result<KubeConfig> load_in_cluster(const Environment& environment, const fs::path& account) {
  const auto host = environment("KUBERNETES_SERVICE_HOST");
  const auto port = environment("KUBERNETES_SERVICE_PORT");
  std::error_code ignored;
  if (!host || !port || !fs::exists(account / "token", ignored)) {
    return fail(ErrorKind::NeedsUser, "NotInCluster",
                "this process does not run in a pod with a service account",
                "Name a kubeconfig file with --kubeconfig or KUBECONFIG.");
  }
  KubeConfig config;
  // cpprestsdk cannot connect to [fd00::1]; the name stands in every API server's certificate.
  const bool ipv6 = host->find(':') != std::string::npos;
  config.server = "https://" + (ipv6 ? "kubernetes.default.svc" : *host) + ":" + *port;
  config.token_file = account / "token";
  PENSTOCK_ASSIGN(config.ca_pem, read_file(account / "ca.crt"));
  if (const auto ns = read_file(account / "namespace"); ns && !trimmed(*ns).empty()) {
    config.default_namespace = trimmed(*ns);
  }
  return config;
}

Result<KubeConfig> find_kube_config(const fs::path& explicit_file, const Environment& environment) {
  if (!explicit_file.empty()) return load_kubeconfig(explicit_file);
  if (const auto list = environment("KUBECONFIG")) return load_merged(*list);
  auto in_cluster = load_in_cluster(environment);
  if (in_cluster || in_cluster.error().reason != "NotInCluster") return in_cluster;
  const auto home = environment("HOME");
  std::error_code ignored;
  if (home && fs::exists(fs::path(*home) / ".kube" / "config", ignored)) {
    return load_kubeconfig(fs::path(*home) / ".kube" / "config");
  }
  return fail(ErrorKind::NeedsUser, "NoKubeconfig",
              "no kubeconfig was found, and this process does not run in a pod",
              "Name a kubeconfig file with --kubeconfig or KUBECONFIG.");
}

}  // namespace penstock::kube
