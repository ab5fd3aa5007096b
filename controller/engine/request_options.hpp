#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/engine/server_error.hpp"

namespace penstock::engine {

/// Header fields by lower-case name; several of one name are put together with ", " (RFC 9110, 5.2).
using HeaderFields = std::map<std::string, std::string, std::less<>>;

/// What the URL and the headers of a request ask for (ClickHouse docs, "HTTP Interface").
struct RequestOptions {
  std::string query;     ///< the `query` parameter; the body follows it
  std::string database;  ///< empty: the default one
  std::string query_id;
  std::string default_format;                                         ///< empty: TabSeparated
  std::vector<std::pair<std::string, std::string>> query_parameters;  ///< `param_<name>`, without the prefix
  std::vector<std::pair<std::string, std::string>> settings;  ///< every parameter that is not listed here
  bool wait_end_of_query = false;
  bool compress_output = false;  ///< `enable_http_compression`
  bool cancel_on_close = false;  ///< `cancel_http_readonly_queries_on_client_close`

  bool operator==(const RequestOptions&) const = default;
};

/// The decoded `name=value` pairs behind the target's '?', in order.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> parse_query_string(std::string_view target);
/// The target's path, decoded: all before '?'.
[[nodiscard]] std::string path_of(std::string_view target);

/// Reads what is asked for; refuses what this server cannot do (sessions, native compression, roles) with an
/// error that names it, instead of doing something else, and control characters in what an answer's head
/// repeats.
[[nodiscard]] EngineResult<RequestOptions> parse_request(std::string_view target,
                                                         const HeaderFields& headers);

/// Decodes %XX and '+' (application/x-www-form-urlencoded); broken escapes are kept as they are.
[[nodiscard]] std::string decode_component(std::string_view text);

}  // namespace penstock::engine
