#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <string>
#include <thread>

namespace penstock::chaos {

enum class Sickness {
  None,
  Hangs,    ///< takes connections and passes nothing, nor on those that are open
  Refuses,  ///< resets what is open, and all that comes
  Stalls,   ///< what is open passes nothing any more; new connections do, for a while
  Garbage   ///< answers every connection with random bytes
};
[[nodiscard]] std::string to_text(Sickness sickness);

/// A TCP proxy on 127.0.0.1 before a server that is well, to look like one that is not. `set` from any
/// thread.
class SickServer {
 public:
  /// Forwards to this port of 127.0.0.1. Throws std::runtime_error when it cannot listen.
  SickServer(int target_port, std::uint64_t seed);
  ~SickServer();
  SickServer(const SickServer&) = delete;
  SickServer& operator=(const SickServer&) = delete;

  [[nodiscard]] int port() const { return port_; }
  void set(Sickness sickness);
  [[nodiscard]] Sickness sickness() const { return sickness_.load(); }

 private:
  struct Pair {
    int client = -1, server = -1;
    std::uint64_t since = 0;  ///< how often it had been set when this was opened
    std::atomic<bool> ended{false};
    std::thread thread;
  };
  void serve();
  void forward(Pair& pair);
  void answer_with_garbage(int client) const;
  /// Whether a connection of that age passes bytes now.
  [[nodiscard]] bool passes(const Pair& pair) const;

  const int target_port_;
  const std::uint64_t seed_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<Sickness> sickness_{Sickness::None};
  std::atomic<std::uint64_t> changes_{0};
  std::list<Pair> pairs_;  // the acceptor's
  std::thread acceptor_;
};

}  // namespace penstock::chaos
