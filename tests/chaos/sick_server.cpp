#include "tests/chaos/sick_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <random>
#include <stdexcept>

namespace penstock::chaos {
namespace {

constexpr int kGlanceMs = 20;

sockaddr_in loopback(int port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(static_cast<std::uint16_t>(port));
  out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return out;
}

/// The peer sees a reset, as from a port where nobody listens.
void reset(int socket) {
  const linger at_once{1, 0};
  ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::close(socket);
}

bool send_all(int socket, const char* data, ssize_t size, const std::atomic<bool>& stopping) {
  while (size > 0 && !stopping.load()) {
    const auto sent = ::send(socket, data, static_cast<std::size_t>(size), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      data += sent;
      size -= sent;
    } else if (errno != EAGAIN) {
      return false;
    } else {
      pollfd one{socket, POLLOUT, 0};
      ::poll(&one, 1, kGlanceMs);
    }
  }
  return size == 0;
}

int connect_to(int port) {
  const int out = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto address = loopback(port);
  if (::connect(out, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return out;
  ::close(out);
  return -1;
}

}  // namespace

std::string to_text(Sickness sickness) {
  switch (sickness) {
    case Sickness::None:
      return "is well";
    case Sickness::Hangs:
      return "hangs";
    case Sickness::Refuses:
      return "refuses";
    case Sickness::Stalls:
      return "stalls";
    case Sickness::Garbage:
      return "answers garbage";
  }
  return "";
}

SickServer::SickServer(int target_port, std::uint64_t seed) : target_port_(target_port), seed_(seed) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto address = loopback(0);
  socklen_t size = sizeof address;
  if (listener_ < 0 || ::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      ::listen(listener_, 256) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("a proxy cannot listen on 127.0.0.1");
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { serve(); });
}

SickServer::~SickServer() {
  stopping_ = true;
  acceptor_.join();
  for (auto& pair : pairs_)
    pair.thread.join();
  ::close(listener_);
}

void SickServer::set(Sickness sickness) {
  sickness_ = sickness;
  ++changes_;
}

bool SickServer::passes(const Pair& pair) const {
  const auto now = sickness_.load();
  if (now == Sickness::None) return true;
  return now == Sickness::Stalls && pair.since == changes_.load();
}

void SickServer::answer_with_garbage(int client) const {
  std::minstd_rand random(static_cast<unsigned>(seed_ + changes_.load()));
  std::array<char, 512> bytes{};
  std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<char>(random()); });
  (void)send_all(client, bytes.data(), bytes.size(), stopping_);
}

void SickServer::serve() {
  while (!stopping_.load()) {
    pairs_.remove_if([](Pair& pair) {
      const bool ended = pair.ended.load();
      if (ended) pair.thread.join();
      return ended;
    });
    pollfd one{listener_, POLLIN, 0};
    if (::poll(&one, 1, kGlanceMs) <= 0) continue;
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    if (sickness_.load() == Sickness::Refuses) {
      reset(client);
      continue;
    }
    auto& pair = pairs_.emplace_back();
    pair.client = client;
    pair.since = changes_.load();
    pair.thread = std::thread([this, &pair] {
      forward(pair);
      pair.ended = true;
    });
  }
}

/// Both ways, on one thread.
void SickServer::forward(Pair& pair) {
  std::array<char, 65536> buffer{};
  const auto pass = [&](int from, int to) {
    const auto got = ::recv(from, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0) return errno == EAGAIN;
    return got > 0 && send_all(to, buffer.data(), got, stopping_);
  };
  bool open = true;
  while (open && !stopping_.load()) {
    const auto now = sickness_.load();
    if (now == Sickness::Refuses || now == Sickness::Garbage) break;
    if (!passes(pair)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(kGlanceMs));
      continue;
    }
    if (pair.server < 0) pair.server = connect_to(target_port_);
    if (pair.server < 0) break;
    std::array<pollfd, 2> both{pollfd{pair.client, POLLIN, 0}, pollfd{pair.server, POLLIN, 0}};
    if (::poll(both.data(), both.size(), kGlanceMs) <= 0) continue;
    if (both[0].revents != 0) open = pass(pair.client, pair.server);
    if (open && both[1].revents != 0) open = pass(pair.server, pair.client);
  }
  if (sickness_.load() == Sickness::Garbage) answer_with_garbage(pair.client);
  if (sickness_.load() == Sickness::Refuses)
    reset(pair.client);
  else
    ::close(pair.client);
  if (pair.server >= 0) ::close(pair.server);
}

}  // namespace penstock::chaos
