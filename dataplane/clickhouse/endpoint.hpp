#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"
#include "dataplane/clickhouse/client.hpp"

namespace penstock::clickhouse {

/// The parts of an Endpoint's URL that we use. No user info, query or fragment: those are refused.
struct Address {
  bool tls = false;
  std::string host;  ///< without the brackets of an IPv6 address
  std::string port;  ///< empty: the scheme's own
  std::string path;  ///< "/", or a prefix behind which a gateway serves ClickHouse
  bool operator==(const Address&) const = default;

  [[nodiscard]] std::string origin() const;  ///< "https://host:port"
  /// localhost or an address that never leaves the machine: no proxy of the environment applies.
  [[nodiscard]] bool loopback() const;
};

/// Fails with DestinationUrlInvalid (NeedsUser); the message never repeats user info.
[[nodiscard]] Result<Address> parse_address(std::string_view url);

/// Whether user and password can be sent as HTTP headers as they are; DestinationCredentialsInvalid
/// (NeedsUser) otherwise: line breaks (a Secret made with `echo`, say) and white space at the ends do not
/// survive a header.
[[nodiscard]] Status check_credentials(const Endpoint& endpoint);

/// "a=1&b=%2F": a URL's query, percent-encoded (RFC 3986, section 2).
[[nodiscard]] std::string url_query(const Settings& parameters);

}  // namespace penstock::clickhouse
