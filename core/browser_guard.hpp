#pragma once

#include <string_view>

namespace penstock {

/// What a request says of the page that made it; "" where a header is absent. A page cannot set these itself:
/// the browser does (Fetch standard, "forbidden request-header"). Clients that are no browsers send `host`
/// alone.
struct RequestOrigin {
  std::string_view host{};        ///< Host: as the client knows this server, "127.0.0.1:9464"
  std::string_view origin{};      ///< Origin
  std::string_view fetch_site{};  ///< Sec-Fetch-Site
};

/// Why a request is refused because a web page may have made it, for a server that has no pages of its own;
/// "" when it may pass. Refused are other origins than the server's own, other sites, and, where the server
/// listens on the loopback alone, hosts of any other name than the machine's own: a page that had its own
/// name resolved to this address (DNS rebinding) is of one origin with the server, but still calls it by that
/// name. `own_name` is one more that it is known by; "" for none.
[[nodiscard]] std::string_view foreign_page_fault(const RequestOrigin& request, bool loopback,
                                                  std::string_view own_name = {});

}  // namespace penstock
