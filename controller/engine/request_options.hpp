#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/engine/server_error.hpp"

namespace penstock::engine {

/// Header fields by lower-case name; the last of several wins.
using HeaderFields = std::map<std::string, std::string, std::less<>>;

/// Who is asking, as the request claims it.
struct Credentials {
  std::string user = "default";
  std::string password;

  bool operator==(const Credentials&) const = default;
};

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
  bool readonly_given = false;

  bool operator==(const RequestOptions&) const = default;
};

/// The decoded `name=value` pairs behind the target's '?', in order.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> parse_query_string(std::string_view target);
/// The target's path, decoded: all before '?'.
[[nodiscard]] std::string path_of(std::string_view target);

/// Reads what is asked for; refuses what this server cannot do (sessions, native compression, roles) with an
/// error that names it, instead of doing something else.
[[nodiscard]] EngineResult<RequestOptions> parse_request(std::string_view target,
                                                         const HeaderFields& headers);

/// X-ClickHouse-User and -Key, or Basic authentication, or `user` and `password` in the URL; headers and
/// Authorization together are refused, as ClickHouse does.
[[nodiscard]] EngineResult<Credentials> parse_credentials(std::string_view target,
                                                          const HeaderFields& headers);
/// Users beside `default`, and the SET that makes a session one of theirs: what a user's settings profile is
/// in ClickHouse. The settings of a request come after it.
using Profiles = std::map<std::string, std::string, std::less<>>;
/// Of "user:setting=value" each; those of one user are put together.
[[nodiscard]] Profiles parse_profiles(const std::vector<std::string>& texts);

/// The accounts there are: `default` and those with a profile, without a password. Error 516 for every other.
[[nodiscard]] EngineResult<void> authenticate(const Credentials& credentials, const Profiles& profiles = {});

/// True when a Host field names this machine's loopback: a web page that resolves its own name to 127.0.0.1
/// gets no answer. An absent field (HTTP/1.0) passes.
[[nodiscard]] bool is_loopback_host(std::string_view host);

/// Decodes %XX and '+' (application/x-www-form-urlencoded); broken escapes are kept as they are.
[[nodiscard]] std::string decode_component(std::string_view text);

}  // namespace penstock::engine
