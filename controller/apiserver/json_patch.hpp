#pragma once

#include "controller/apiserver/api_error.hpp"
#include "controller/apiserver/json.hpp"

namespace penstock::apiserver {

/// RFC 6902: all operations or none. At most 10,000 operations; what `copy` adds is bounded too, or a few
/// dozen of them could double an object beyond memory.
[[nodiscard]] Reply<Json> apply_json_patch(const Json& object, const Json& operations);

}  // namespace penstock::apiserver
