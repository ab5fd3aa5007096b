#pragma once

#include <string>

#include "core/result.hpp"

namespace penstock::engine {

/// A listening address: HOST:PORT, [HOST]:PORT. Only loopback hosts are taken: the engine speaks plain
/// HTTP, and its account has no password unless it is given one.
struct ListenAddress {
  std::string host = "127.0.0.1";  ///< an IPv4 or IPv6 loopback address, without brackets
  int port = 0;                    ///< 0: any free one

  bool operator==(const ListenAddress&) const = default;
  [[nodiscard]] std::string text() const;
  [[nodiscard]] static Result<ListenAddress> parse(const std::string& text);
};

}  // namespace penstock::engine
