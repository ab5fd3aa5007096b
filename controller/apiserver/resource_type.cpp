#include "controller/apiserver/resource_type.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "controller/apiserver/schema.hpp"

namespace penstock::apiserver {

namespace {

std::vector<std::string> texts(const Json& list) {
  std::vector<std::string> found;
  for (const auto& item : list) {
    if (item.is_string()) found.push_back(item.get<std::string>());
  }
  return found;
}

const Json* storage_version(const Json& crd) {
  for (const auto& version : member(crd, {"spec", "versions"})) {
    const Json& storage = member(version, "storage");
    if (storage.is_boolean() && storage.get<bool>()) return &version;
  }
  return nullptr;
}

/// penstock.dev, v1alpha1, Pipe: dev.penstock.v1alpha1.Pipe.
std::string definition_name(std::string_view group, std::string_view version, std::string_view kind) {
  std::string reversed;
  for (std::size_t end = group.size(); end != std::string_view::npos;) {
    const auto dot = end == 0 ? std::string_view::npos : group.rfind('.', end - 1);
    const auto start = dot == std::string_view::npos ? 0 : dot + 1;
    reversed += fmt::format("{}.", group.substr(start, end - start));
    end = dot;
  }
  return fmt::format("{}{}.{}", reversed, version, kind);
}

Json full_schema(Json schema) {
  schema["type"] = "object";
  Json& properties = schema["properties"];
  if (!properties.is_object()) properties = Json::object();
  for (const auto* name : {"apiVersion", "kind"}) {
    if (!properties.contains(name)) properties[name] = {{"type", "string"}};
  }
  properties["metadata"] = object_meta_schema();
  return schema;
}

std::vector<Column> columns_of(const Json& version) {
  std::vector<Column> columns{{.name = "Name",
                               .type = "string",
                               .description = "Name of the object, unique in its namespace.",
                               .priority = 0,
                               .json_path = ".metadata.name",
                               .format = "name"}};
  for (const auto& column : member(version, "additionalPrinterColumns")) {
    const Json& priority = member(column, "priority");
    columns.push_back({.name = text_of(column, {"name"}),
                       .type = text_of(column, {"type"}),
                       .description = text_of(column, {"description"}),
                       .priority = priority.is_number_integer() ? priority.get<int>() : 0,
                       .json_path = text_of(column, {"jsonPath"}),
                       .format = text_of(column, {"format"})});
  }
  if (columns.size() == 1) {
    columns.push_back({.name = "Age",
                       .type = "date",
                       .description = "Time since the object was created.",
                       .priority = 0,
                       .json_path = ".metadata.creationTimestamp",
                       .format = ""});
  }
  return columns;
}

}  // namespace

std::string ResourceType::api_version() const {
  return group.empty() ? version : fmt::format("{}/{}", group, version);
}

std::string ResourceType::qualified() const {
  return group.empty() ? plural : fmt::format("{}.{}", plural, group);
}

Subject ResourceType::subject(std::string_view name) const {
  return {group, plural, std::string(name)};
}

tl::expected<ResourceType, std::string> type_of_crd(const Json& crd) {
  const Json& names = member(crd, {"spec", "names"});
  const Json* version = storage_version(crd);
  if (version == nullptr) return tl::unexpected<std::string>("spec.versions: no version has storage: true");
  const Json& schema = member(*version, {"schema", "openAPIV3Schema"});
  if (!schema.is_object())
    return tl::unexpected<std::string>("spec.versions[].schema.openAPIV3Schema: not an object");
  if (const auto bad = unusable_patterns(schema); !bad.empty()) {
    return tl::unexpected(fmt::format("the pattern {} is not understood", bad.front()));
  }
  ResourceType type{.group = text_of(crd, {"spec", "group"}),
                    .version = text_of(*version, {"name"}),
                    .kind = text_of(names, {"kind"}),
                    .list_kind = text_of(names, {"listKind"}),
                    .plural = text_of(names, {"plural"}),
                    .singular = text_of(names, {"singular"}),
                    .short_names = texts(member(names, "shortNames")),
                    .categories = texts(member(names, "categories")),
                    .namespaced = text_of(crd, {"spec", "scope"}) != "Cluster",
                    .has_status = member(*version, {"subresources", "status"}).is_object(),
                    .custom = true,
                    .definition = {},
                    .schema = full_schema(schema),
                    .columns = columns_of(*version)};
  if (type.group.empty() || type.version.empty() || type.kind.empty() || type.plural.empty()) {
    return tl::unexpected<std::string>(
        "spec.group, spec.names.kind, spec.names.plural and spec.versions[].name must be set");
  }
  if (type.list_kind.empty()) type.list_kind = type.kind + "List";
  if (type.singular.empty()) {
    std::transform(type.kind.begin(), type.kind.end(), std::back_inserter(type.singular),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  }
  for (const auto& field : member(*version, "selectableFields")) {
    const auto& path = text_of(field, {"jsonPath"});
    if (path.size() > 1 && path.front() == '.') type.selectable_fields.push_back(path.substr(1));
  }
  type.definition = definition_name(type.group, type.version, type.kind);
  return type;
}

const ResourceType* Registry::find(std::string_view group, std::string_view version,
                                   std::string_view plural) const {
  const auto found = std::find_if(types_.begin(), types_.end(), [&](const ResourceType& type) {
    return type.group == group && type.version == version && type.plural == plural;
  });
  return found == types_.end() ? nullptr : &*found;
}

const ResourceType* Registry::find_qualified(std::string_view qualified) const {
  const auto found = std::find_if(types_.begin(), types_.end(),
                                  [&](const ResourceType& type) { return type.qualified() == qualified; });
  return found == types_.end() ? nullptr : &*found;
}

std::vector<std::pair<std::string, std::string>> Registry::group_versions() const {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto& type : types_) {
    const std::pair pair{type.group, type.version};
    if (std::find(pairs.begin(), pairs.end(), pair) == pairs.end()) pairs.push_back(pair);
  }
  return pairs;
}

}  // namespace penstock::apiserver
