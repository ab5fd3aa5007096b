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
/// What keeps `text` from being one, for the parser of the command line, which names the option; or empty.
[[nodiscard]] std::string listen_address_fault(const std::string& text);

}  // namespace penstock::cli
