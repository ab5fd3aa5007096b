#include "dataplane/postgres/row_lookup.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>

#include "dataplane/postgres/libpq.hpp"

namespace penstock::postgres {
namespace {

constexpr std::size_t kParametersPerStatement = 2000;

std::string lookup_sql(const TableName& table, const std::vector<KeyColumn>& key,
                       const std::vector<CopyColumn>& wanted, std::size_t rows) {
  std::string select = "SELECT w.i";
  for (const auto& column : wanted)
    select += ", " + column_expression(column, "t.");
  std::string names = "i";
  std::string match;
  for (std::size_t at = 0; at < key.size(); ++at) {
    names += fmt::format(", k{}", at);
    match += fmt::format("{}t.{} = w.k{}", at ? " AND " : "", quote_identifier(key[at].name), at);
  }
  std::string values;
  for (std::size_t row = 0; row < rows; ++row) {
    values += fmt::format("{}({}::int4", row ? ", " : "", row);
    for (std::size_t at = 0; at < key.size(); ++at)
      values += fmt::format(", ${}::{}", row * key.size() + at + 1, key[at].type);
    values += ')';
  }
  return fmt::format("{} FROM (VALUES {}) AS w({}) JOIN {} AS t ON {}", select, values, names, table.quoted(),
                     match);
}

std::size_t row_number(const char* bytes) {
  std::size_t out = 0;
  for (int at = 0; at < 4; ++at)
    out = out << 8 | static_cast<unsigned char>(bytes[at]);
  return out;
}

struct Parameters {
  std::vector<std::string> text;  // libpq wants text parameters terminated
  std::vector<const char*> values;
  std::vector<int> lengths, formats;

  Parameters(const KeyField* first, std::size_t count) : text(count) {
    for (std::size_t at = 0; at < count; ++at) {
      text[at] = first[at].bytes;
      values.push_back(text[at].c_str());
      lengths.push_back(static_cast<int>(text[at].size()));
      formats.push_back(first[at].binary ? 1 : 0);
    }
  }
};

}  // namespace

Status lookup_rows(pg_conn* session, const Endpoint& endpoint, const TableName& table,
                   const std::vector<KeyColumn>& key, const std::vector<CopyColumn>& wanted,
                   const std::vector<KeyField>& keys,
                   const std::function<Status(std::size_t, std::span<const FieldView>)>& found) {
  const std::size_t total = keys.size() / key.size();
  const std::size_t per_statement = std::max<std::size_t>(1, kParametersPerStatement / key.size());
  std::vector<FieldView> fields(wanted.size());
  for (std::size_t first = 0; first < total; first += per_statement) {
    const std::size_t rows = std::min(per_statement, total - first);
    const Parameters parameters(&keys[first * key.size()], rows * key.size());
    const ResultHandle result(PQexecParams(
        session, lookup_sql(table, key, wanted, rows).c_str(), static_cast<int>(parameters.values.size()),
        nullptr, parameters.values.data(), parameters.lengths.data(), parameters.formats.data(), 1));
    if (PQresultStatus(result.get()) != PGRES_TUPLES_OK)
      return fail(
          error_of_result(endpoint, session, result.get(), "reading unchanged values of " + table.text()));
    for (int row = 0; row < PQntuples(result.get()); ++row) {
      for (std::size_t at = 0; at < wanted.size(); ++at) {
        const int column = static_cast<int>(at) + 1;
        const bool null = PQgetisnull(result.get(), row, column) != 0;
        fields[at] = {null,
                      {PQgetvalue(result.get(), row, column),
                       static_cast<std::size_t>(PQgetlength(result.get(), row, column))}};
      }
      PENSTOCK_TRY(found(first + row_number(PQgetvalue(result.get(), row, 0)), fields));
    }
  }
  return {};
}

Status wait_until_visible(pg_conn* session, const Endpoint& endpoint, const std::vector<std::uint32_t>& xids,
                          const std::atomic<bool>& stop) {
  std::string list;
  for (const auto xid : xids)
    list += fmt::format("{}({}::bigint)", list.empty() ? "" : ", ", xid);
  // The stream's xids lack the epoch: the full ones are those nearest to the snapshot's xmax. From xmax on, a
  // transaction is not visible yet (PostgreSQL docs, "Transaction ID and Snapshot Information Functions").
  const auto sql = fmt::format(
      "WITH next AS (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS x), "
      "near AS (SELECT x, (x >> 32 << 32) + xid AS f FROM (VALUES {}) AS v(xid), next), "
      "whole AS (SELECT x, CASE WHEN f - x > 2147483647 THEN f - 4294967296 WHEN x - f > 2147483647 THEN f + "
      "4294967296 "
      "ELSE f END AS f FROM near) "
      "SELECT count(*) FROM whole WHERE CASE WHEN f >= x THEN true "
      "ELSE pg_xact_status(f::text::xid8) = 'in progress' END",
      list);
  for (int attempt = 0; attempt < 3000; ++attempt) {
    PENSTOCK_ASSIGN(const auto result, run(session, endpoint, sql, "waiting for a commit"));
    if (first_value(result.get()) == "0") return {};
    if (stop.load()) return fail(ErrorKind::Cancelled, "Stopped", "stopped while waiting for a commit");
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return fail(ErrorKind::Transient, "CommitNotVisible",
              "a transaction that was streamed is not visible in the source after 30 s",
              "Check the synchronous standbys of the source");
}

Result<Lsn> current_wal_lsn(pg_conn* session, const Endpoint& endpoint) {
  PENSTOCK_ASSIGN(
      const auto result,
      run(session, endpoint,
          "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END",
          "looking where the log ends"));
  return Lsn::parse(first_value(result.get()));
}

}  // namespace penstock::postgres
