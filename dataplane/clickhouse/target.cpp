#include "dataplane/clickhouse/target.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
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

namespace {

std::string list_of(const std::vector<std::string>& names) {
  std::vector<std::string> out;
  out.reserve(names.size());
  for (const auto& name : names)
    out.push_back(literal(name));
  return fmt::format("{}", fmt::join(out, ", "));
}

Status add_targets(Client& client, const std::vector<std::string>& names, const std::string& purpose,
                   TargetTables& out) {
  const auto& database = client.endpoint().database;
  const auto in = list_of(names);
  PENSTOCK_ASSIGN(const auto tables,
                  look(client,
                       fmt::format("SELECT name, toString(uuid), engine, engine_full, sorting_key, comment, "
                                   "partition_key FROM system.tables WHERE database = {} AND name IN ({})",
                                   literal(database), in),
                       purpose));
  if (tables.empty()) return {};
  PENSTOCK_ASSIGN(
      const auto columns,
      look(client,
           fmt::format("SELECT table, name, type, default_kind, comment, is_in_partition_key FROM "
                       "system.columns WHERE database = {} AND table IN ({}) "
                       "ORDER BY table, position",
                       literal(database), in),
           purpose));
  for (const auto& row : tables) {
    auto& table = out[row.at(0)];
    table.database = database;
    table.table = row.at(0);
    table.uuid = row.at(1);
    table.engine = row.at(2);
    table.engine_full = row.at(3);
    table.sorting_key = row.at(4);
    table.comment = row.at(5);
    table.partition_key = row.at(6);
    table.mark = Mark::parse(table.comment);
  }
  for (const auto& column : columns)
    if (const auto table = out.find(column.at(0)); table != out.end())
      table->second.columns.push_back(
          {column.at(1), column.at(2), column.at(3), column.at(4), column.at(5) == "1"});
  return {};
}

}  // namespace

Result<TargetTables> read_targets(Client& client, const std::vector<std::string>& tables) {
  // ClickHouse parses statements of up to 256 KiB (max_query_size).
  constexpr std::size_t kPiece = 250;
  TargetTables out;
  for (std::size_t from = 0; from < tables.size(); from += kPiece) {
    const std::vector<std::string> piece(
        tables.begin() + static_cast<std::ptrdiff_t>(from),
        tables.begin() + static_cast<std::ptrdiff_t>(std::min(tables.size(), from + kPiece)));
    const auto what = piece.size() == 1 ? "table " + qualified(client.endpoint().database, piece[0])
                                        : fmt::format("the tables of {}", quote(client.endpoint().database));
    PENSTOCK_TRY(add_targets(client, piece, "look at " + what, out));
  }
  return out;
}

Result<std::set<std::string>> tables_with_rows(Client& client, const std::vector<std::string>& tables) {
  constexpr std::size_t kPiece = 100;
  const auto& database = client.endpoint().database;
  std::set<std::string> out;
  for (std::size_t from = 0; from < tables.size(); from += kPiece) {
    std::vector<std::string> each;
    for (std::size_t at = from; at < std::min(tables.size(), from + kPiece); ++at)
      each.push_back(fmt::format("SELECT {} FROM (SELECT 1 FROM {} LIMIT 1)", literal(tables[at]),
                                 qualified(database, tables[at])));
    PENSTOCK_ASSIGN(const auto rows, look(client, fmt::format("{}", fmt::join(each, " UNION ALL ")),
                                          "see which of the tables hold rows"));
    for (const auto& row : rows)
      out.insert(row.at(0));
  }
  return out;
}

std::optional<TargetTable> target_of(const TargetTables& tables, const std::string& table) {
  const auto at = tables.find(table);
  return at == tables.end() ? std::nullopt : std::optional(at->second);
}

Result<std::optional<TargetTable>> read_target(Client& client, const std::string& table) {
  PENSTOCK_ASSIGN(const auto found, read_targets(client, {table}));
  return target_of(found, table);
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
