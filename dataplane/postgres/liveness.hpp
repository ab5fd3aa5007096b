#pragma once

// Whether a server that is silent is at work for us, or the connection to it passes nothing any more. TCP
// tells of a peer that is gone; not of a proxy or firewall that answers for it and forwards nothing.

#include <optional>
#include <string>
#include <thread>

#include "dataplane/postgres/libpq.hpp"

namespace penstock::postgres {

/// Looks through a new session, 20 s at most, whether the server works on what this one of ours has asked
/// for. nullopt: it does, or that cannot be told. Else it waits for its client, is gone, or nobody can reach
/// the server: the text is the same as long as it does nothing for it in between.
[[nodiscard]] std::optional<std::string> idle_since(const Endpoint& endpoint, int backend_pid);

/// The error of a connection that passes nothing any more: SourceUnreachable (Transient).
[[nodiscard]] Error stalled(const Endpoint& endpoint, const std::string& doing);

/// Waits for a server's answer, which may take as long as the server is at work for it.
class Patience {
 public:
  Patience(pg_conn* session, const Endpoint& endpoint) : session_(session), endpoint_(endpoint) {}

  /// Returns when the session's socket can be read (or, for_write, written). Fails with stalled() once
  /// nothing has come for `silence_limit` though the server is not at work.
  [[nodiscard]] Status wait(const std::string& doing, bool for_write = false);

 private:
  pg_conn* session_;
  const Endpoint& endpoint_;
};

/// Ends a session whose connection stalls while a library waits in it without a limit: what waits there
/// fails. Made after the session was opened, destroyed before it is closed, both on its thread.
class StallGuard {
 public:
  StallGuard(pg_conn* session, const Endpoint& endpoint);
  ~StallGuard();
  StallGuard(const StallGuard&) = delete;
  StallGuard& operator=(const StallGuard&) = delete;

 private:
  std::jthread thread_;
};

}  // namespace penstock::postgres
