#include <fmt/format.h>

#include "controller/apiserver/openapi.hpp"

namespace penstock::apiserver {

namespace {

constexpr std::string_view kObjectMetaName = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
constexpr std::string_view kListMetaName = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta";

std::string group_path(std::string_view group, std::string_view version) {
  return group.empty() ? fmt::format("api/{}", version) : fmt::format("apis/{}/{}", group, version);
}

Json group_version_kind(const ResourceType& type, std::string_view kind) {
  return {{"group", type.group}, {"version", type.version}, {"kind", kind}};
}

Json reference(std::string_view definition, std::string_view description) {
  return {{"description", description},
          {"allOf", {{{"$ref", fmt::format("#/components/schemas/{}", definition)}}}}};
}

Json schema_of(const ResourceType& type) {
  Json schema = type.schema;
  schema["properties"]["metadata"] = reference(kObjectMetaName, "Name, labels and what the server keeps.");
  schema["x-kubernetes-group-version-kind"] = Json::array({group_version_kind(type, type.kind)});
  return schema;
}

Json list_schema_of(const ResourceType& type) {
  const Json item{{"allOf", {{{"$ref", "#/components/schemas/" + type.definition}}}}};
  return {{"description", fmt::format("A list of {} objects.", type.kind)},
          {"type", "object"},
          {"required", {"items"}},
          {"properties",
           {{"apiVersion", {{"type", "string"}, {"description", type.api_version()}}},
            {"kind", {{"type", "string"}, {"description", type.list_kind}}},
            {"metadata", reference(kListMetaName, "Version of the list.")},
            {"items", {{"type", "array"}, {"description", "The objects."}, {"items", item}}}}},
          {"x-kubernetes-group-version-kind", Json::array({group_version_kind(type, type.list_kind)})}};
}

Json list_meta_schema() {
  const Json text{{"type", "string"}};
  return {{"description", "What the server says of a list."},
          {"type", "object"},
          {"properties",
           {{"continue", text},
            {"resourceVersion", text},
            {"selfLink", text},
            {"remainingItemCount", {{"type", "integer"}, {"format", "int64"}}}}}};
}

Json query(std::string_view name, std::string_view description) {
  return {{"name", name},
          {"in", "query"},
          {"description", description},
          {"schema", {{"type", "string"}, {"uniqueItems", true}}}};
}

Json write_parameters() {
  return Json::array({query("dryRun", "All: validate, store nothing."), query("fieldManager", "Who writes."),
                      query("fieldValidation", "What to do about unknown fields: Ignore, Warn or Strict.")});
}

Json operation(const ResourceType& type, std::string_view verb, std::string_view action) {
  const Json content{
      {"application/json", {{"schema", {{"$ref", "#/components/schemas/" + type.definition}}}}}};
  Json operation{{"operationId", fmt::format("{}{}", action, type.kind)},
                 {"responses", {{"200", {{"description", "OK"}, {"content", content}}}}},
                 {"x-kubernetes-action", action},
                 {"x-kubernetes-group-version-kind", group_version_kind(type, type.kind)}};
  if (verb == "get") return operation;
  operation["parameters"] = write_parameters();
  if (verb == "post" || verb == "put") operation["requestBody"] = {{"required", true}, {"content", content}};
  if (verb == "patch") {
    // Strategic merge is left out on purpose, also where it is understood: a client that finds it here wants
    // merge keys in every schema.
    const Json body{{"schema", {{"type", "object"}}}};
    operation["requestBody"] = {
        {"required", true},
        {"content", {{"application/json-patch+json", body}, {"application/merge-patch+json", body}}}};
  }
  return operation;
}

// kubectl 1.27 looks nowhere else for what `explain` is to tell.
void add_list_of_all_namespaces(const ResourceType& type, Json& paths) {
  Json list = operation(type, "get", "list");
  list["operationId"] = fmt::format("list{}ForAllNamespaces", type.kind);
  paths[fmt::format("/{}/{}", group_path(type.group, type.version), type.plural)]["get"] = std::move(list);
}

void add_paths(const ResourceType& type, Json& paths) {
  if (type.namespaced) add_list_of_all_namespaces(type, paths);
  const auto prefix = fmt::format("/{}{}/{}", group_path(type.group, type.version),
                                  type.namespaced ? "/namespaces/{namespace}" : "", type.plural);
  Json list{{"get", operation(type, "get", "list")}};
  Json item{{"get", operation(type, "get", "get")}};
  if (!type.read_only) {
    list["post"] = operation(type, "post", "post");
    item["put"] = operation(type, "put", "put");
    item["patch"] = operation(type, "patch", "patch");
    item["delete"] = operation(type, "delete", "delete");
  }
  if (type.has_status && type.custom) paths[prefix + "/{name}/status"] = item;
  paths[prefix] = std::move(list);
  paths[prefix + "/{name}"] = std::move(item);
}

}  // namespace

Json openapi_v3_index(const Registry& registry, std::string_view hash) {
  Json paths = Json::object();
  for (const auto& [group, version] : registry.group_versions()) {
    const auto path = group_path(group, version);
    paths[path] = {{"serverRelativeURL", fmt::format("/openapi/v3/{}?hash={}", path, hash)}};
  }
  return {{"paths", std::move(paths)}};
}

Json openapi_v3(const Registry& registry, std::string_view group, std::string_view version) {
  Json paths = Json::object();
  Json schemas{{kObjectMetaName, object_meta_schema()}, {kListMetaName, list_meta_schema()}};
  for (const auto& type : registry.all()) {
    if (type.group != group || type.version != version) continue;
    schemas[type.definition] = schema_of(type);
    schemas[type.definition + "List"] = list_schema_of(type);
    add_paths(type, paths);
  }
  return {{"openapi", "3.0.0"},
          {"info", {{"title", "Penstock"}, {"version", "unversioned"}}},
          {"paths", std::move(paths)},
          {"components", {{"schemas", std::move(schemas)}}}};
}

}  // namespace penstock::apiserver
