#include "dataplane/postgres/row_lookup.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <thread>

#include "dataplane/postgres/libpq.hpp"

namespace penstock::postgres {
namespace {

constexpr std::size_t kParametersPerStatement = 2000;
constexpr int kAttempts = 3;
constexpr const char* kBringThemInTheStream =
    "or have the stream bring such values: ALTER TABLE {} REPLICA IDENTITY FULL";

/// A value as the stream sent it, in the type that its column has now.
std::string key_value(const KeyColumn& key, std::size_t parameter) {
  if (key.sent_type.empty()) return fmt::format("${}::{}", parameter, key.column->base_type);
  return fmt::format("pg_catalog.concat(${}::{})::{}", parameter, key.sent_type, key.column->base_type);
}

/// The operators of a type may be in any schema, and search_path has none of them. Without an index that
/// tells which is equality, the text decides.
std::string key_match(const KeyColumn& key, std::size_t at) {
  const auto name = quote_identifier(key.column->name);
  if (!key.column->equals.empty()) return fmt::format("t.{} {} w.k{}", name, key.column->equals, at);
  return fmt::format("pg_catalog.concat(t.{}) = pg_catalog.concat(w.k{})", name, at);
}

/// A child of plain inheritance is published, and so asked for, by itself.
std::string lookup_sql(const PresentTable& table, const Lookup& what, std::size_t rows) {
  std::string select = "SELECT w.i";
  for (const auto& [column, as_text] : what.wanted)
    select += ", " + column_expression({column->name, as_text}, "t.");
  std::string names = "i";
  std::string match;
  for (std::size_t at = 0; at < what.key.size(); ++at) {
    names += fmt::format(", k{}", at);
    match += (at ? " AND " : "") + key_match(what.key[at], at);
  }
  std::string values;
  for (std::size_t row = 0; row < rows; ++row) {
    values += fmt::format("{}({}::int4", row ? ", " : "", row);
    for (std::size_t at = 0; at < what.key.size(); ++at)
      values += ", " + key_value(what.key[at], row * what.key.size() + at + 1);
    values += ')';
  }
  return fmt::format("{} FROM (VALUES {}) AS w({}) JOIN {}{} AS t ON {}", select, values, names,
                     table.kind == 'p' ? "" : "ONLY ", table.name.quoted(), match);
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
  [[nodiscard]] StatementParameters all() const { return {values, lengths, formats, true}; }
};

/// Of the connection, the server or our transaction, whichever table was asked for. Else it is the table's.
bool is_of_the_session(const Error& error) {
  static constexpr std::array kReasons = {
      "SourceUnreachable", "SourceStarting",       "SourceOverloaded", "TooManyConnections",
      "NotPostgres",       "AuthenticationFailed", "DatabaseNotFound", "ConnectionNotPermitted",
      "TlsFailed",         "StatementCancelled",   "TransactionEnded", "TransactionConflict"};
  return error.kind == ErrorKind::Cancelled ||
         std::any_of(kReasons.begin(), kReasons.end(), [&](const char* one) { return error.reason == one; });
}

class RowLookup {
 public:
  RowLookup(pg_conn* session, const Endpoint& endpoint, std::uint32_t oid, const LookupPlan& plan,
            const WhileWaiting& waiting)
      : session_(session), endpoint_(endpoint), oid_(oid), plan_(plan), waiting_(waiting) {}

  /// What was read; nullopt: the table's definition has changed meanwhile.
  Result<std::optional<std::vector<ResultHandle>>> attempt() {
    PENSTOCK_TRY(run_waiting(session_, endpoint_, "BEGIN", "beginning a look-up", waiting_));
    PENSTOCK_ASSIGN(auto table, read_present_table(session_, endpoint_, oid_, waiting_));
    if (!table)
      return fail(ErrorKind::BadData, "TableNotFound",
                  "the table that a change is of is not in the source any more, and with it values that the "
                  "change leaves out",
                  "It is loaded anew by itself once it is there again; or take it out of spec.tables");
    PENSTOCK_ASSIGN(what_, plan_(*table));
    PENSTOCK_TRY(check_rights(*table));
    auto rows = select(*table);
    if (!rows) PENSTOCK_TRY(run_waiting(session_, endpoint_, "ROLLBACK", "ending a look-up", waiting_));
    if (!rows && rows.error().reason == kLockTimeout) return fail(locked(*table));
    // The lock that reading took keeps it as it is until the transaction ends.
    PENSTOCK_ASSIGN(const auto then, read_present_table(session_, endpoint_, oid_, waiting_));
    if (then != table) {
      PENSTOCK_TRY(run_waiting(session_, endpoint_, "ROLLBACK", "ending a look-up", waiting_));
      return std::optional<std::vector<ResultHandle>>{};
    }
    if (!rows) return fail(rows.error());
    PENSTOCK_TRY(run_waiting(session_, endpoint_, "COMMIT", "ending a look-up", waiting_));
    return std::optional(*std::move(rows));
  }

  Status deliver(const std::vector<ResultHandle>& results, const FoundRow& found) const {
    std::vector<FieldView> fields(what_.wanted.size());
    std::size_t first = 0;
    for (const auto& result : results) {
      for (int row = 0; row < PQntuples(result.get()); ++row) {
        for (std::size_t at = 0; at < fields.size(); ++at) {
          const int column = static_cast<int>(at) + 1;
          const bool null = PQgetisnull(result.get(), row, column) != 0;
          fields[at] = {null,
                        {PQgetvalue(result.get(), row, column),
                         static_cast<std::size_t>(PQgetlength(result.get(), row, column))}};
        }
        PENSTOCK_TRY(found(first + row_number(PQgetvalue(result.get(), row, 0)), fields));
      }
      first += rows_per_statement();
    }
    return {};
  }

