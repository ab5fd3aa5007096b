#include "controller/apiserver/kind_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/base64.hpp"

namespace penstock::apiserver {

namespace {

constexpr std::size_t kMostData = 1U << 20U;

Reply<void> complete_secret(Json& secret) {
  if (const Json& plain = member(secret, "stringData"); plain.is_object()) {
    const Json texts = plain;
    Json& data = secret["data"];
    for (const auto& [key, value] : texts.items()) {
      data[key] = base64_encode(value.get_ref<const std::string&>());
    }
  }
  secret.erase("stringData");
  if (text_of(secret, {"type"}).empty()) secret["type"] = "Opaque";
  for (const auto& [key, value] : member(secret, "data").items()) {
    if (!base64_decode(value.get_ref<const std::string&>())) {
      return bad_request(
          fmt::format("Secret in version \"v1\" cannot be handled as a Secret: data[{}] is not base64 (plain "
                      "text goes into "
                      "stringData)",
                      key));
    }
  }
  return {};
}

void complete_namespace(Json& object, const Json* old) {
  const auto& name = text_of(object, {"metadata", "name"});
  object["metadata"]["labels"]["kubernetes.io/metadata.name"] = name;
  object["spec"] = old != nullptr ? member(*old, "spec") : Json{{"finalizers", Json::array({"kubernetes"})}};
  if (old == nullptr) object["status"] = {{"phase", "Active"}};
}

bool good_key(std::string_view key) {
  return !key.empty() && key.size() <= 253 && key != "." && key != ".." &&
         std::all_of(key.begin(), key.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                  c == '_' || c == '.';
         });
}

/// Keys and the total size of one map of data.
void check_data(const Json& object, std::string_view field, bool encoded, std::vector<Cause>& causes) {
  std::size_t bytes = 0;
  for (const auto& [key, value] : member(object, field).items()) {
    if (!good_key(key)) {
      causes.push_back(invalid_field(
          fmt::format("{}[{}]", field, key), key,
          "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name')"));
    }
    const auto size = value.get_ref<const std::string&>().size();
    bytes += encoded ? size / 4 * 3 : size;
  }
  if (bytes > kMostData) {
    causes.push_back({"FieldValueTooLong", std::string(field),
                      fmt::format("Too long: may not be more than {} bytes", kMostData)});
  }
}

void check_immutable(const Json& object, const Json* old, std::initializer_list<std::string_view> fields,
                     std::vector<Cause>& causes) {
  if (old == nullptr || member(*old, "immutable") != Json(true)) return;
  if (member(object, "immutable") != Json(true)) {
    causes.push_back(forbidden_field("immutable", "field is immutable when `immutable` is set"));
  }
  for (const auto field : fields) {
    if (member(object, field) == member(*old, field)) continue;
    causes.push_back(forbidden_field(std::string(field), "field is immutable when `immutable` is set"));
  }
}

std::vector<Cause> check_secret(const Json& secret, const Json* old) {
  std::vector<Cause> causes;
  check_data(secret, "data", true, causes);
  check_immutable(secret, old, {"data"}, causes);
  const auto& type = text_of(secret, {"type"});
  if (old != nullptr && type != text_of(*old, {"type"})) {
    causes.push_back(invalid_field("type", type, "field is immutable"));
  }
  static const std::map<std::string, std::vector<std::string>> kKeysOfType{
      {"kubernetes.io/tls", {"tls.crt", "tls.key"}},
      {"kubernetes.io/ssh-auth", {"ssh-privatekey"}},
      {"kubernetes.io/dockerconfigjson", {".dockerconfigjson"}}};
  const auto keys = kKeysOfType.find(type);
  if (keys == kKeysOfType.end()) return causes;
  for (const auto& key : keys->second) {
    if (!member(secret, "data").contains(key)) causes.push_back(required_field(fmt::format("data[{}]", key)));
  }
  return causes;
}

std::vector<Cause> check_config_map(const Json& map, const Json* old) {
  std::vector<Cause> causes;
  check_data(map, "data", false, causes);
  check_data(map, "binaryData", true, causes);
  check_immutable(map, old, {"data", "binaryData"}, causes);
  for (const auto& [key, value] : member(map, "binaryData").items()) {
    if (member(map, "data").contains(key)) {
      causes.push_back(
          invalid_field(fmt::format("data[{}]", key), key, "duplicate of key present in binaryData"));
    }
    if (!base64_decode(value.get_ref<const std::string&>())) {
      causes.push_back(invalid_field(fmt::format("binaryData[{}]", key), key, "is not base64"));
    }
  }
  return causes;
}

std::vector<Cause> check_event(const Json& event) {
  const auto& about = text_of(event, {"involvedObject", "namespace"});
  const auto& home = text_of(event, {"metadata", "namespace"});
  // Events on objects without a namespace live in "default".
  if (about == home || (about.empty() && home == "default")) return {};
  return {invalid_field("involvedObject.namespace", about, "does not match event.namespace")};
}

std::vector<Cause> check_lease(const Json& lease) {
  const Json& seconds = member(lease, {"spec", "leaseDurationSeconds"});
  if (!seconds.is_number() || seconds.get<double>() > 0) return {};
  return {invalid_field("spec.leaseDurationSeconds", seconds, "must be greater than 0")};
}

}  // namespace

Reply<void> complete_kind(const ResourceType& type, Json& object, const Json* old) {
  if (type.custom) return {};
  if (type.kind == "Secret") return complete_secret(object);
  if (type.kind == "Namespace") complete_namespace(object, old);
  return {};
}

std::vector<Cause> check_kind(const ResourceType& type, const Json& object, const Json* old) {
  if (type.custom) return {};
  if (type.kind == "Secret") return check_secret(object, old);
  if (type.kind == "ConfigMap") return check_config_map(object, old);
  if (type.kind == "Event") return check_event(object);
  if (type.kind == "Lease") return check_lease(object);
  return {};
}

}  // namespace penstock::apiserver
