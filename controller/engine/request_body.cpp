#include "controller/engine/request_body.hpp"

#include <fmt/format.h>

namespace penstock::engine {
namespace {

// Large enough that handing a piece to the engine's thread costs nothing per row; the engine keeps 16 of
// them.
constexpr std::size_t kPiece = 512U << 10U;
constexpr std::size_t kCompressedPiece = 128U << 10U;

EngineResult<std::string_view> broken(const std::string& why) {
  return refuse(ErrorCode::NetworkError, fmt::format("The request's body ended early: {}", why));
}

}  // namespace

RequestBody::RequestBody(HttpConnection& connection, bool compressed)
    : connection_(&connection), buffer_(kPiece) {
  if (!compressed) return;
  compressed_.resize(kCompressedPiece);
  inflater_.emplace();
}

EngineResult<RequestBody> RequestBody::open(HttpConnection& connection, const RequestHead& head) {
  if (head.header("content-type").starts_with("multipart/")) {
    return refuse(ErrorCode::NotImplemented,
                  "External data in a multipart body is not supported by the embedded engine");
  }
  const std::string coding = head.header("content-encoding");
  if (coding.empty() || coding == "identity") return RequestBody(connection, false);
  if (coding == "gzip" || coding == "x-gzip" || coding == "deflate") return RequestBody(connection, true);
  return refuse(
      ErrorCode::UnsupportedMediaType,
      fmt::format("Unknown Content-Encoding '{}': the embedded engine takes gzip and deflate", coding));
}

EngineResult<std::string_view> RequestBody::read() {
  if (inflater_) return read_compressed();
  const auto count = connection_->read_body(buffer_.data(), buffer_.size());
  if (!count) return broken(count.error());
  return std::string_view(buffer_.data(), *count);
}

EngineResult<std::string_view> RequestBody::read_compressed() {
  while (true) {
    std::size_t produced = 0;
    if (!inflater_->inflate(buffer_.data(), buffer_.size(), produced)) {
      return refuse(ErrorCode::CannotDecompress, "The request's body is not valid gzip or deflate data");
    }
    if (produced > 0) return std::string_view(buffer_.data(), produced);
    const auto count = connection_->read_body(compressed_.data(), compressed_.size());
    if (!count) return broken(count.error());
    if (*count == 0) {
      if (inflater_->complete()) return std::string_view();
      return refuse(ErrorCode::CannotDecompress, "The request's compressed body is cut off");
    }
    inflater_->feed(std::string_view(compressed_.data(), *count));
  }
}

}  // namespace penstock::engine
