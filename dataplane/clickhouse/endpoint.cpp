#include "dataplane/clickhouse/endpoint.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace penstock::clickhouse {
namespace {

constexpr const char* kUrlCure =
    "Write spec.destination.clickhouse.url as http://host:8123 or https://host:8443, with user and password "
    "in their "
    "own fields";

tl::unexpected<Error> invalid_url(const std::string& why) {
  return fail(ErrorKind::NeedsUser, "DestinationUrlInvalid", "the URL of ClickHouse " + why, kUrlCure);
}

bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > ' ' && c != 0x7f; });
}

bool is_port(std::string_view text) {
  if (text.empty() || text.size() > 5) return false;
  int value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + (c - '0');
  }
  return value >= 1 && value <= 65535;
}

/// "host", "host:1", "[::1]:1" into host and port.
Status split_authority(std::string_view authority, Address& out) {
  std::string_view host = authority;
  std::string_view port;
  if (!authority.empty() && authority.front() == '[') {
    const auto close = authority.find(']');
    if (close == std::string_view::npos) return invalid_url("has an IPv6 address without a closing bracket");
    host = authority.substr(1, close - 1);
    port = authority.substr(close + 1);
  } else if (const auto colon = authority.find(':'); colon != std::string_view::npos) {
    host = authority.substr(0, colon);
    port = authority.substr(colon);
  }
  if (host.empty()) return invalid_url("names no host");
  if (!port.empty()) {
    if (port.front() != ':' || !is_port(port.substr(1)))
      return invalid_url("has a port that is not a number from 1 to 65535");
    out.port = port.substr(1);
  }
  out.host = host;
  return {};
}

bool starts_with_scheme(std::string_view url, std::string_view scheme) {
  return url.size() >= scheme.size() &&
         std::equal(scheme.begin(), scheme.end(), url.begin(), [](char a, char b) {
           return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b + ('a' - 'A')) : b);
         });
}

bool survives_header(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  if (!text.empty() && (blank(text.front()) || blank(text.back()))) return false;
  return std::none_of(text.begin(), text.end(), [&](unsigned char c) { return c < ' ' || c == 0x7f; });
}

}  // namespace

std::string Address::origin() const {
  const bool bracket = host.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}{}{}", tls ? "https" : "http", bracket ? "[" : "", host, bracket ? "]" : "",
                     port.empty() ? "" : ":", port);
}

bool Address::loopback() const {
  return host == "localhost" || host == "::1" || host.starts_with("127.") || host.ends_with(".localhost");
}

Result<Address> parse_address(std::string_view url) {
  Address out;
  if (!is_plain(url)) return invalid_url("holds white space or control characters");
  if (starts_with_scheme(url, "https://")) {
    out.tls = true;
    url.remove_prefix(8);
  } else if (starts_with_scheme(url, "http://")) {
    url.remove_prefix(7);
  } else {
    return invalid_url(url.empty() ? "is empty" : "begins with neither http:// nor https://");
  }
  const auto end = std::min(url.find_first_of("/?#"), url.size());
  const auto authority = url.substr(0, end);
  // Before anything is quoted in a message: what stands before an @ may be a password.
  if (url.find('@') != std::string_view::npos) return invalid_url("holds a user or password");
  if (url.find_first_of("?#", end) != std::string_view::npos) return invalid_url("has a query or a fragment");
  PENSTOCK_TRY(split_authority(authority, out));
  out.path = end < url.size() ? std::string(url.substr(end)) : "/";
  return out;
}

Status check_credentials(const Endpoint& endpoint) {
  const char* what = nullptr;
  if (!survives_header(endpoint.user)) what = "user";
  if (!survives_header(endpoint.password.reveal())) what = "password";
  if (what == nullptr) return {};
  return fail(
      ErrorKind::NeedsUser, "DestinationCredentialsInvalid",
      fmt::format("the {} for ClickHouse holds a line break, a control character, or white space at an end",
                  what),
      "Correct it in the Secret or the Pipe (echo -n, not echo, when a Secret is made by hand)");
}

std::string url_query(const Settings& parameters) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  const auto add = [&out](std::string_view text) {
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      const bool unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                              c == '-' || c == '.' || c == '_' || c == '~';
      if (unreserved) {
        out += c;
      } else {
        out += '%';
        out += kHex[byte >> 4];
        out += kHex[byte & 15];
      }
    }
  };
  for (const auto& [name, value] : parameters) {
    if (!out.empty()) out += '&';
    add(name);
    out += '=';
    add(value);
  }
  return out;
}

std::string Endpoint::text() const {
  const auto address = parse_address(url);
  return fmt::format("{} as {}", address ? address->origin() : "an invalid URL", user);
}

}  // namespace penstock::clickhouse
