#include "controller/engine/request_guard.hpp"

#include <algorithm>
#include <cctype>
#include <string>

namespace penstock::engine {
namespace {

bool is_digit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

struct HostAndPort {
  std::string_view host;
  std::string_view port;  ///< with its colon; empty: none is named
};

HostAndPort split_host(std::string_view text) {
  const auto bracket = text.find(']');
  const auto colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon == std::string_view::npos) return {text, {}};
  return {text.substr(0, colon), text.substr(colon)};
}

// http://localhost:8123 and the loopback's other names, with this very port.
bool is_own_origin(std::string_view origin, int port) {
  constexpr std::string_view kScheme = "http://";
  if (!origin.starts_with(kScheme) || origin.size() == kScheme.size()) return false;
  origin.remove_prefix(kScheme.size());
  return is_loopback_host(origin) && split_host(origin).port == ":" + std::to_string(port);
}

}  // namespace

bool is_loopback_host(std::string_view text) {
  if (text.empty()) return true;
  const auto [host, port] = split_host(text);
  if (!std::all_of(port.begin() + (port.empty() ? 0 : 1), port.end(), is_digit)) return false;
  if (host == "localhost" || host == "[::1]") return true;
  // 127.0.0.0/8 by its digits only: 127.0.0.1.example.com is a name of somebody else's.
  return host.starts_with("127.") &&
         std::all_of(host.begin(), host.end(), [](char c) { return c == '.' || is_digit(c); });
}

std::optional<Refusal> refuse_web_page(const HeaderFields& headers, int port) {
  const auto host = headers.find("host");
  if (host != headers.end() && !is_loopback_host(host->second))
    return Refusal{421, "The embedded engine answers only requests to localhost\n"};
  const auto origin = headers.find("origin");
  const auto site = headers.find("sec-fetch-site");
  const bool foreign = origin != headers.end() && !is_own_origin(origin->second, port);
  const bool from_elsewhere =
      site != headers.end() && site->second != "none" && site->second != "same-origin";
  if (foreign || from_elsewhere) return Refusal{403, "The embedded engine does not answer web pages\n"};
  return std::nullopt;
}

}  // namespace penstock::engine
