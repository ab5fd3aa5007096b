#include "dataplane/postgres/liveness.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "core/thread.hpp"

namespace penstock::postgres {
namespace {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

constexpr milliseconds kLookLimit{10'000};
/// An answer may be on its way while the look says that the server is done.
constexpr milliseconds kGrace{1'000};
/// Between two looks at whether a wait is to end.
constexpr milliseconds kSlice{200};

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
  const auto rows = answer_within(session->get(), endpoint.limits.look(kLookLimit));
  if (!rows) return never;
  if (PQresultStatus(rows.get()) != PGRES_TUPLES_OK) return std::nullopt;
  if (PQntuples(rows.get()) == 0) return never;
  if (first_value(rows.get()) == "t") return std::nullopt;
  return PQgetvalue(rows.get(), 0, 1);
}

Error stalled(const Endpoint& endpoint, const std::string& doing, milliseconds silence) {
  return error_of(endpoint, "",
                  fmt::format("nothing has come for {} s though the connection is open",
                              std::chrono::duration<double>(silence).count()),
                  doing);
}

Status Patience::wait(const std::string& doing, bool for_write) {
  const auto& limits = endpoint_.limits;
  auto asked = SteadyClock::now();
  while (!wait_for_socket(session_, for_write, static_cast<int>(kSlice.count()))) {
    if (limits.stop.stop_requested()) return interrupted(doing);
    const auto now = SteadyClock::now();
    if (limits.answer > milliseconds(0) && now - begun_ >= limits.answer)
      return fail(stalled(endpoint_, doing, limits.answer));
    const auto silence = limits.silence(endpoint_.silence_limit);
    if (now - asked < silence) continue;
    if (idle_since(endpoint_, PQbackendPID(session_))) {
      if (wait_for_socket(session_, for_write, static_cast<int>(kGrace.count()))) return {};
      return fail(stalled(endpoint_, doing, silence));
    }
    asked = SteadyClock::now();
  }
  return {};
}

namespace {

/// Since a byte came from, or went to, the other side; nullopt: not a TCP socket (tcp(7), TCP_INFO).
std::optional<milliseconds> silent_for(int socket) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
  return milliseconds(std::min(info.tcpi_last_data_recv, info.tcpi_last_data_sent));
}

/// Watches a session for its StallGuard, on the guard's thread.
class Watch {
 public:
  Watch(int socket, int backend_pid, const Endpoint& endpoint)
      : socket_(socket), backend_pid_(backend_pid), endpoint_(endpoint) {}

  void run(const std::stop_token& stop) {
    while (pause(stop, kSlice))
      if (is_over(stop)) {
        if (!stop.stop_requested()) ::shutdown(socket_, SHUT_RDWR);
        return;
      }
  }

 private:
  static bool pause(const std::stop_token& stop, milliseconds wait) {
    std::mutex mutex;
    std::condition_variable_any changed;
    std::unique_lock lock(mutex);
    changed.wait_for(lock, stop, wait, [] { return false; });
    return !stop.stop_requested();
  }

  bool is_over(const std::stop_token& stop) {
    const auto& limits = endpoint_.limits;
    if (limits.stop.stop_requested()) return true;
    const auto now = SteadyClock::now();
    // The server's own statement_timeout comes first, where the server is well.
    if (limits.answer > milliseconds(0) && now - begun_ > limits.answer + kGrace &&
        silent_for(socket_).value_or(limits.answer) >= limits.answer)
      return true;
    if (now - asked_ < limits.silence(endpoint_.silence_limit)) return false;
    const auto since = idle_since(endpoint_, backend_pid_);
    asked_ = SteadyClock::now();
    // Between two statements a session waits for its client, too, but not for long.
    return since && pause(stop, kGrace) && idle_since(endpoint_, backend_pid_) == since;
  }

  const int socket_;
  const int backend_pid_;
  const Endpoint& endpoint_;
  const SteadyClock::time_point begun_ = SteadyClock::now();
  SteadyClock::time_point asked_ = begun_;
};

}  // namespace

Result<StallGuard> StallGuard::over(pg_conn* session, const Endpoint& endpoint) {
  const auto watch = [socket = PQsocket(session), pid = PQbackendPID(session),
                      &endpoint](const std::stop_token& stop) { Watch(socket, pid, endpoint).run(stop); };
  PENSTOCK_ASSIGN(auto thread, start_thread("the watch over a session of PostgreSQL", watch));
  return StallGuard(std::move(thread));
}

}  // namespace penstock::postgres
