#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace penstock::cli {

struct ListenAddress {
  std::string host;
  std::uint16_t port = 0;
};

/// Reads HOST:PORT ("127.0.0.1:6443", "[::1]:0"); the error names the option.
[[nodiscard]] Result<ListenAddress> parse_listen_address(std::string_view option, std::string_view text);

}  // namespace penstock::cli
