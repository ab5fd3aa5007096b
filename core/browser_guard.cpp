#include "core/browser_guard.hpp"

#include <algorithm>
#include <cstddef>

namespace penstock {

namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool same_text(std::string_view one, std::string_view other) {
  return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                    [](char a, char b) { return lower(a) == lower(b); });
}

/// "localhost:80" and "[::1]:80" without the port and the brackets.
std::string_view name_of(std::string_view host) {
  if (host.starts_with('[')) return host.substr(1, host.find(']') - 1);
  return host.substr(0, host.find(':'));
}

/// Four numbers: a name such as 127.0.0.1.example.com is none.
bool is_loopback_v4(std::string_view name) {
  const auto digits = [](char c) { return (c >= '0' && c <= '9') || c == '.'; };
  return name.starts_with("127.") && std::all_of(name.begin(), name.end(), digits);
}

bool is_own(std::string_view name, std::string_view own_name) {
  return same_text(name, "localhost") || name == "::1" || is_loopback_v4(name) ||
         (!own_name.empty() && same_text(name, own_name));
}

bool is_own_origin(std::string_view origin, std::string_view host) {
  const auto scheme = origin.find("://");
  return scheme != std::string_view::npos && same_text(origin.substr(scheme + 3), host);
}

}  // namespace

std::string_view foreign_page_fault(const RequestOrigin& request, bool loopback, std::string_view own_name) {
  const auto& site = request.fetch_site;
  if (!site.empty() && site != "same-origin" && site != "none") {
    return "requests of other sites' pages are refused (Sec-Fetch-Site)";
  }
  if (!request.origin.empty() && !is_own_origin(request.origin, request.host)) {
    return "requests of other origins' pages are refused (Origin)";
  }
  if (loopback && !request.host.empty() && !is_own(name_of(request.host), own_name)) {
    return "the host is not this machine's own: use localhost or 127.0.0.1 (Host)";
  }
  return {};
}

}  // namespace penstock
