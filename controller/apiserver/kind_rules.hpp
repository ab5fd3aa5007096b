#pragma once

#include <vector>

#include "controller/apiserver/api_error.hpp"
#include "controller/apiserver/resource_type.hpp"

namespace penstock::apiserver {

/// What the server writes into a built-in kind by itself: a Secret's stringData becomes data, a Namespace
/// gets its phase. `old` is null on create. 400 when a Secret's data is not base64.
[[nodiscard]] Reply<void> complete_kind(const ResourceType& type, Json& object, const Json* old);

/// Rules of the built-in kinds that their schemas do not say.
[[nodiscard]] std::vector<Cause> check_kind(const ResourceType& type, const Json& object, const Json* old);

}  // namespace penstock::apiserver
