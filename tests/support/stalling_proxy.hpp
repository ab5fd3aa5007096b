#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <thread>

namespace penstock::test {

/// A TCP proxy on 127.0.0.1 that can do what a firewall or a load balancer does when it has forgotten a
/// connection: keep it open, take what fits into the kernel's buffers, and pass nothing more, either way.
class StallingProxy {
 public:
  /// Forwards to this port of 127.0.0.1. Throws std::runtime_error when it cannot listen.
  explicit StallingProxy(int target_port);
  ~StallingProxy();
  StallingProxy(const StallingProxy&) = delete;
  StallingProxy& operator=(const StallingProxy&) = delete;

  [[nodiscard]] int port() const { return port_; }
  /// The connections that are open now pass nothing any more, for good; new ones do.
  void stall();
  /// How many were opened, ever, and how many of these the client has not closed.
  [[nodiscard]] int opened() const { return opened_.load(); }
  [[nodiscard]] int open() const { return open_.load(); }

 private:
  struct Pair;
  void serve();
  void forward(Pair& pair, bool to_target);

  int target_port_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<int> generation_{0};
  std::atomic<int> opened_{0}, open_{0};
  std::list<Pair> pairs_;
  std::thread acceptor_;
};

}  // namespace penstock::test