 private:
  [[nodiscard]] std::size_t rows_per_statement() const {
    return std::max<std::size_t>(1, kParametersPerStatement / what_.key.size());
  }

  Status check_rights(const PresentTable& table) const {
    const auto role = quote_identifier(endpoint_.user);
    const auto or_full = fmt::format(kBringThemInTheStream, table.name.quoted());
    const auto refuse = [&](const char* reason, const std::string& why, const std::string& cure) {
      return fail(
          ErrorKind::BadData, reason,
          fmt::format("values of {} that the stream leaves out cannot be read: {}", table.name.text(), why),
          cure + ", " + or_full);
    };
    if (!table.schema_usage)
      return refuse(
          "PermissionDenied", fmt::format("role {} has no USAGE on its schema", endpoint_.user),
          fmt::format("Run GRANT USAGE ON SCHEMA {} TO {}", quote_identifier(table.name.schema), role));
    std::vector<std::string> names;
    const auto note = [&](const PresentColumn& column) {
      if (!column.selectable) names.push_back(quote_identifier(column.name));
    };
    for (const auto& one : what_.key)
      note(*one.column);
    for (const auto& one : what_.wanted)
      note(*one.column);
    if (!names.empty())
      return refuse("PermissionDenied",
                    fmt::format("role {} has no SELECT on {}", endpoint_.user, fmt::join(names, ", ")),
                    fmt::format("Run GRANT SELECT ({}) ON {} TO {}", fmt::join(names, ", "),
                                table.name.quoted(), role));
    if (table.row_security)
      return refuse(
          "RowSecurityHidesRows",
          fmt::format("row-level security applies to role {} and could hide rows from it", endpoint_.user),
          fmt::format("Run ALTER ROLE {} BYPASSRLS", role));
    return {};
  }

  Result<std::vector<ResultHandle>> select(const PresentTable& table) const {
    std::vector<ResultHandle> out;
    const std::size_t total = what_.keys.size() / what_.key.size();
    for (std::size_t first = 0; first < total; first += rows_per_statement()) {
      const std::size_t rows = std::min(rows_per_statement(), total - first);
      const Parameters parameters(&what_.keys[first * what_.key.size()], rows * what_.key.size());
      const auto all = parameters.all();
      auto result = run_waiting(session_, endpoint_, lookup_sql(table, what_, rows),
                                "reading unchanged values of " + table.name.text(), waiting_, &all);
      if (!result) {
        auto error = std::move(result).error();
        if (error.reason != kLockTimeout && !is_of_the_session(error)) {
          error.kind = ErrorKind::BadData;
          error.cure = "Make the table readable as the message says, " +
                       fmt::format(kBringThemInTheStream, table.name.quoted());
        }
        return fail(std::move(error));
      }
      out.push_back(*std::move(result));
    }
    return out;
  }

  [[nodiscard]] Error locked(const PresentTable& table) const {
    const auto who = name_lockers(session_, endpoint_, oid_);
    return {ErrorKind::Transient, kLockTimeout,
            fmt::format("table {} is locked{}, and values that its stream leaves out cannot be read",
                        table.name.text(), who && !who->empty() ? " by " + *who : ""),
            "It goes on as soon as the lock is let go of; SELECT pg_terminate_backend(pid) ends a session by "
            "force"};
  }

  pg_conn* session_;
  const Endpoint& endpoint_;
  std::uint32_t oid_;
  const LookupPlan& plan_;
  const WhileWaiting& waiting_;
  Lookup what_;
};

}  // namespace

Status lookup_rows(pg_conn* session, const Endpoint& endpoint, std::uint32_t table, const LookupPlan& plan,
                   const FoundRow& found, const WhileWaiting& waiting) {
  RowLookup lookup(session, endpoint, table, plan, waiting);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    PENSTOCK_ASSIGN(const auto results, lookup.attempt());
    if (results) return lookup.deliver(*results, found);
  }
  return fail(ErrorKind::Transient, "SourceTableChanged",
              "the definition of a table changes again and again while its rows are looked up");
}

Status wait_until_visible(pg_conn* session, const Endpoint& endpoint, const std::vector<std::uint32_t>& xids,
                          const WhileWaiting& waiting) {
  using namespace std::chrono_literals;
  constexpr auto kLimit = 3s;  // one that waits for no standby takes some milliseconds
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
  const auto deadline = std::chrono::steady_clock::now() + kLimit;
  for (auto wait = 5ms; std::chrono::steady_clock::now() < deadline; wait = std::min(wait * 2, 50ms)) {
    PENSTOCK_ASSIGN(const auto result, run_waiting(session, endpoint, sql, "waiting for a commit", waiting));
    if (first_value(result.get()) == "0") return {};
    std::this_thread::sleep_for(wait);
    PENSTOCK_TRY(waiting());
  }
  return fail(
      ErrorKind::Transient, kCommitNotVisible,
      "a transaction that was streamed is not visible in the source yet: it waits for a synchronous standby",
      "It goes on by itself when the standby is back; see synchronous_standby_names and pg_stat_replication");
}

Result<Lsn> current_wal_lsn(pg_conn* session, const Endpoint& endpoint) {
  PENSTOCK_ASSIGN(
      const auto result,
      run(session, endpoint,
          "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END",
          "looking where the log ends"));
  return Lsn::parse(first_value(result.get()));
}

Result<bool> waits_for_standbys(pg_conn* session, const Endpoint& endpoint) {
  PENSTOCK_ASSIGN(const auto result, run(session, endpoint, "SHOW synchronous_standby_names",
                                         "looking whether commits wait for a standby"));
  return !first_value(result.get()).empty();
}

}  // namespace penstock::postgres
