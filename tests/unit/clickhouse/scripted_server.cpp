#include "tests/unit/clickhouse/scripted_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

namespace penstock::test {
namespace {

constexpr int kTick = 20;  // milliseconds between looks at the stop flag

/// How much of `rest`, which follows the head, is the body; npos: it has not come whole.
std::size_t body_length(const std::string& head, std::string_view rest) {
  constexpr std::string_view kLastChunk = "0\r\n\r\n";  // no test sends this as data
  if (head.find("Transfer-Encoding: chunked") != std::string::npos) {
    const auto end = rest.find(kLastChunk);
    return end == std::string_view::npos ? end : end + kLastChunk.size();
  }
  const auto at = head.find("Content-Length: ");
  const auto length = at == std::string::npos ? 0 : std::strtoull(head.c_str() + at + 16, nullptr, 10);
  return rest.size() < length ? std::string_view::npos : length;
}

}  // namespace

std::string http_answer(int status, const std::string& body, const std::string& fields) {
  return "HTTP/1.1 " + std::to_string(status) + " Text\r\n" + fields +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

ScriptedServer::ScriptedServer(std::vector<Step> script) : script_(std::move(script)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_, generic, size) != 0 || ::listen(listener_, 8) != 0 ||
      ::getsockname(listener_, generic, &size) != 0)
    throw std::runtime_error("cannot listen on 127.0.0.1");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

ScriptedServer::~ScriptedServer() {
  stopping_ = true;
  thread_.join();
  ::close(listener_);
}

std::string ScriptedServer::url() const {
  return "http://127.0.0.1:" + std::to_string(port_);
}

std::vector<ScriptedServer::Received> ScriptedServer::received() const {
  const std::lock_guard lock(mutex_);
  return received_;
}

void ScriptedServer::serve() {
  while (!stopping_) {
    pollfd waiting{listener_, POLLIN, 0};
    if (::poll(&waiting, 1, kTick) <= 0) continue;
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) continue;
    ++connections_;
    serve_connection(socket);
    ::close(socket);
  }
}

/// Reads on until head (and body) are whole; false when the client is gone or the test is over.
bool ScriptedServer::read_request(int socket, std::string& buffer, Received& out, bool with_body) const {
  while (!stopping_) {
    const auto end = buffer.find("\r\n\r\n");
    if (end != std::string::npos) {
      const auto head = buffer.substr(0, end + 2);
      const auto length = body_length(head, std::string_view(buffer).substr(end + 4));
      if (!with_body || length != std::string_view::npos) {
        out = {head, with_body ? buffer.substr(end + 4, length) : ""};
        if (with_body) buffer.erase(0, end + 4 + length);
        return true;
      }
    }
    pollfd waiting{socket, POLLIN, 0};
    if (::poll(&waiting, 1, kTick) <= 0) continue;
    char part[65536];
    const auto count = ::recv(socket, part, sizeof part, 0);
    if (count <= 0) return false;
    buffer.append(part, static_cast<std::size_t>(count));
    if (buffer.front() == '\x16') {  // a TLS client: any HTTP server tells it so in plain text
      const auto refusal = http_answer(400, "");
      (void)::send(socket, refusal.data(), refusal.size(), MSG_NOSIGNAL);
      return false;
    }
  }
  return false;
}

Step ScriptedServer::next_step() {
  const std::lock_guard lock(mutex_);
  return next_ < script_.size() ? script_[next_++] : Step{http_answer(200, "")};
}

void ScriptedServer::serve_connection(int socket) {
  std::string buffer;
  Received request;
  while (read_request(socket, buffer, request, false)) {
    const Step step = next_step();
    if (step.answer_at_once) (void)::send(socket, step.answer.data(), step.answer.size(), MSG_NOSIGNAL);
    if (!step.close_before_body && !read_request(socket, buffer, request, true)) return;
    {
      const std::lock_guard lock(mutex_);
      received_.push_back(request);
    }
    if (step.close_before_body) return;
    while (step.hang && !stopping_)
      ::usleep(kTick * 1000);
    for (std::size_t at = 0; at < step.answer.size();) {
      const auto count = ::send(socket, step.answer.data() + at, step.answer.size() - at, MSG_NOSIGNAL);
      if (count <= 0) return;
      at += static_cast<std::size_t>(count);
    }
    if (step.close_after) return;
  }
}

}  // namespace penstock::test
