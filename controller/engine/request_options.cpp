#include "controller/engine/request_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "controller/engine/response_head.hpp"

namespace penstock::engine {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_true(std::string_view value) {
  return value == "1" || value == "true";
}

std::string field(const HeaderFields& headers, std::string_view name) {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}

// Parameters of the protocol that mean nothing here and change no result.
constexpr std::array<std::string_view, 11> kIgnored{
    "user",          "password",   "quota_key",   "session_timeout",         "session_check",
    "close_session", "stacktrace", "buffer_size", "client_protocol_version", "http_response_buffer_size",
    "access_token"};

bool is_setting_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.';
  });
}

EngineResult<void> refuse_unsupported(const std::string& name, const std::string& value) {
  if (name == "session_id" && !value.empty()) {
    return refuse(ErrorCode::NotImplemented,
                  "HTTP sessions (session_id) are not supported by the embedded engine");
  }
  if (name == "role") {
    return refuse(ErrorCode::NotImplemented, "Roles are not supported by the embedded engine");
  }
  if ((name == "compress" || name == "decompress") && is_true(value)) {
    return refuse(
        ErrorCode::NotImplemented,
        fmt::format("{}=1 (ClickHouse's own block compression) is not supported by the embedded engine: use "
                    "gzip by Content-Encoding, or enable_http_compression",
                    name));
  }
  return {};
}

// Takes one parameter; false when it is a setting.
bool take_known(RequestOptions& options, const std::string& name, const std::string& value) {
  constexpr std::string_view kParameter = "param_";
  if (name == "query") {
    options.query = value;
  } else if (name == "database") {
    options.database = value;
  } else if (name == "query_id") {
    options.query_id = value;
  } else if (name == "default_format") {
    options.default_format = value;
  } else if (name == "wait_end_of_query" || name == "http_wait_end_of_query") {
    options.wait_end_of_query = is_true(value);
  } else if (name == "enable_http_compression") {
    options.compress_output = is_true(value);
  } else if (name == "cancel_http_readonly_queries_on_client_close") {
    options.cancel_on_close = is_true(value);
  } else if (name.starts_with(kParameter)) {
    options.query_parameters.emplace_back(name.substr(kParameter.size()), value);
  } else {
    return name.empty() || name == "session_id" || name == "compress" || name == "decompress" ||
           std::find(kIgnored.begin(), kIgnored.end(), name) != kIgnored.end();
  }
  return true;
}

}  // namespace

std::string decode_component(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low >= 0) {
      decoded += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      decoded += text[i] == '+' ? ' ' : text[i];
    }
  }
  return decoded;
}

std::string path_of(std::string_view target) {
  return decode_component(target.substr(0, target.find('?')));
}

std::vector<std::pair<std::string, std::string>> parse_query_string(std::string_view target) {
  std::vector<std::pair<std::string, std::string>> pairs;
  const auto question = target.find('?');
  std::string_view rest =
      question == std::string_view::npos ? std::string_view() : target.substr(question + 1);
  while (!rest.empty()) {
    const auto ampersand = rest.find('&');
    const std::string_view pair = rest.substr(0, ampersand);
    const auto equals = pair.find('=');
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    if (!pair.empty()) pairs.emplace_back(decode_component(pair.substr(0, equals)), decode_component(value));
    rest = ampersand == std::string_view::npos ? std::string_view() : rest.substr(ampersand + 1);
  }
  return pairs;
}

EngineResult<RequestOptions> parse_request(std::string_view target, const HeaderFields& headers) {
  RequestOptions options;
  options.database = field(headers, "x-clickhouse-database");
  options.default_format = field(headers, "x-clickhouse-format");
  for (auto& [name, value] : parse_query_string(target)) {
    if (auto refused = refuse_unsupported(name, value); !refused) return tl::unexpected(refused.error());
    if (take_known(options, name, value)) continue;
    if (!is_setting_name(name)) {
      return refuse(ErrorCode::UnknownSetting, fmt::format("Unknown setting '{}'", name));
    }
    options.settings.emplace_back(std::move(name), std::move(value));
  }
  // Both are repeated in the answer's head.
  if (has_control_character(options.query_id) || has_control_character(options.default_format))
    return refuse(ErrorCode::BadArguments,
                  "There is a control character in query_id or in the default format");
  return options;
}

}  // namespace penstock::engine
