#include "core/tcp_question.hpp"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>

namespace penstock {
namespace {

using Clock = std::chrono::steady_clock;

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

struct Socket {
  explicit Socket(const addrinfo& address)
      : descriptor(::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {}
  ~Socket() {
    if (descriptor >= 0) ::close(descriptor);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int descriptor;
};

bool ready(int descriptor, short what, Clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
  pollfd one{descriptor, what, 0};
  return left > 0 && ::poll(&one, 1, static_cast<int>(left)) == 1;
}

bool connected(int descriptor, const addrinfo& address, Clock::time_point deadline) {
  if (descriptor < 0) return false;
  if (::connect(descriptor, address.ai_addr, address.ai_addrlen) == 0) return true;
  int error = 0;
  socklen_t size = sizeof error;
  return ready(descriptor, POLLOUT, deadline) &&
         ::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

}  // namespace

std::string ask_over_tcp(const std::string& host, const std::string& port, std::string_view question,
                         std::chrono::milliseconds limit) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* raw = nullptr;
  if (::getaddrinfo(host.c_str(), port.c_str(), &hints, &raw) != 0 || raw == nullptr) return "";
  const std::unique_ptr<addrinfo, FreeAddresses> list(raw);
  const auto deadline = Clock::now() + limit;
  const Socket socket(*list);
  if (!connected(socket.descriptor, *list, deadline)) return "";
  if (::send(socket.descriptor, question.data(), question.size(), MSG_NOSIGNAL) < 0) return "";
  if (!ready(socket.descriptor, POLLIN, deadline)) return "";
  std::array<char, 64> answer{};
  const auto length = ::recv(socket.descriptor, answer.data(), answer.size(), 0);
  return length > 0 ? std::string(answer.data(), static_cast<std::size_t>(length)) : "";
}

}  // namespace penstock
