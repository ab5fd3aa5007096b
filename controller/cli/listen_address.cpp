#include "controller/cli/listen_address.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace penstock::cli {
namespace {

constexpr const char* kCure = "Write it like 127.0.0.1:6443, the port up to 65535; port 0 takes any free one";

std::optional<ListenAddress> parse(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  ListenAddress out;
  auto host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  out.host = host;
  const auto port = text.substr(colon + 1);
  const auto [end, ec] = std::from_chars(port.data(), port.data() + port.size(), out.port);
  if (host.empty() || port.empty() || ec != std::errc{} || end != port.data() + port.size())
    return std::nullopt;
  return out;
}

std::string fault(std::string_view text) {
  return fmt::format("\"{}\" is not HOST:PORT", text);
}

}  // namespace

Result<ListenAddress> parse_listen_address(std::string_view option, std::string_view text) {
  auto address = parse(text);
  if (!address)
    return fail(ErrorKind::NeedsUser, "InvalidAddress", fmt::format("{}: {}", option, fault(text)), kCure);
  return *std::move(address);
}

std::string listen_address_fault(const std::string& text) {
  return parse(text) ? "" : fmt::format("{}. {}", fault(text), kCure);
}

}  // namespace penstock::cli
