#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "controller/engine/http_connection.hpp"
#include "controller/engine/server_error.hpp"
#include "controller/engine/zlib_stream.hpp"

namespace penstock::engine {

/// A request's body, its Content-Encoding undone, read piece by piece; never held whole.
class RequestBody {
 public:
  /// Refuses a Content-Encoding other than gzip and deflate, and multipart bodies.
  [[nodiscard]] static EngineResult<RequestBody> open(HttpConnection& connection, const RequestHead& head);

  /// The next piece (up to 512 KiB), valid until the next call; empty at the end. Fails when the connection
  /// breaks, or the data is cut off or damaged.
  [[nodiscard]] EngineResult<std::string_view> read();

 private:
  RequestBody(HttpConnection& connection, bool compressed);
  EngineResult<std::string_view> read_compressed();

  HttpConnection* connection_;
  std::vector<char> buffer_;
  std::vector<char> compressed_;
  std::optional<Inflater> inflater_;
};

}  // namespace penstock::engine
