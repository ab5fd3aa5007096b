#include "controller/engine/accounts.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>

#include "controller/engine/statement_text.hpp"
#include "core/base64.hpp"

namespace penstock::engine {
namespace {

constexpr std::size_t kPasswordLimit = 1024;

std::string field(const HeaderFields& headers, std::string_view name) {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}

// Looks at every byte of both whatever the first ones are.
bool is_same(const Secret& given, const Secret& wanted) {
  const std::string& a = given.reveal();
  const std::string& b = wanted.reveal();
  unsigned int differences = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const char other = i < b.size() ? b[i] : '\0';
    differences |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(other);
  }
  return differences == 0;
}

EngineResult<Credentials> parse_authorization(std::string_view authorization) {
  constexpr std::string_view kBasic = "basic ";
  std::string scheme(authorization.substr(0, kBasic.size()));
  std::transform(scheme.begin(), scheme.end(), scheme.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  if (scheme != kBasic) {
    return refuse(ErrorCode::AuthenticationFailed,
                  "Invalid authentication: the embedded engine knows only Basic authorization");
  }
  const auto pair = base64_decode(authorization.substr(kBasic.size()));
  const auto colon = pair ? pair->find(':') : std::string::npos;
  if (colon == std::string::npos) {
    return refuse(ErrorCode::AuthenticationFailed,
                  "Invalid authentication: the Basic credentials cannot be decoded");
  }
  return Credentials{pair->substr(0, colon), Secret(pair->substr(colon + 1))};
}

}  // namespace

EngineResult<Credentials> parse_credentials(std::string_view target, const HeaderFields& headers) {
  Credentials credentials;
  const bool by_header = headers.contains("x-clickhouse-user") || headers.contains("x-clickhouse-key");
  if (const std::string authorization = field(headers, "authorization"); !authorization.empty()) {
    if (by_header) {
      return refuse(
          ErrorCode::AuthenticationFailed,
          "Invalid authentication: it is not allowed to use X-ClickHouse HTTP headers and Authorization "
          "HTTP header simultaneously");
    }
    return parse_authorization(authorization);
  }
  if (by_header) {
    if (const auto user = field(headers, "x-clickhouse-user"); !user.empty()) credentials.user = user;
    credentials.password = Secret(field(headers, "x-clickhouse-key"));
    return credentials;
  }
  for (const auto& [name, value] : parse_query_string(target)) {
    if (name == "user" && !value.empty()) credentials.user = value;
    if (name == "password") credentials.password = Secret(value);
  }
  return credentials;
}

Profiles parse_profiles(const std::vector<std::string>& texts) {
  Profiles out;
  for (const std::string_view text : texts) {
    const auto colon = text.find(':');
    const auto equals = text.find('=', colon == std::string_view::npos ? 0 : colon);
    if (colon == std::string_view::npos || equals == std::string_view::npos) continue;
    auto& set = out[std::string(text.substr(0, colon))];
    set += fmt::format("{} {} = {}", set.empty() ? "SET" : ",",
                       quote_name(text.substr(colon + 1, equals - colon - 1)),
                       quote_string(text.substr(equals + 1)));
  }
  return out;
}

EngineResult<void> authenticate(const Credentials& credentials, const Accounts& accounts) {
  const bool exists = credentials.user == "default" || accounts.profiles.contains(credentials.user);
  if (is_same(credentials.password, accounts.password) && exists) return {};
  return refuse(
      ErrorCode::AuthenticationFailed,
      fmt::format("{}: Authentication failed: password is incorrect, or there is no user with such name",
                  credentials.user));
}

Result<Secret> read_password_file(const std::string& path) {
  const auto unusable = [&path](std::string_view why) {
    return fail(ErrorKind::NeedsUser, "PasswordFileUnusable",
                fmt::format("the file with the engine's password, {}, {}", path, why),
                "Write one line into it: the password");
  };
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return unusable(fmt::format("cannot be read: {}", std::strerror(errno)));
  std::string text;
  std::array<char, kPasswordLimit> piece{};
  ssize_t count = 0;
  while (text.size() <= kPasswordLimit && (count = ::read(descriptor, piece.data(), piece.size())) > 0)
    text.append(piece.data(), static_cast<std::size_t>(count));
  ::close(descriptor);
  if (count < 0) return unusable(fmt::format("cannot be read: {}", std::strerror(errno)));
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  if (text.empty()) return unusable("is empty");
  if (text.size() > kPasswordLimit) return unusable("holds more than 1024 bytes");
  if (text.find_first_of(std::string_view("\0\r\n", 3)) != std::string::npos)
    return unusable("holds more than one line, or a NUL byte");
  return Secret(std::move(text));
}

}  // namespace penstock::engine
