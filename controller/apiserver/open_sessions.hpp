#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>

namespace penstock::apiserver {

/// A connection. Both may be called from any thread, and return at once.
class OpenSession {
 public:
  virtual ~OpenSession() = default;
  /// Closes it when it is still without a request.
  virtual void make_room() = 0;
  /// Ends it, a watch by its proper last chunk.
  virtual void end() = 0;
};

/// The sessions that are open, to end them all at a stop, and to bound those that wait for a client which has
/// not shown that it is one of ours. Thread-safe.
class OpenSessions {
 public:
  /// When more than this wait, the one that has waited for longest is closed.
  explicit OpenSessions(std::size_t most_waiting) : most_waiting_(most_waiting) {}

  void add(OpenSession* session);
  void remove(OpenSession* session);
  /// It waits for a handshake, or for a request's head.
  void waits(OpenSession* session);
  /// It has a request of a client of ours.
  void works(OpenSession* session);
  void end_all();

 private:
  const std::size_t most_waiting_;
  std::mutex mutex_;
  std::map<OpenSession*, std::uint64_t> sessions_;  ///< with their number among those that wait, or 0
  std::map<std::uint64_t, OpenSession*> waiting_;   ///< who has waited for longest first
  std::uint64_t last_number_ = 0;
};

}  // namespace penstock::apiserver
