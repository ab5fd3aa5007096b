#include "dataplane/clickhouse/target.hpp"

#include <fmt/format.h>

#include <charconv>

#include "core/tcp_question.hpp"
#include "dataplane/clickhouse/endpoint.hpp"
#include "dataplane/clickhouse/look.hpp"
#include "dataplane/clickhouse/pinned_settings.hpp"

namespace penstock::clickhouse {
namespace {

constexpr std::size_t kLongestVersion = 64;
constexpr std::chrono::milliseconds kStrangerLimit{500};

Error not_clickhouse(const Endpoint& endpoint) {
  return {ErrorKind::NeedsUser, "DestinationNotClickHouse",
          endpoint.text() + " does not answer as ClickHouse does",
          "Point spec.destination.clickhouse.url at ClickHouse's HTTP port (8123, or 8443 with TLS)"};
}

/// The port of another server is no matter of time.
Error unless_a_stranger(const Endpoint& endpoint, Error error) {
  if (error.reason == "DestinationAnswerTorn") return not_clickhouse(endpoint);
  const bool may_be = error.reason == "DestinationUnreachable" || error.reason == "DestinationTlsRefused";
  const bool resolved = error.message.find("resolve") == std::string::npos;
  const auto address = parse_address(endpoint.url);
  if (!may_be || !resolved || !address || endpoint.limits.stop.stop_requested()) return error;
  const auto port = !address->port.empty() ? address->port : address->tls ? "443" : "80";
  const auto answer = ask_over_tcp(address->host, port, kSslRequest, kStrangerLimit);
  if (answer != "S" && answer != "N") return error;
  auto out = not_clickhouse(endpoint);
  out.message += ": PostgreSQL answers there";
  return out;
}

/// "26.7.3.1" into 26 and 7. What is longer is no version, and not to be shown.
bool read_version(DestinationFacts& facts) {
  if (facts.version.size() > kLongestVersion) return false;
  const char* end = facts.version.data() + facts.version.size();
  const auto major = std::from_chars(facts.version.data(), end, facts.major);
  if (major.ec != std::errc() || major.ptr == end || *major.ptr != '.') return false;
  return std::from_chars(major.ptr + 1, end, facts.minor).ec == std::errc();
}

std::string qualified(const std::string& database, const std::string& table) {
  return quote(database) + "." + quote(table);
}

constexpr std::chrono::seconds kDropPatience{5};

/// A statement that may run twice, with the server's limits on what may be dropped lifted. Servers
/// before 23.12 do not know them as settings of a statement and are asked without.
Status without_drop_limits(Client& client, const std::string& sql, const std::string& purpose,
                           std::chrono::seconds patience = {}) {
  Request request{sql,     {{"max_table_size_to_drop", "0"}, {"max_partition_size_to_drop", "0"}},
                  false,   true,
                  purpose, patience};
  auto done = client.execute(request);
  if (!done && done.error().reason == "DestinationSettingUnknown") {
    request.settings.clear();
    done = client.execute(request);
  }
  return done;
}

}  // namespace

Result<DestinationFacts> read_destination(Client& client) {
  DestinationFacts facts;
  // With all of the settings that any statement is sent with: what the server does not let us set shows here.
  const auto answer = look(client,
                           "SELECT version(), timezone(), (SELECT count() FROM system.settings WHERE name IN "
                           "('enable_time_time64_type', 'allow_experimental_time_time64_type')), "
                           "toString(getSetting('readonly')), toUInt8(getSetting('allow_ddl'))",
                           "use ClickHouse", all_pinned_settings());
  if (!answer) return fail(unless_a_stranger(client.endpoint(), answer.error()));
  const auto& server = *answer;
  if (server.size() != 1 || server[0].size() != 5) return fail(not_clickhouse(client.endpoint()));
  facts.version = server[0][0];
  facts.timezone = server[0][1];
  facts.time64 = server[0][2] != "0";
  facts.read_only = server[0][3] != "0";
  facts.allow_ddl = server[0][4] != "0";
  if (!read_version(facts)) return fail(not_clickhouse(client.endpoint()));
  PENSTOCK_ASSIGN(const auto databases,
                  look(client,
                       fmt::format("SELECT engine FROM system.databases WHERE name = {}",
                                   literal(client.endpoint().database)),
                       "look at database " + client.endpoint().database));
  facts.database_exists = !databases.empty();
  if (facts.database_exists) facts.database_engine = databases[0].at(0);
  return facts;
}

Result<std::optional<TargetTable>> read_target(Client& client, const std::string& table) {
  const auto& database = client.endpoint().database;
  const auto purpose = fmt::format("look at table {}", qualified(database, table));
  PENSTOCK_ASSIGN(
      const auto tables,
      look(client,
           fmt::format("SELECT toString(uuid), engine, engine_full, sorting_key, comment, partition_key "
                       "FROM system.tables WHERE database = {} AND name = {}",
                       literal(database), literal(table)),
           purpose));
  if (tables.empty()) return std::optional<TargetTable>{};
  PENSTOCK_ASSIGN(const auto columns,
                  look(client,
                       fmt::format("SELECT name, type, default_kind, comment, is_in_partition_key FROM "
                                   "system.columns WHERE database = {} AND "
                                   "table = {} ORDER BY position",
                                   literal(database), literal(table)),
                       purpose));
  const auto& row = tables[0];
  TargetTable out;
  out.database = database;
  out.table = table;
  out.uuid = row.at(0);
  out.engine = row.at(1);
  out.engine_full = row.at(2);
  out.sorting_key = row.at(3);
  out.comment = row.at(4);
  out.partition_key = row.at(5);
  out.mark = Mark::parse(out.comment);
  for (const auto& column : columns)
    out.columns.push_back({column.at(0), column.at(1), column.at(2), column.at(3), column.at(4) == "1"});
  return std::optional<TargetTable>(std::move(out));
}

Status drop_target(Client& client, const std::string& database, const std::string& table) {
  const auto name = qualified(database, table);
  auto done = without_drop_limits(client, "DROP TABLE IF EXISTS " + name + " SYNC", "drop table " + name,
                                  kDropPatience);
  if (done || done.error().reason == "DestinationDatabaseMissing") return {};
  if (done.error().kind != ErrorKind::Transient) return done;
  const auto found = look(client,
                          fmt::format("SELECT 1 FROM system.tables WHERE database = {} AND name = {}",
                                      literal(database), literal(table)),
                          "look at table " + name);
  if (found && found->empty()) return {};
  return done;
}

Status truncate_target(Client& client, const std::string& database, const std::string& table) {
  const auto name = qualified(database, table);
  PENSTOCK_ASSIGN(const auto engines,
                  look(client,
                       fmt::format("SELECT engine FROM system.tables WHERE database = {} AND name = {}",
                                   literal(database), literal(table)),
                       "look at table " + name));
  // A Null table holds nothing, and refuses to be emptied.
  if (engines.empty() || engines[0].at(0) == "Null") return {};
  return without_drop_limits(client, "TRUNCATE TABLE IF EXISTS " + name + " SYNC", "empty table " + name);
}

}  // namespace penstock::clickhouse
