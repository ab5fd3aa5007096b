#include "dataplane/postgres/slot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/table_name.hpp"
#include "dataplane/postgres/libpq.hpp"
#include "dataplane/postgres/open_transactions.hpp"

namespace penstock::postgres {
namespace {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

constexpr milliseconds kGlance{100};
constexpr milliseconds kReportEvery{3'000};

/// PostgreSQL docs, "Streaming Replication Protocol", CREATE_REPLICATION_SLOT.
std::string create_sql(pg_conn* session, const std::string& name, SlotKind kind) {
  const char* options = kind == SlotKind::Failover           ? "(SNAPSHOT 'export', FAILOVER)"
                        : PQserverVersion(session) >= 150000 ? "(SNAPSHOT 'export')"
                                                             : "EXPORT_SNAPSHOT";
  return fmt::format("CREATE_REPLICATION_SLOT {}{} LOGICAL pgoutput {}", quote_identifier(name),
                     kind == SlotKind::Temporary ? " TEMPORARY" : "", options);
}

/// Waits for the answer to CREATE_REPLICATION_SLOT. On failure there is none yet.
Status await_slot(pg_conn* session, pg_conn* observer, const Endpoint& endpoint, const std::string& name,
                  const SlotPatience& patience) {
  const auto began = SteadyClock::now();
  auto next_report = began + kReportEvery;
  while (PQisBusy(session) == 1) {
    if (wait_for_socket(session, false, static_cast<int>(kGlance.count())) && PQconsumeInput(session) == 0)
      return {};  // the result says what happened
    const auto now = SteadyClock::now();
    const bool late = now - began >= patience.limit;
    if (patience.stop.stop_requested())
      return fail(ErrorKind::Cancelled, "Cancelled", "stopped while a replication slot was being made");
    if (!late && now < next_report) continue;
    next_report = now + kReportEvery;
    const auto whom = name_sessions(
        observer, endpoint, fmt::format("SELECT unnest(pg_blocking_pids({}))", PQbackendPID(session)));
    const auto error = waiting_for_transactions(
        fmt::format("replication slot \"{}\" of {}", name, endpoint.text()), whom.value_or(""));
    // Both go the same way: what the observer does not get through, the answer does not either.
    if (!whom && whom.error().reason == "SourceUnreachable") return fail(whom.error());
    if (late) return fail(error);
    if (patience.report && whom && !whom->empty()) patience.report(error);
  }
  return {};
}

bool answered_within(pg_conn* session, milliseconds limit) {
  const auto deadline = SteadyClock::now() + limit;
  while (PQisBusy(session) == 1 && SteadyClock::now() < deadline)
    if (wait_for_socket(session, false, static_cast<int>(kGlance.count())) && PQconsumeInput(session) == 0)
      return true;
  return PQisBusy(session) == 0;
}

/// Ends the statement: a slot that is not ready goes with it. A cancel that comes before the server has begun
/// with the statement is lost, so there may be more than one; a server that heeds none has its session ended.
void take_back(pg_conn* session, pg_conn* observer, const Endpoint& endpoint) {
  constexpr int kCancels = 10;
  const Canceller canceller(session);
  for (int at = 0; at < kCancels; ++at) {
    canceller.cancel();
    if (answered_within(session, 5 * kGlance)) return;
  }
  const auto ended =
      run(observer, endpoint, fmt::format("SELECT pg_terminate_backend({})", PQbackendPID(session)),
          "ending the session that makes a slot");
  if (ended) (void)answered_within(session, 50 * kGlance);
}

Error creation_error(const Endpoint& endpoint, pg_conn* session, const PGresult* result,
                     const std::string& name) {
  auto error = error_of_result(endpoint, session, result, "making replication slot " + name);
  const auto state = sqlstate_of(result);
  if (state.empty()) {
    // The connection went before the answer came: the slot may be there.
    error.kind = ErrorKind::InDoubt;
  } else if (state == "42710") {
    error.kind = ErrorKind::InDoubt;
    error.reason = "SlotExists";
    error.cure = fmt::format("If nothing uses it: SELECT pg_drop_replication_slot({})", quote_literal(name));
  } else if (state == "42501") {
    error.reason = "NoReplicationRight";
    error.cure = fmt::format("ALTER ROLE {} REPLICATION", quote_identifier(endpoint.user));
  } else if (state == "55000") {
    error.reason = "WalLevelNotLogical";
    error.cure = "ALTER SYSTEM SET wal_level = logical, then restart PostgreSQL";
  }
  return error;
}

Result<Lsn> restart_lsn_of(pg_conn* observer, const Endpoint& endpoint, const std::string& name) {
  PENSTOCK_ASSIGN(const auto row,
                  run(observer, endpoint,
                      "SELECT restart_lsn FROM pg_replication_slots WHERE slot_name = " + quote_literal(name),
                      "reading the new slot"));
  return Lsn::parse(first_value(row.get()));
}

constexpr const char* kWalEnd =
    "CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END";

Result<Lsn> wal_end(pg_conn* session, const Endpoint& endpoint) {
  PENSTOCK_ASSIGN(const auto row,
                  run(session, endpoint, fmt::format("SELECT {}", kWalEnd), "reading the WAL's end"));
  return Lsn::parse(first_value(row.get()));
}

}  // namespace

Result<CreatedSlot> create_slot(const Endpoint& endpoint, const std::string& name,
                                const SlotPatience& patience, SlotKind kind) {
  PENSTOCK_ASSIGN(auto observer, connect(endpoint));
  PENSTOCK_ASSIGN(auto session, connect(endpoint, SessionKind::Replication));
  if (PQsendQuery(session.get(), create_sql(session.get(), name, kind).c_str()) == 0)
    return fail(error_of_result(endpoint, session.get(), nullptr, "making replication slot " + name));
  auto waited = await_slot(session.get(), observer.get(), endpoint, name, patience);
  if (!waited && waited.error().reason == "SourceUnreachable") {
    waited.error().kind = ErrorKind::InDoubt;
    return fail(std::move(waited).error());
  }
  if (!waited) take_back(session.get(), observer.get(), endpoint);
  const ResultHandle result(PQgetResult(session.get()));
  if (const auto state = sqlstate_of(result.get()); !waited && (state == "57014" || state == "57P01")) {
    discard_results(
        session.get());  // the slot goes after the error was sent, and before the session is ready
    return fail(waited.error());
  }
  if (PQresultStatus(result.get()) != PGRES_TUPLES_OK || PQntuples(result.get()) != 1 ||
      PQnfields(result.get()) < 3)
    return fail(creation_error(endpoint, session.get(), result.get(), name));
  discard_results(session.get());

  CreatedSlot out;
  out.snapshot = PQgetvalue(result.get(), 0, 2);
  const auto point = Lsn::parse(PQgetvalue(result.get(), 0, 1));
  const auto restart = restart_lsn_of(observer.get(), endpoint, name);
  if (!waited || !point || !restart) {
    const auto dropped = run(session.get(), endpoint, "DROP_REPLICATION_SLOT " + quote_identifier(name),
                             "taking the slot back");
    auto error = !waited ? waited.error() : !point ? point.error() : restart.error();
    if (!dropped) error.kind = ErrorKind::InDoubt;
    return fail(std::move(error));
  }
  out.consistent_point = *point;
  out.restart_lsn = *restart;
  out.session = std::move(session);
  return out;
}

Result<ExportedSnapshot> export_snapshot(const Endpoint& endpoint) {
  ExportedSnapshot out;
  PENSTOCK_ASSIGN(out.session, connect(endpoint));
  PENSTOCK_ASSIGN(out.before, wal_end(out.session.get(), endpoint));
  PENSTOCK_TRY(
      run(out.session.get(), endpoint, "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", "exporting"));
  PENSTOCK_ASSIGN(const auto row,
                  run(out.session.get(), endpoint, "SELECT pg_export_snapshot()", "exporting a snapshot"));
  out.snapshot = first_value(row.get());
  PENSTOCK_ASSIGN(out.after, wal_end(out.session.get(), endpoint));
  return out;
}

}  // namespace penstock::postgres
