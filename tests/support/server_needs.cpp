#include "tests/support/server_needs.hpp"

#include <fmt/format.h>

#include <string_view>

namespace penstock::test {
namespace {

constexpr std::string_view kCreate = "CREATE EXTENSION ";

/// The first extension that `sql` creates and the server has no files of.
std::string missing_extension(const PostgresServer& server, const std::string& sql) {
  for (auto at = sql.find(kCreate); at != std::string::npos; at = sql.find(kCreate, at + 1)) {
    const auto begin = at + kCreate.size();
    auto name = sql.substr(begin, sql.find_first_of("; ", begin) - begin);
    const auto found =
        server.value(fmt::format("SELECT count(*) FROM pg_available_extensions WHERE name = '{}'", name));
    if (found == "0") return name;
  }
  return "";
}

}  // namespace

std::string lacking(const PostgresServer& server, int since, const std::string& sql) {
  if (std::stoi(server.value("SHOW server_version_num")) < since)
    return fmt::format("needs PostgreSQL {}, and this is {}", since / 10000,
                       server.value("SHOW server_version"));
  const auto extension = missing_extension(server, sql);
  if (extension.empty()) return "";
  return fmt::format("needs extension {}, which this server does not have", extension);
}

bool is_before_may_2025(PostgresServer& server) {
  for (const int of_then : {130021, 140018, 150013, 160009, 170005})
    if (server.version() / 10000 == of_then / 10000) return server.version() < of_then;
  return false;
}

}  // namespace penstock::test
