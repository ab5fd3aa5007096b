#include "controller/kube/resource.hpp"

#include <fmt/format.h>

namespace penstock::kube {
namespace {

/// RFC 3986, section 2.3: whatever is not unreserved is escaped.
std::string escaped(std::string_view text) {
  static constexpr std::string_view kUnreserved =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string out;
  for (const char c : text) {
    if (kUnreserved.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace

Resource pipes() {
  return {"penstock.dev", "v1alpha1", "pipes"};
}
Resource secrets() {
  return {"", "v1", "secrets"};
}
Resource config_maps() {
  return {"", "v1", "configmaps"};
}
Resource namespaces() {
  return {"", "v1", "namespaces", false};
}
Resource events() {
  return {"", "v1", "events"};
}
Resource leases() {
  return {"coordination.k8s.io", "v1", "leases"};
}

std::string path_of(const Resource& resource, std::string_view ns, std::string_view name,
                    std::string_view subresource) {
  std::string path = resource.group.empty() ? "/api/" : "/apis/" + resource.group + "/";
  path += resource.version;
  if (resource.namespaced && !ns.empty()) path += "/namespaces/" + escaped(ns);
  path += "/" + resource.plural;
  if (!name.empty()) path += "/" + escaped(name);
  if (!subresource.empty()) path += "/" + std::string(subresource);
  return path;
}

std::string query_of(const std::map<std::string, std::string>& parameters) {
  std::string query;
  for (const auto& [name, value] : parameters) {
    if (value.empty()) continue;
    query += (query.empty() ? "?" : "&") + escaped(name) + "=" + escaped(value);
  }
  return query;
}

}  // namespace penstock::kube
