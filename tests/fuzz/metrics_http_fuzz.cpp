#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "controller/adapters/metrics/metrics_server.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace penstock::adapters {
namespace {

constexpr std::size_t kMostBytes = 60'000;  // fits a socket's buffer: nobody reads meanwhile

std::uint16_t port_of_the_server() {
  static const Metrics kMetrics("fuzz");
  static const auto kServer = MetricsServer::start(kMetrics, "127.0.0.1", 0).value();
  return kServer->port();
}

int connect_to(std::uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) std::abort();
  // Closed at once, so that thousands of connections do not use up the ports.
  const linger none{1, 0};
  ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &none, sizeof none);
  return socket;
}

}  // namespace

// The bytes of one connection: what is answered, if anything, is HTTP.
PENSTOCK_FUZZ(metrics_http, bytes) {
  if (bytes.size() > kMostBytes) return;
  const int socket = connect_to(port_of_the_server());
  (void)::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  ::shutdown(socket, SHUT_WR);
  std::string answer;
  std::array<char, 65536> piece{};
  for (ssize_t count = 0; (count = ::recv(socket, piece.data(), piece.size(), 0)) > 0;)
    answer.append(piece.data(), static_cast<std::size_t>(count));
  ::close(socket);
  FUZZ_REQUIRE(answer.empty() || answer.starts_with("HTTP/1."));
}

}  // namespace penstock::adapters
