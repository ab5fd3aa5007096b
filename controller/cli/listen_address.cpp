#include "controller/cli/listen_address.hpp"

#include <fmt/format.h>

#include <charconv>

namespace penstock::cli {

Result<ListenAddress> parse_listen_address(std::string_view option, std::string_view text) {
  const auto colon = text.rfind(':');
  ListenAddress out;
  if (colon != std::string_view::npos) {
    auto host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    out.host = host;
    const auto port = text.substr(colon + 1);
    const auto [end, ec] = std::from_chars(port.data(), port.data() + port.size(), out.port);
    if (!host.empty() && !port.empty() && ec == std::errc{} && end == port.data() + port.size()) return out;
  }
  return fail(ErrorKind::NeedsUser, "InvalidAddress",
              fmt::format("{}: \"{}\" is not HOST:PORT", option, text),
              "Write it like 127.0.0.1:6443, the port up to 65535; port 0 takes any free one");
}

}  // namespace penstock::cli
