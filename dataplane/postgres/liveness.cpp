#include "dataplane/postgres/liveness.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace penstock::postgres {
namespace {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

constexpr milliseconds kLookLimit{10'000};
/// An answer may be on its way while the look says that the server is done.
constexpr milliseconds kGrace{1'000};

/// Drives a statement that was sent; null when there is no answer within `limit`.
ResultHandle answer_within(pg_conn* session, milliseconds limit) {
  const auto deadline = SteadyClock::now() + limit;
  while (PQisBusy(session) == 1) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - SteadyClock::now());
    if (left <= milliseconds(0)) return nullptr;
    if (wait_for_socket(session, false, static_cast<int>(left.count())) && PQconsumeInput(session) == 0)
      return nullptr;
  }
  return ResultHandle(PQgetResult(session));
}

}  // namespace

std::optional<std::string> idle_since(const Endpoint& endpoint, int backend_pid) {
  const std::string never = "never";
  // A look must not look again when it meets silence itself, so it goes without run().
  const auto session = connect(endpoint, SessionKind::Look);
  if (!session) return session.error().reason == "SourceUnreachable" ? std::optional(never) : std::nullopt;
  // PostgreSQL docs, "The Statistics Collector", pg_stat_activity: a walsender that waits for WAL or for its
  // client is in Client or Activity, one that decodes is in neither.
  const auto sql = fmt::format(
      "SELECT state = 'active' AND coalesce(wait_event_type, '') NOT IN ('Client', 'Activity'), "
      "concat(query_start, state_change) FROM pg_stat_activity WHERE pid = {}",
      backend_pid);
  if (PQsendQuery(session->get(), sql.c_str()) == 0) return never;
  const auto rows = answer_within(session->get(), kLookLimit);
  if (!rows) return never;
  if (PQresultStatus(rows.get()) != PGRES_TUPLES_OK) return std::nullopt;
  if (PQntuples(rows.get()) == 0) return never;
  if (first_value(rows.get()) == "t") return std::nullopt;
  return PQgetvalue(rows.get(), 0, 1);
}

Error stalled(const Endpoint& endpoint, const std::string& doing) {
  return error_of(endpoint, "",
                  fmt::format("nothing has come for {} s though the connection is open",
                              std::chrono::duration<double>(endpoint.silence_limit).count()),
                  doing);
}

Status Patience::wait(const std::string& doing, bool for_write) {
  while (true) {
    const auto deadline = SteadyClock::now() + endpoint_.silence_limit;
    for (auto left = endpoint_.silence_limit; left > milliseconds(0);
         left = std::chrono::duration_cast<milliseconds>(deadline - SteadyClock::now()))
      if (wait_for_socket(session_, for_write, static_cast<int>(left.count()))) return {};
    if (!idle_since(endpoint_, PQbackendPID(session_))) continue;
    if (wait_for_socket(session_, for_write, static_cast<int>(kGrace.count()))) return {};
    return fail(stalled(endpoint_, doing));
  }
}

StallGuard::StallGuard(pg_conn* session, const Endpoint& endpoint)
    : thread_(
          [socket = PQsocket(session), pid = PQbackendPID(session), &endpoint](const std::stop_token& stop) {
            std::mutex mutex;
            std::condition_variable_any changed;
            const auto pause = [&](milliseconds wait) {
              std::unique_lock lock(mutex);
              changed.wait_for(lock, stop, wait, [] { return false; });
              return !stop.stop_requested();
            };
            while (pause(endpoint.silence_limit)) {
              const auto since = idle_since(endpoint, pid);
              // Between two statements a session waits for its client, too, but not for long.
              if (!since || !pause(kGrace) || idle_since(endpoint, pid) != since) continue;
              if (!stop.stop_requested()) ::shutdown(socket, SHUT_RDWR);
              return;
            }
          }) {}

StallGuard::~StallGuard() = default;

}  // namespace penstock::postgres
