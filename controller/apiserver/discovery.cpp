#include "controller/apiserver/discovery.hpp"

#include <fmt/format.h>

namespace penstock::apiserver {

namespace {

constexpr std::string_view kAuthorization = "authorization.k8s.io";
constexpr std::string_view kAuthentication = "authentication.k8s.io";

Json verbs_of(const ResourceType& type) {
  if (type.read_only) return {"get", "list", "watch"};
  return {"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"};
}

/// Kinds that are only ever asked, never stored: `kubectl auth can-i` and `whoami`.
struct Review {
  std::string_view group;
  std::string_view plural;
  std::string_view kind;
};
constexpr Review kReviews[] = {
    {kAuthorization, "selfsubjectaccessreviews", "SelfSubjectAccessReview"},
    {kAuthorization, "selfsubjectrulesreviews", "SelfSubjectRulesReview"},
    {kAuthentication, "selfsubjectreviews", "SelfSubjectReview"},
};

std::vector<std::pair<std::string, std::string>> all_groups(const Registry& registry) {
  auto groups = registry.group_versions();
  groups.emplace_back(kAuthentication, "v1");
  groups.emplace_back(kAuthorization, "v1");
  return groups;
}

Json group_object(std::string_view group, std::string_view version) {
  const Json entry{{"groupVersion", fmt::format("{}/{}", group, version)}, {"version", version}};
  return {{"name", group}, {"versions", Json::array({entry})}, {"preferredVersion", entry}};
}

Json plain_resource(const ResourceType& type) {
  Json resource{{"name", type.plural},
                {"singularName", type.singular},
                {"namespaced", type.namespaced},
                {"kind", type.kind},
                {"verbs", verbs_of(type)}};
  if (!type.short_names.empty()) resource["shortNames"] = type.short_names;
  if (!type.categories.empty()) resource["categories"] = type.categories;
  return resource;
}

Json aggregated_resource(const ResourceType& type) {
  const Json kind{{"group", type.group}, {"version", type.version}, {"kind", type.kind}};
  Json resource{{"resource", type.plural},
                {"responseKind", kind},
                {"scope", type.namespaced ? "Namespaced" : "Cluster"},
                {"singularResource", type.singular},
                {"verbs", verbs_of(type)}};
  if (!type.short_names.empty()) resource["shortNames"] = type.short_names;
  if (!type.categories.empty()) resource["categories"] = type.categories;
  if (type.has_status) {
    resource["subresources"] = Json::array(
        {{{"subresource", "status"}, {"responseKind", kind}, {"verbs", {"get", "patch", "update"}}}});
  }
  return resource;
}

Json aggregated_review(const Review& review) {
  return {{"resource", review.plural},
          {"responseKind", {{"group", review.group}, {"version", "v1"}, {"kind", review.kind}}},
          {"scope", "Cluster"},
          {"singularResource", ""},
          {"verbs", {"create"}}};
}

}  // namespace

Json api_versions(std::string_view address) {
  return {{"kind", "APIVersions"},
          {"versions", {"v1"}},
          {"serverAddressByClientCIDRs",
           Json::array({{{"clientCIDR", "0.0.0.0/0"}, {"serverAddress", address}}})}};
}

Json api_group_list(const Registry& registry) {
  Json groups = Json::array();
  for (const auto& [group, version] : all_groups(registry)) {
    if (!group.empty()) groups.push_back(group_object(group, version));
  }
  return {{"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", std::move(groups)}};
}

Json api_group(const Registry& registry, std::string_view wanted) {
  for (const auto& [group, version] : all_groups(registry)) {
    if (group != wanted || group.empty()) continue;
    Json object = group_object(group, version);
    object["kind"] = "APIGroup";
    object["apiVersion"] = "v1";
    return object;
  }
  return nullptr;
}

Json api_resource_list(const Registry& registry, std::string_view group, std::string_view version) {
  Json resources = Json::array();
  for (const auto& type : registry.all()) {
    if (type.group != group || type.version != version) continue;
    resources.push_back(plain_resource(type));
    if (!type.has_status) continue;
    resources.push_back({{"name", type.plural + "/status"},
                         {"singularName", ""},
                         {"namespaced", type.namespaced},
                         {"kind", type.kind},
                         {"verbs", {"get", "patch", "update"}}});
  }
  for (const auto& review : kReviews) {
    if (review.group != group || version != "v1") continue;
    resources.push_back({{"name", review.plural},
                         {"singularName", ""},
                         {"namespaced", false},
                         {"kind", review.kind},
                         {"verbs", {"create"}}});
  }
  if (resources.empty()) return nullptr;
  return {{"kind", "APIResourceList"},
          {"apiVersion", "v1"},
          {"groupVersion", group.empty() ? std::string(version) : fmt::format("{}/{}", group, version)},
          {"resources", std::move(resources)}};
}

Json api_group_discovery(const Registry& registry, bool core, std::string_view discovery_version) {
  Json items = Json::array();
  for (const auto& [group, version] : all_groups(registry)) {
    if (group.empty() != core) continue;
    Json resources = Json::array();
    for (const auto& type : registry.all()) {
      if (type.group == group && type.version == version) resources.push_back(aggregated_resource(type));
    }
    for (const auto& review : kReviews) {
      if (review.group == group) resources.push_back(aggregated_review(review));
    }
    Json metadata{{"creationTimestamp", nullptr}};
    if (!group.empty()) metadata["name"] = group;
    const Json entry{{"version", version}, {"resources", std::move(resources)}, {"freshness", "Current"}};
    items.push_back({{"metadata", std::move(metadata)}, {"versions", Json::array({entry})}});
  }
  return {{"kind", "APIGroupDiscoveryList"},
          {"apiVersion", fmt::format("apidiscovery.k8s.io/{}", discovery_version)},
          {"metadata", Json::object()},
          {"items", std::move(items)}};
}

}  // namespace penstock::apiserver
