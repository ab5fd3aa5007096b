#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace penstock {

/// The first bytes, 64 at most, that a server says after `question` was sent to it on a connection of its
/// own; empty: nobody listens, or nothing came within `limit` (the resolver's time is not counted). `host`
/// may be a name; its first address is asked. To tell what kind of server stands at an address.
[[nodiscard]] std::string ask_over_tcp(const std::string& host, const std::string& port,
                                       std::string_view question, std::chrono::milliseconds limit);

/// PostgreSQL's SSLRequest: a server that is one answers with the byte S or N and waits (PostgreSQL docs,
/// "Frontend/Backend Protocol", SSLRequest).
inline constexpr std::string_view kSslRequest{"\0\0\0\x08\x04\xd2\x16\x2f", 8};
inline constexpr std::string_view kHttpRequest = "GET / HTTP/1.0\r\n\r\n";

}  // namespace penstock
