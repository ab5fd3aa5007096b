#pragma once

// Whether a server that is silent is at work for us, or the connection to it passes nothing any more. TCP
// tells of a peer that is gone; not of a proxy or firewall that answers for it and forwards nothing.

#include <chrono>
#include <optional>
#include <string>
#include <thread>

#include "dataplane/postgres/libpq.hpp"

namespace penstock::postgres {

/// Looks through a new session, 20 s at most, whether the server works on what this one of ours has asked
/// for. nullopt: it does, or that cannot be told. Else it waits for its client, is gone, or nobody can reach
/// the server: the text is the same as long as it does nothing for it in between.
[[nodiscard]] std::optional<std::string> idle_since(const Endpoint& endpoint, int backend_pid);

/// The error of a connection that has passed nothing for `silence`: SourceUnreachable (Transient).
[[nodiscard]] Error stalled(const Endpoint& endpoint, const std::string& doing,
                            std::chrono::milliseconds silence);

/// Waits for a server's answer to one statement: as long as the server is at work for it, within the
/// endpoint's limits.
class Patience {
 public:
  Patience(pg_conn* session, const Endpoint& endpoint) : session_(session), endpoint_(endpoint) {}

  /// Returns when the session's socket can be read (or, for_write, written). Fails with stalled() once
  /// nothing has come for `silence_limit` though the server is not at work, or limits.answer has passed since
  /// this was made; Cancelled when it is stopped.
  [[nodiscard]] Status wait(const std::string& doing, bool for_write = false);

 private:
  using SteadyClock = std::chrono::steady_clock;
  pg_conn* session_;
  const Endpoint& endpoint_;
  const SteadyClock::time_point begun_ = SteadyClock::now();
};

/// Ends a session whose connection stalls, or that passes the endpoint's limits, while a library waits in it
/// without a limit: what waits there fails. Made after the session was opened, destroyed before it is closed,
/// both on its thread.
class StallGuard {
 public:
  /// Fails where there is no thread to have.
  [[nodiscard]] static Result<StallGuard> over(pg_conn* session, const Endpoint& endpoint);

 private:
  explicit StallGuard(std::jthread thread) : thread_(std::move(thread)) {}
  std::jthread thread_;
};

}  // namespace penstock::postgres
