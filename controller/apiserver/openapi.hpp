#pragma once

// The OpenAPI documents that kubectl reads: version 3 as JSON, one document for each group and version;
// version 2 as a protobuf message (gnostic's openapi.v2.Document) for kubectl before 1.27 and for `kind:
// List`.

#include <string>
#include <string_view>

#include "controller/apiserver/resource_type.hpp"

namespace penstock::apiserver {

/// GET /openapi/v3: where the documents are; `hash` makes a client fetch anew when the schemas change.
[[nodiscard]] Json openapi_v3_index(const Registry& registry, std::string_view hash);

/// GET /openapi/v3/apis/G/V, or /openapi/v3/api/v1.
[[nodiscard]] Json openapi_v3(const Registry& registry, std::string_view group, std::string_view version);

/// GET /openapi/v2: all types in one message.
[[nodiscard]] std::string openapi_v2(const Registry& registry);

}  // namespace penstock::apiserver
