#pragma once

#include <compare>
#include <cstddef>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace penstock::runtime {

/// What a Kubernetes object is called within its resource. `ns` is empty for cluster-scoped ones.
struct ObjectKey {
  std::string ns;
  std::string name;

  auto operator<=>(const ObjectKey&) const = default;

  /// "namespace/name", or "name" without a namespace.
  [[nodiscard]] std::string text() const { return ns.empty() ? name : ns + "/" + name; }
};

/// An object as the API server sent it: shared, never changed. A null pointer stands for "there is none".
using Object = std::shared_ptr<const nlohmann::json>;

/// Fields of `metadata`, empty where they are absent or not strings; any JSON may be passed.
[[nodiscard]] ObjectKey key_of(const nlohmann::json& object);
[[nodiscard]] std::string resource_version_of(const nlohmann::json& object);
[[nodiscard]] std::string uid_of(const nlohmann::json& object);

}  // namespace penstock::runtime

template <>
struct std::hash<penstock::runtime::ObjectKey> {
  std::size_t operator()(const penstock::runtime::ObjectKey& key) const noexcept {
    return std::hash<std::string_view>{}(key.ns) * 31 + std::hash<std::string_view>{}(key.name);
  }
};
