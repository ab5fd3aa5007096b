#pragma once

#include <string_view>

#include "controller/apiserver/json.hpp"

namespace penstock::apiserver {

/// Schema of a built-in kind, as far as this API keeps it; `metadata` is left empty. Field names and types
/// are those of Kubernetes' API reference. The kind must be one of core_types.cpp.
[[nodiscard]] Json core_schema(std::string_view kind);

}  // namespace penstock::apiserver
