#include "controller/runtime/object.hpp"

#include <nlohmann/json.hpp>

namespace penstock::runtime {
namespace {

std::string metadata_text(const nlohmann::json& object, const char* field) {
  if (!object.is_object()) return {};
  const auto metadata = object.find("metadata");
  if (metadata == object.end() || !metadata->is_object()) return {};
  const auto value = metadata->find(field);
  return value != metadata->end() && value->is_string() ? value->get<std::string>() : std::string{};
}

}  // namespace

ObjectKey key_of(const nlohmann::json& object) {
  return {metadata_text(object, "namespace"), metadata_text(object, "name")};
}

std::string resource_version_of(const nlohmann::json& object) {
  return metadata_text(object, "resourceVersion");
}

std::string uid_of(const nlohmann::json& object) {
  return metadata_text(object, "uid");
}

}  // namespace penstock::runtime
