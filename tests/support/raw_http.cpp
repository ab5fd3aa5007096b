#include "tests/support/raw_http.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace penstock::test {
namespace {

bool wait_for(int socket, short events, std::chrono::milliseconds limit) {
  pollfd descriptor{socket, events, 0};
  int ready = 0;
  do {
    ready = ::poll(&descriptor, 1, static_cast<int>(limit.count()));
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

}  // namespace

std::string HttpReply::header(const std::string& lower_case_name) const {
  const auto found = headers.find(lower_case_name);
  return found == headers.end() ? std::string() : found->second;
}

RawConnection::RawConnection(int port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) close();
}

RawConnection::~RawConnection() {
  close();
}

void RawConnection::close() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

bool RawConnection::send(std::string_view bytes) {
  while (!bytes.empty() && connected()) {
    if (!wait_for(socket_, POLLOUT, std::chrono::seconds(10))) return false;
    const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return false;
    if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return connected();
}

std::string RawConnection::receive(std::size_t size, std::chrono::milliseconds limit) {
  std::string piece(size, '\0');
  if (!connected() || !wait_for(socket_, POLLIN, limit)) return {};
  const auto count = ::recv(socket_, piece.data(), piece.size(), 0);
  piece.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  return piece;
}

bool RawConnection::fill() {
  const std::string piece = receive(1U << 16U);
  buffer_ += piece;
  return !piece.empty();
}

std::string RawConnection::take_line() {
  std::size_t end = 0;
  while ((end = buffer_.find("\r\n")) == std::string::npos) {
    if (!fill()) return {};
  }
  std::string line = buffer_.substr(0, end);
  buffer_.erase(0, end + 2);
  return line;
}

bool RawConnection::take(std::size_t size, std::string& into) {
  while (buffer_.size() < size) {
    if (!fill()) {
      into += std::exchange(buffer_, {});
      return false;
    }
  }
  into.append(buffer_, 0, size);
  buffer_.erase(0, size);
  return true;
}

HttpReply RawConnection::reply(bool to_head) {
  HttpReply reply;
  const std::string status_line = take_line();
  if (status_line.size() < 12) return reply;
  reply.status = std::atoi(status_line.c_str() + 9);
  for (std::string line = take_line(); !line.empty(); line = take_line()) {
    const auto colon = line.find(": ");
    std::string name = line.substr(0, colon);
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    reply.headers[name] = colon == std::string::npos ? "" : line.substr(colon + 2);
  }
  if (to_head || reply.status == 100) {
    reply.complete = true;
  } else if (reply.header("transfer-encoding") == "chunked") {
    while (true) {
      const std::string size_line = take_line();
      if (size_line.empty()) return reply;
      const std::size_t size = std::strtoul(size_line.c_str(), nullptr, 16);
      if (!take(size, reply.body)) return reply;
      (void)take_line();
      if (size == 0) break;
    }
    reply.complete = true;
  } else if (reply.headers.contains("content-length")) {
    reply.complete = take(std::stoul(reply.header("content-length")), reply.body);
  } else {
    while (fill()) {
    }
    reply.body = std::exchange(buffer_, {});
    reply.complete = true;
  }
  return reply;
}

HttpReply http(int port, const std::string& method, const std::string& target, const std::string& body,
               const std::map<std::string, std::string>& headers) {
  RawConnection connection(port);
  std::string head = method + " " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
  for (const auto& [name, value] : headers)
    head += name + ": " + value + "\r\n";
  if (!body.empty() || method == "POST") head += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  (void)(connection.send(head + "\r\n") && connection.send(body));
  return connection.reply(method == "HEAD");
}

std::string url_encode(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.') {
      encoded += c;
    } else {
      char escape[4];
      std::snprintf(escape, sizeof escape, "%%%02X",
                    static_cast<unsigned int>(static_cast<unsigned char>(c)));
      encoded += escape;
    }
  }
  return encoded;
}

}  // namespace penstock::test
