#include "tests/support/stalling_proxy.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

namespace penstock::test {
namespace {

constexpr int kGlanceMs = 20;

sockaddr_in loopback(int port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(static_cast<std::uint16_t>(port));
  out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return out;
}

bool readable(int socket) {
  pollfd one{socket, POLLIN, 0};
  return ::poll(&one, 1, kGlanceMs) > 0;
}

bool send_all(int socket, const char* data, ssize_t size, const std::atomic<bool>& stopping) {
  while (size > 0 && !stopping.load()) {
    const auto sent = ::send(socket, data, static_cast<std::size_t>(size), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      data += sent;
      size -= sent;
      continue;
    }
    pollfd one{socket, POLLOUT, 0};
    if (::poll(&one, 1, kGlanceMs) < 0 || (one.revents & (POLLERR | POLLHUP)) != 0) return false;
  }
  return size == 0;
}

}  // namespace

struct StallingProxy::Pair {
  int client = -1;
  int target = -1;
  int generation = 0;
  std::thread up, down;
};

StallingProxy::StallingProxy(int target_port)
    : target_port_(target_port), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  auto address = loopback(0);
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 64) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("the proxy cannot listen");
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { serve(); });
}

StallingProxy::~StallingProxy() {
  stopping_.store(true);
  acceptor_.join();
  for (auto& pair : pairs_) {
    pair.up.join();
    pair.down.join();
    ::close(pair.client);
    ::close(pair.target);
  }
  ::close(listener_);
}

void StallingProxy::stall() {
  ++generation_;
}

void StallingProxy::serve() {
  while (!stopping_.load()) {
    if (!readable(listener_)) continue;
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    const int target = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto address = loopback(target_port_);
    if (::connect(target, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      ::close(client);
      ::close(target);
      continue;
    }
    ++opened_;
    ++open_;
    auto& pair = pairs_.emplace_back();
    pair.client = client;
    pair.target = target;
    pair.generation = generation_.load();
    pair.up = std::thread([this, &pair] { forward(pair, true); });
    pair.down = std::thread([this, &pair] { forward(pair, false); });
  }
}

void StallingProxy::forward(Pair& pair, bool to_target) {
  const int from = to_target ? pair.client : pair.target;
  const int to = to_target ? pair.target : pair.client;
  std::array<char, 64 * 1024> piece{};
  bool stalled = false;
  while (!stopping_.load()) {
    stalled = stalled || pair.generation != generation_.load();
    if (stalled) {
      // Of the client's close it tells nobody but the test.
      pollfd one{from, POLLRDHUP, 0};
      if (::poll(&one, 1, kGlanceMs) > 0) break;
      continue;
    }
    if (!readable(from)) continue;
    if (pair.generation != generation_.load()) continue;
    const auto size = ::recv(from, piece.data(), piece.size(), 0);
    if (size <= 0 || !send_all(to, piece.data(), size, stopping_)) break;
  }
  if (!stalled) ::shutdown(to, SHUT_WR);
  if (to_target) --open_;
}

}  // namespace penstock::test
