#pragma once

#include <optional>

#include "controller/apiserver/request.hpp"
#include "controller/apiserver/resource_type.hpp"
#include "controller/apiserver/store.hpp"

namespace penstock::apiserver {

/// What a path below /api/v1 or /apis/G/V names: a collection (no name), an object, or a part of one.
struct ResourcePath {
  const ResourceType* type = nullptr;
  std::string ns{};           ///< "" for all namespaces, and for kinds without
  std::string name{};         ///< "" for the collection
  std::string subresource{};  ///< "", or "status"

  [[nodiscard]] ObjectKey key() const { return {type->qualified(), ns, name}; }
};

/// Nothing when the path names no resource that is served.
[[nodiscard]] std::optional<ResourcePath> resource_path(const Registry& registry,
                                                        const std::vector<std::string>& segments);

}  // namespace penstock::apiserver
