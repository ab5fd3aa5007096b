#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "controller/engine/request_options.hpp"
#include "controller/engine/server_error.hpp"
#include "core/result.hpp"
#include "core/secret.hpp"

namespace penstock::engine {

/// Who is asking, as the request claims it.
struct Credentials {
  std::string user = "default";
  Secret password;

  bool operator==(const Credentials&) const = default;
};

/// X-ClickHouse-User and -Key, or Basic authentication, or `user` and `password` in the URL; headers and
/// Authorization together are refused, as ClickHouse does.
[[nodiscard]] EngineResult<Credentials> parse_credentials(std::string_view target,
                                                          const HeaderFields& headers);

/// Users beside `default`, and the SET that makes a session one of theirs: what a user's settings profile is
/// in ClickHouse. The settings of a request come after it.
using Profiles = std::map<std::string, std::string, std::less<>>;
/// Of "user:setting=value" each; those of one user are put together.
[[nodiscard]] Profiles parse_profiles(const std::vector<std::string>& texts);

/// The accounts that there are: `default` and those with a profile, all with this password; empty: none.
struct Accounts {
  Profiles profiles{};
  Secret password{};
};
/// Error 516 for every other. What it takes does not tell how much of a password is right.
[[nodiscard]] EngineResult<void> authenticate(const Credentials& credentials, const Accounts& accounts = {});

/// The password that a file holds: all of it but one line break at its end. A file that is empty, longer than
/// 1 KiB, or has a NUL or a line break in the password is refused; the error does not repeat what it holds.
[[nodiscard]] Result<Secret> read_password_file(const std::string& path);

}  // namespace penstock::engine
