#include "controller/apiserver/resource_path.hpp"

namespace penstock::apiserver {

std::optional<ResourcePath> resource_path(const Registry& registry,
                                          const std::vector<std::string>& segments) {
  if (segments.empty()) return std::nullopt;
  const bool core = segments[0] == "api";
  const std::size_t prefix = core ? 2 : 3;
  if ((!core && segments[0] != "apis") || segments.size() <= prefix) return std::nullopt;
  const std::string group = core ? "" : segments[1];
  const std::string& version = segments[prefix - 1];
  std::vector<std::string> rest(segments.begin() + static_cast<std::ptrdiff_t>(prefix), segments.end());

  ResourcePath path;
  // /namespaces/N/PLURAL..., but not /namespaces/N and /namespaces/N/status.
  const bool scoped =
      rest[0] == "namespaces" && rest.size() > 2 && !(core && rest.size() == 3 && rest[2] == "status");
  if (scoped) {
    path.ns = rest[1];
    rest.erase(rest.begin(), rest.begin() + 2);
  }
  path.type = registry.find(group, version, rest[0]);
  if (path.type == nullptr || rest.size() > 3) return std::nullopt;
  if (rest.size() > 1) path.name = rest[1];
  if (rest.size() > 2) path.subresource = rest[2];
  if (scoped && !path.type->namespaced) return std::nullopt;
  // An object in a namespace is only ever named with it.
  if (!scoped && path.type->namespaced && !path.name.empty()) return std::nullopt;
  if (!path.subresource.empty() && !(path.subresource == "status" && path.type->has_status))
    return std::nullopt;
  return path;
}

}  // namespace penstock::apiserver
