#pragma once

// What the API serves, as clients discover it: the plain documents (/api, /apis, /api/v1, /apis/G, /apis/G/V)
// and the aggregated ones (apidiscovery.k8s.io, all in two requests).

#include "controller/apiserver/resource_type.hpp"

namespace penstock::apiserver {

/// GET /api. `address` is the server's own host:port.
[[nodiscard]] Json api_versions(std::string_view address);
/// GET /apis.
[[nodiscard]] Json api_group_list(const Registry& registry);
/// GET /apis/G; null when there is no such group.
[[nodiscard]] Json api_group(const Registry& registry, std::string_view group);
/// GET /api/v1 and /apis/G/V; null when there is none.
[[nodiscard]] Json api_resource_list(const Registry& registry, std::string_view group,
                                     std::string_view version);
/// GET /api (core) or /apis, aggregated; `version` is "v2" or "v2beta1".
[[nodiscard]] Json api_group_discovery(const Registry& registry, bool core, std::string_view version);

}  // namespace penstock::apiserver
