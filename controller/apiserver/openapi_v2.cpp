#include <array>

#include "controller/apiserver/openapi.hpp"
#include "controller/apiserver/protobuf.hpp"

namespace penstock::apiserver {

namespace {

// Field numbers: google/gnostic, openapiv2/OpenAPIv2.proto.

/// openapi.v2.Any: its text is YAML, and JSON is YAML.
ProtoWriter any(const Json& value) {
  ProtoWriter out;
  out.bytes(2, to_text(value));
  return out;
}

ProtoWriter named(const std::string& name, const ProtoWriter& value) {
  ProtoWriter out;
  out.bytes(1, name);
  out.message(2, value);
  return out;
}

ProtoWriter text_item(std::string_view text) {
  ProtoWriter out;
  out.bytes(1, text);
  return out;
}

/// The name a `$ref` of version 3 stands for, also where it is wrapped in an allOf; "" when there is none.
std::string reference_of(const Json& schema) {
  const Json& wrapped = member(schema, "allOf");
  const Json& at = wrapped.is_array() && wrapped.size() == 1 ? wrapped.front() : schema;
  const auto& reference = text_of(at, {"$ref"});
  return reference.empty() ? reference : reference.substr(reference.rfind('/') + 1);
}

struct Bound {
  const char* keyword;
  std::uint32_t field;
};

void write_bounds(const Json& schema, ProtoWriter& out) {
  constexpr std::array kReals{Bound{"maximum", 7}, Bound{"minimum", 9}};
  constexpr std::array kCounts{Bound{"maxLength", 11},     Bound{"minLength", 12},
                               Bound{"maxItems", 14},      Bound{"minItems", 15},
                               Bound{"maxProperties", 17}, Bound{"minProperties", 18}};
  for (const auto& [keyword, field] : kReals) {
    if (const Json& value = member(schema, keyword); value.is_number()) out.real(field, value.get<double>());
  }
  for (const auto& [keyword, field] : kCounts) {
    if (const Json& value = member(schema, keyword); value.is_number_integer()) {
      out.varint(field, value.get<std::uint64_t>());
    }
  }
}

ProtoWriter schema_message(const Json& schema);

void write_children(const Json& schema, ProtoWriter& out) {
  if (const Json& additional = member(schema, "additionalProperties"); additional.is_object()) {
    ProtoWriter item;
    item.message(1, schema_message(additional));
    out.message(21, item);
  }
  if (const auto& type = text_of(schema, {"type"}); !type.empty()) out.message(22, text_item(type));
  if (const Json& items = member(schema, "items"); items.is_object()) {
    ProtoWriter item;
    item.message(1, schema_message(items));
    out.message(23, item);
  }
  if (const Json& properties = member(schema, "properties"); properties.is_object()) {
    ProtoWriter all;
    for (const auto& [name, property] : properties.items()) {
      all.message(1, named(name, schema_message(property)));
    }
    out.message(25, all);
  }
}

ProtoWriter schema_message(const Json& schema) {
  ProtoWriter out;
  if (const auto reference = reference_of(schema); !reference.empty())
    out.bytes(1, "#/definitions/" + reference);
  if (const auto& format = text_of(schema, {"format"}); !format.empty()) out.bytes(2, format);
  if (const auto& about = text_of(schema, {"description"}); !about.empty()) out.bytes(4, about);
  if (schema.contains("default")) out.message(5, any(schema["default"]));
  write_bounds(schema, out);
  if (const auto& pattern = text_of(schema, {"pattern"}); !pattern.empty()) out.bytes(13, pattern);
  for (const auto& name : member(schema, "required")) {
    out.bytes(19, name.get_ref<const std::string&>());
  }
  for (const auto& value : member(schema, "enum")) {
    out.message(20, any(value));
  }
  write_children(schema, out);
  for (const auto& [name, value] : schema.items()) {
    if (name.starts_with("x-kubernetes-")) out.message(31, named(name, any(value)));
  }
  return out;
}

ProtoWriter parameter(const Json& query) {
  ProtoWriter fields;  // QueryParameterSubSchema
  fields.bytes(2, "query");
  fields.bytes(3, text_of(query, {"description"}));
  fields.bytes(4, text_of(query, {"name"}));
  fields.bytes(6, "string");
  ProtoWriter non_body;
  non_body.message(3, fields);
  ProtoWriter wrapped;  // Parameter, then ParametersItem
  wrapped.message(2, non_body);
  ProtoWriter item;
  item.message(1, wrapped);
  return item;
}

ProtoWriter operation_message(const Json& operation) {
  ProtoWriter out;
  out.bytes(5, text_of(operation, {"operationId"}));
  for (const auto& [type, body] : member(operation, {"requestBody", "content"}).items()) {
    out.bytes(7, type);
  }
  for (const auto& query : member(operation, "parameters")) {
    out.message(8, parameter(query));
  }
  ProtoWriter response;
  response.bytes(1, "OK");
  ProtoWriter value;
  value.message(1, response);
  ProtoWriter responses;
  responses.message(1, named("200", value));
  out.message(9, responses);
  for (const auto* name : {"x-kubernetes-action", "x-kubernetes-group-version-kind"}) {
    out.message(13, named(name, any(member(operation, name))));
  }
  return out;
}

ProtoWriter path_message(const Json& operations) {
  struct Verb {
    const char* name;
    std::uint32_t field;
  };
  constexpr std::array kVerbs{Verb{"get", 2}, Verb{"put", 3}, Verb{"post", 4}, Verb{"delete", 5},
                              Verb{"patch", 8}};
  ProtoWriter out;
  for (const auto& [name, field] : kVerbs) {
    if (operations.contains(name)) out.message(field, operation_message(operations[name]));
  }
  return out;
}

}  // namespace

std::string openapi_v2(const Registry& registry) {
  ProtoWriter paths;
  ProtoWriter definitions;
  Json schemas = Json::object();
  for (const auto& [group, version] : registry.group_versions()) {
    const Json document = openapi_v3(registry, group, version);
    schemas.update(document["components"]["schemas"]);
    for (const auto& [path, operations] : document["paths"].items()) {
      paths.message(2, named(path, path_message(operations)));
    }
  }
  for (const auto& [name, schema] : schemas.items()) {
    definitions.message(1, named(name, schema_message(schema)));
  }
  ProtoWriter info;
  info.bytes(1, "Penstock");
  info.bytes(2, "unversioned");
  ProtoWriter document;
  document.bytes(1, "2.0");
  document.message(2, info);
  document.message(8, paths);
  document.message(9, definitions);
  return document.text();
}

}  // namespace penstock::apiserver
