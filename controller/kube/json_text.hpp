#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "core/result.hpp"

namespace penstock::kube {

/// Reads one JSON document that a server sent. Fails (BadData, reason "NotJson") on anything else: stray
/// text, invalid UTF-8, or nesting deeper than 200, which would exhaust the stack of whoever walks it.
[[nodiscard]] Result<nlohmann::json> parse_json(std::string_view text);

}  // namespace penstock::kube
