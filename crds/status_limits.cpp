#include "crds/status_limits.hpp"

#include <nlohmann/json.hpp>
#include <optional>
#include <type_traits>

#include "core/utf8.hpp"
#include "crds/crd.hpp"
#include "crds/pipe_fields.hpp"

namespace penstock {
namespace {

using Json = nlohmann::json;

std::optional<std::size_t> limit_of(const Json& schema, const char* keyword) {
  const auto at = schema.find(keyword);
  return at == schema.end() ? std::nullopt : std::optional(at->get<std::size_t>());
}

/// Walks the fields of a value beside their schema.
class Limits {
 public:
  explicit Limits(const Json& schema) : properties_(schema.at("properties")) {}

  template <typename T>
  void required(const char* name, T& value) {
    field(name, value);
  }
  template <typename T>
  void field(const char* name, T& value) {
    keep(value, properties_.at(name));
  }
  template <typename T>
  void unless_empty(const char* name, T& value) {
    field(name, value);
  }
  void truth(const char*, bool&) {}

 private:
  static void keep(std::string& text, const Json& schema) {
    const auto limit = limit_of(schema, "maxLength");
    text = limit ? shortened(text, *limit) : valid_utf8(text);
  }
  template <typename T>
  static void keep(std::vector<T>& items, const Json& schema) {
    if (const auto limit = limit_of(schema, "maxItems"); limit && items.size() > *limit) items.resize(*limit);
    for (auto& item : items)
      keep(item, schema.at("items"));
  }
  template <typename T>
  static void keep(std::optional<T>& value, const Json& schema) {
    if (value) keep(*value, schema);
  }
  template <typename T>
  static void keep(T& value, const Json& schema) {
    constexpr bool kIsNoText = std::is_arithmetic_v<T> || std::is_enum_v<T> || std::is_same_v<T, WallTime>;
    if constexpr (!kIsNoText) {
      Limits inner(schema);
      describe(inner, value);
    }
  }

  const Json& properties_;
};

}  // namespace

void keep_within_schema(PipeStatus& status) {
  static const Json& kSchema =
      crd_json().at("/spec/versions/0/schema/openAPIV3Schema/properties/status"_json_pointer);
  Limits limits(kSchema);
  describe(limits, status);
}

}  // namespace penstock
