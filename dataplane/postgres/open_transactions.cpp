#include "dataplane/postgres/open_transactions.hpp"

#include <fmt/format.h>

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "dataplane/postgres/libpq.hpp"

namespace penstock::postgres {
namespace {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

constexpr milliseconds kBetweenLooks{100};
constexpr milliseconds kReportEvery{3'000};
constexpr const char* kDoing = "looking for open transactions";

/// The transactions that are older than `horizon` and still open hold the lock of their own id. Ids in locks
/// are without their epoch.
std::string pids_before(const std::string& horizon) {
  return fmt::format(
      "SELECT l.pid FROM pg_locks l WHERE l.locktype = 'transactionid' AND l.mode = 'ExclusiveLock' AND "
      "l.granted"
      " AND l.transactionid::text IN (SELECT (x::text::numeric % 4294967296)::text"
      " FROM pg_snapshot_xip(pg_current_snapshot()) x WHERE x < {}::xid8)",
      quote_literal(horizon));
}

/// False when `stop` asks to.
bool pause(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, kBetweenLooks, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace

Result<std::string> name_sessions(pg_conn* session, const Endpoint& endpoint, const std::string& pids) {
  const auto sql = fmt::format(
      "SELECT DISTINCT CASE WHEN coalesce(b.pid, 0) = 0 THEN 'a prepared transaction (see "
      "pg_prepared_xacts)' ELSE"
      " concat('pid ', b.pid, ' (', concat_ws(', ', a.usename, a.datname,"
      " a.state || ' since ' || date_trunc('second', a.xact_start)), ')') END"
      " FROM ({}) b(pid) LEFT JOIN pg_stat_activity a ON a.pid = b.pid ORDER BY 1",
      pids);
  PENSTOCK_ASSIGN(const auto rows, run(session, endpoint, sql, kDoing));
  std::string out;
  for (int row = 0; row < PQntuples(rows.get()); ++row)
    out += (row > 0 ? ", " : "") + std::string(PQgetvalue(rows.get(), row, 0));
  return out;
}

Error waiting_for_transactions(const std::string& who, const std::string& sessions) {
  return {ErrorKind::Transient, "WaitingForTransactions",
          fmt::format("{} waits for open transactions: {}", who,
                      sessions.empty() ? "none visible to this role" : sessions),
          "It goes on as soon as they end; SELECT pg_terminate_backend(pid) ends one by force"};
}

Status wait_for_older_transactions(const Endpoint& endpoint, const std::stop_token& stop,
                                   const std::function<void(const Error&)>& report) {
  PENSTOCK_ASSIGN(const auto session, connect(endpoint));
  // An id of its own is above every id given out. The current snapshot's xmax would not do: it is below the
  // open transactions that began after the last one that has ended.
  PENSTOCK_ASSIGN(const auto own, run(session.get(), endpoint, "SELECT pg_current_xact_id()", kDoing));
  const auto horizon = first_value(own.get());
  const auto ended =
      fmt::format("SELECT pg_snapshot_xmin(pg_current_snapshot()) >= {}::xid8", quote_literal(horizon));
  for (auto next_report = SteadyClock::now() + kReportEvery;;) {
    PENSTOCK_ASSIGN(const auto look, run(session.get(), endpoint, ended, kDoing));
    if (first_value(look.get()) == "t") return {};
    if (SteadyClock::now() >= next_report) {
      next_report = SteadyClock::now() + kReportEvery;
      const auto sessions = name_sessions(session.get(), endpoint, pids_before(horizon));
      if (report && sessions && !sessions->empty())
        report(waiting_for_transactions(
            fmt::format("the load of tables added to a publication of {}", endpoint.text()), *sessions));
    }
    if (!pause(stop))
      return fail(ErrorKind::Cancelled, "Cancelled", "stopped while waiting for open transactions");
  }
}

}  // namespace penstock::postgres
