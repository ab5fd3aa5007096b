#pragma once

// How long others wait for a lock that a load has: a partition takes as long to read as ClickHouse takes to
// swallow it, and that may be minutes.

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "dataplane/postgres/heap_state.hpp"

namespace penstock::pipeline {

/// Ends the session of a worker when somebody has waited for its lock for a while: the partition is read
/// again later. A session that is stuck in the middle of a COPY heeds nothing less. Thread-safe.
class LockWatch {
 public:
  explicit LockWatch(postgres::PresentCatalog& present) : present_(present) {}

  /// From here on the session, a backend's pid, may be ended when somebody has waited for `patience`.
  void enter(int session, std::chrono::milliseconds patience);
  /// Whether it was ended while it was in.
  bool leave(int session);
  [[nodiscard]] bool has_ended(int session) const;

  /// Looks who is waited for: to be called some times a second.
  void look();

 private:
  struct Watched {
    std::chrono::milliseconds patience;
    std::optional<std::chrono::steady_clock::time_point> waited_for_since;
    bool ended = false;
  };
  [[nodiscard]] bool anybody_there() const;

  postgres::PresentCatalog& present_;
  mutable std::mutex mutex_;
  std::map<int, Watched> watched_;
};

/// Between enter() and leave().
class InWatch {
 public:
  InWatch(LockWatch& watch, int session, std::chrono::milliseconds patience)
      : watch_(&watch), session_(session) {
    watch.enter(session, patience);
  }
  InWatch(InWatch&& other) noexcept
      : watch_(std::exchange(other.watch_, nullptr)), session_(other.session_) {}
  InWatch& operator=(InWatch&&) = delete;
  ~InWatch() { leave(); }
  /// Whether the session was ended: once it is out, it is not any more.
  bool leave() { return watch_ && std::exchange(watch_, nullptr)->leave(session_); }
  [[nodiscard]] bool has_ended() const { return watch_ && watch_->has_ended(session_); }

 private:
  LockWatch* watch_;
  int session_;
};

}  // namespace penstock::pipeline
