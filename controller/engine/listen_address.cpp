#include "controller/engine/listen_address.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <charconv>

namespace penstock::engine {
namespace {

bool is_loopback_address(const std::string& host) {
  in_addr v4{};
  if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24U) == 127;
  return host == "::1";
}

}  // namespace

std::string ListenAddress::text() const {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port)
                                             : fmt::format("[{}]:{}", host, port);
}

Result<ListenAddress> ListenAddress::parse(const std::string& text) {
  const auto colon = text.rfind(':');
  ListenAddress address;
  address.host = text.substr(0, colon);
  if (address.host.starts_with('[') && address.host.ends_with(']')) {
    address.host = address.host.substr(1, address.host.size() - 2);
  }
  if (address.host == "localhost") address.host = "127.0.0.1";
  const std::string port = colon == std::string::npos ? "" : text.substr(colon + 1);
  const auto parsed = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (port.empty() || parsed.ec != std::errc() || parsed.ptr != port.data() + port.size() ||
      address.port < 0 || address.port > 65535) {
    return fail(ErrorKind::NeedsUser, "AddressInvalid", fmt::format("\"{}\" is not an address", text),
                "Give HOST:PORT, for example 127.0.0.1:8123");
  }
  if (!is_loopback_address(address.host)) {
    return fail(
        ErrorKind::NeedsUser, "AddressNotLoopback",
        fmt::format(
            "the embedded engine cannot listen on {}: it speaks plain HTTP and serves this machine only",
            address.host),
        "Use 127.0.0.1 or [::1]");
  }
  return address;
}

}  // namespace penstock::engine
