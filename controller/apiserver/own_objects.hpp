#pragma once

#include <vector>

#include "controller/apiserver/resource_type.hpp"
#include "controller/apiserver/server.hpp"
#include "controller/apiserver/store.hpp"

namespace penstock::apiserver {

/// Writes what the server itself brings along: the namespace "default" and the CustomResourceDefinitions it
/// serves, with their status. What is there and equal is left alone.
[[nodiscard]] Status put_own_objects(Store& store, const Registry& registry,
                                     const std::vector<CustomKind>& kinds, WallTime now);

}  // namespace penstock::apiserver
