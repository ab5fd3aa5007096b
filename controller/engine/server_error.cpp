#include "controller/engine/server_error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

namespace penstock::engine {
namespace {

constexpr std::string_view kPrefix = "Code: ";

std::string_view name_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::BadArguments:
      return "BAD_ARGUMENTS";
    case ErrorCode::AccessDenied:
      return "ACCESS_DENIED";
    case ErrorCode::NotImplemented:
      return "NOT_IMPLEMENTED";
    case ErrorCode::SyntaxError:
      return "SYNTAX_ERROR";
    case ErrorCode::QueryIsTooLarge:
      return "QUERY_IS_TOO_LARGE";
    case ErrorCode::UnknownSetting:
      return "UNKNOWN_SETTING";
    case ErrorCode::ReadOnly:
      return "READONLY";
    case ErrorCode::TooManySimultaneousQueries:
      return "TOO_MANY_SIMULTANEOUS_QUERIES";
    case ErrorCode::NetworkError:
      return "NETWORK_ERROR";
    case ErrorCode::MemoryLimitExceeded:
      return "MEMORY_LIMIT_EXCEEDED";
    case ErrorCode::CannotDecompress:
      return "CANNOT_DECOMPRESS";
    case ErrorCode::AuthenticationFailed:
      return "AUTHENTICATION_FAILED";
    case ErrorCode::UnsupportedMediaType:
      return "UNSUPPORTED_MEDIA_TYPE";
    case ErrorCode::UnknownException:
      return "UNKNOWN_EXCEPTION";
  }
  return "UNKNOWN_EXCEPTION";
}

// The codes that are not answered with 500, by status. Numbers: src/Common/ErrorCodes.cpp.
constexpr std::array kForbidden{192, 193, 516, 512, 497};
constexpr std::array kBadRequest{36, 427, 6,  25,  26, 38,  41,  72,  441, 675, 676, 27, 376,
                                 15, 44,  37, 123, 8,  167, 168, 223, 62,  117, 53,  321};
constexpr std::array kNotFound{60, 46, 47, 50, 56, 81, 115, 152, 63, 73, 336, 78, 511};
constexpr std::array kUnavailable{209, 76, 439};

bool holds(std::span<const int> codes, int code) {
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

}  // namespace

ServerError make_error(ErrorCode code, std::string_view message) {
  const int number = static_cast<int>(code);
  return {number, fmt::format("{}{}. DB::Exception: {}. ({})", kPrefix, number, message, name_of(code))};
}

tl::unexpected<ServerError> refuse(ErrorCode code, std::string_view message) {
  return tl::unexpected<ServerError>(make_error(code, message));
}

ServerError parse_error(std::string_view text) {
  int code = 0;
  if (text.starts_with(kPrefix)) {
    const char* const begin = text.data() + kPrefix.size();
    std::from_chars(begin, text.data() + text.size(), code);
  }
  if (code == 0) return make_error(ErrorCode::UnknownException, text);
  return {code, std::string(text)};
}

int http_status(int code) {
  if (code == 194) return 401;  // REQUIRED_PASSWORD
  if (holds(kForbidden, code)) return 403;
  if (holds(kBadRequest, code)) return 400;
  if (holds(kNotFound, code)) return 404;
  if (code == static_cast<int>(ErrorCode::QueryIsTooLarge)) return 413;
  if (code == static_cast<int>(ErrorCode::NotImplemented)) return 501;
  if (holds(kUnavailable, code)) return 503;
  if (code == 381) return 411;  // HTTP_LENGTH_REQUIRED
  if (code == 159) return 408;  // TIMEOUT_EXCEEDED
  if (code == static_cast<int>(ErrorCode::UnsupportedMediaType)) return 415;
  return 500;
}

std::string error_body(const ServerError& error, std::string_view version) {
  std::string body = error.text;
  const std::string suffix = fmt::format(" (version {})", version);
  if (!body.ends_with(suffix)) body += suffix;
  body += '\n';
  return body;
}

}  // namespace penstock::engine
