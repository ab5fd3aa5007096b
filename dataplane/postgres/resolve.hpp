#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "dataplane/postgres/connection.hpp"

namespace penstock::postgres {

/// Numeric addresses of the endpoint's host, the resolver's first first, at most five. The look-up is given
/// up after `limit`, or when the endpoint's limits stop it: getaddrinfo(3) itself waits as long as the
/// resolver's configuration says. HostNotFound: NeedsUser where the name is unknown, else Transient.
[[nodiscard]] Result<std::vector<std::string>> resolve(const Endpoint& endpoint,
                                                       std::chrono::milliseconds limit);

}  // namespace penstock::postgres
