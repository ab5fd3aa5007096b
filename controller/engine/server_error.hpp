#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace penstock::engine {

/// ClickHouse error codes that this server raises itself (ClickHouse: src/Common/ErrorCodes.cpp).
enum class ErrorCode {
  BadArguments = 36,
  NotImplemented = 48,
  SyntaxError = 62,
  QueryIsTooLarge = 229,
  UnknownSetting = 115,
  ReadOnly = 164,
  TooManySimultaneousQueries = 202,
  NetworkError = 210,
  MemoryLimitExceeded = 241,
  CannotDecompress = 271,
  AccessDenied = 497,
  AuthenticationFailed = 516,
  UnsupportedMediaType = 779,
  UnknownException = 1002,
};

/// A statement's failure in ClickHouse's own words: `Code: 60. DB::Exception: … (UNKNOWN_TABLE)`.
struct ServerError {
  int code = 0;
  std::string text;

  bool operator==(const ServerError&) const = default;
};

template <typename T>
using EngineResult = tl::expected<T, ServerError>;

/// An error of this server's own, worded like the engine's.
[[nodiscard]] ServerError make_error(ErrorCode code, std::string_view message);
[[nodiscard]] tl::unexpected<ServerError> refuse(ErrorCode code, std::string_view message);

/// What libchdb reported; text that does not begin with a code gets UNKNOWN_EXCEPTION's.
[[nodiscard]] ServerError parse_error(std::string_view text);

/// The HTTP status that ClickHouse gives an error code (src/Server/HTTP/exceptionCodeToHTTPStatus.cpp).
[[nodiscard]] int http_status(int code);

/// The response body: the text, ending with ` (version X)` exactly once and a newline.
[[nodiscard]] std::string error_body(const ServerError& error, std::string_view version);

}  // namespace penstock::engine
