#include "controller/apiserver/schema.hpp"

#include <cmath>

namespace penstock::apiserver {

namespace {

bool is_true(const Json& schema, std::string_view keyword) {
  const Json& value = member(schema, keyword);
  return value.is_boolean() && value.get<bool>();
}

/// A schema that says nothing of fields leaves them all alone.
bool keeps_unknown(const Json& schema) {
  if (is_true(schema, "x-kubernetes-preserve-unknown-fields")) return true;
  if (is_true(schema, "additionalProperties")) return true;
  return !schema.contains("type") && !schema.contains("properties");
}

void prune_at(Json& value, const Json& schema, const std::string& path, std::vector<std::string>& unknown) {
  if (!schema.is_object()) return;
  if (value.is_array()) {
    const Json& items = member(schema, "items");
    for (std::size_t i = 0; i < value.size(); ++i) {
      prune_at(value[i], items, item_path(path, i), unknown);
    }
    return;
  }
  if (!value.is_object()) return;
  const Json& properties = member(schema, "properties");
  const Json& additional = member(schema, "additionalProperties");
  for (auto field = value.begin(); field != value.end();) {
    const auto child = child_path(path, field.key());
    if (properties.contains(field.key())) {
      prune_at(*field, properties[field.key()], child, unknown);
    } else if (additional.is_object()) {
      prune_at(*field, additional, child, unknown);
    } else if (!keeps_unknown(schema)) {
      unknown.push_back(child);
      field = value.erase(field);
      continue;
    }
    ++field;
  }
}

void normalise_number(Json& value) {
  constexpr double kExact = 9007199254740992.0;  // 2^53: above it a double does not tell integers apart
  if (!value.is_number_float()) return;
  const double number = value.get<double>();
  if (std::trunc(number) == number && std::abs(number) <= kExact) value = static_cast<std::int64_t>(number);
}

}  // namespace

std::vector<std::string> prune(Json& object, const Json& schema) {
  std::vector<std::string> unknown;
  prune_at(object, schema, "", unknown);
  return unknown;
}

void apply_defaults(Json& value, const Json& schema) {
  if (!schema.is_object()) return;
  if (text_of(schema, {"type"}) == "integer") normalise_number(value);
  if (value.is_array()) {
    for (auto& item : value) {
      apply_defaults(item, member(schema, "items"));
    }
  }
  if (!value.is_object()) return;
  const Json& properties = member(schema, "properties");
  if (properties.is_object()) {
    for (const auto& [name, property] : properties.items()) {
      if (!property.contains("default")) continue;
      const auto found = value.find(name);
      const bool null_to_drop = found != value.end() && found->is_null() && !is_true(property, "nullable");
      if (found == value.end() || null_to_drop) value[name] = property["default"];
    }
  }
  const Json& additional = member(schema, "additionalProperties");
  for (const auto& [name, child] : value.items()) {
    apply_defaults(child, properties.contains(name) ? properties[name] : additional);
  }
}

}  // namespace penstock::apiserver
