#pragma once

#include <optional>
#include <string_view>

#include "controller/engine/request_options.hpp"

namespace penstock::engine {

/// Why a request is not looked at.
struct Refusal {
  int status = 403;
  std::string_view text;

  bool operator==(const Refusal&) const = default;
};

/// Keeps web pages out, whose requests a browser sends from this machine as if they were its user's: a Host
/// that is not the loopback (a name that was rebound to 127.0.0.1), an Origin other than this server's own,
/// and every Sec-Fetch-Site but `none` and `same-origin` (W3C Fetch Metadata; what a page cannot change or
/// leave out). Programs send neither. `port` is the server's.
[[nodiscard]] std::optional<Refusal> refuse_web_page(const HeaderFields& headers, int port);

/// True when a Host field names this machine's loopback. An absent field (HTTP/1.0) passes.
[[nodiscard]] bool is_loopback_host(std::string_view host);

}  // namespace penstock::engine
