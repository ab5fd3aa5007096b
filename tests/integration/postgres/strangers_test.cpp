// The address of another kind of server: told as what it is, and nothing of what it says is repeated.

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <thread>

#include "dataplane/postgres/libpq.hpp"
#include "tests/integration/postgres/shared_server.hpp"

namespace penstock::postgres {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// What a server says to what it has read so far; empty: nothing yet.
using Manner = std::function<std::string(const std::string& read)>;

/// Any number of connections, one after the other, each answered once and closed.
class Stranger {
 public:
  explicit Stranger(Manner manner)
      : manner_(std::move(manner)), socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    (void)::bind(socket_, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(socket_, 8);
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
    thread_ = std::thread([this] {
      for (int peer = ::accept(socket_, nullptr, nullptr); peer >= 0;
           peer = ::accept(socket_, nullptr, nullptr)) {
        serve(peer);
        ::close(peer);
      }
    });
  }
  ~Stranger() {
    stopping_ = true;
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    ::close(socket_);
  }
  int port = 0;

 private:
  void serve(int peer) {
    std::string read;
    std::string answer = manner_(read);
    while (answer.empty() && !stopping_) {
      pollfd one{peer, POLLIN, 0};
      if (::poll(&one, 1, 50) != 1) continue;
      char part[512];
      const auto length = ::recv(peer, part, sizeof part, 0);
      if (length <= 0) return;
      read.append(part, static_cast<std::size_t>(length));
      answer = manner_(read);
    }
    ::send(peer, answer.data(), answer.size(), MSG_NOSIGNAL);
    ::shutdown(peer, SHUT_WR);
    char rest[512];
    for (pollfd one{peer, POLLIN, 0}; !stopping_ && ::poll(&one, 1, 1000) == 1;)
      if (::recv(peer, rest, sizeof rest, 0) <= 0) return;
  }

  Manner manner_;
  int socket_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

Manner at_once(std::string words) {
  return [words](const std::string&) { return words; };
}
Manner to_anything(std::string words) {
  return [words](const std::string& read) { return read.empty() ? std::string{} : words; };
}
/// As ClickHouse's HTTP port: it waits for the end of the request.
Manner to_http(std::string words) {
  return [words](const std::string& read) {
    return read.find("\r\n\r\n") == std::string::npos ? std::string{} : words;
  };
}

struct Case {
  const char* name;
  Manner manner;
  const char* what;
};
class StrangerAtPostgres : public testing::TestWithParam<Case> {};

TEST_P(StrangerAtPostgres, IsToldAsOneWhateverTheTlsMode) {
  for (const auto tls : {Tls::Disable, Tls::Require}) {
    const Stranger stranger(GetParam().manner);
    auto endpoint = endpoint_of(shared_server());
    endpoint.port = stranger.port;
    endpoint.tls = tls;
    const auto session = connect(endpoint);
    ASSERT_FALSE(session);
    EXPECT_EQ(session.error().kind, ErrorKind::NeedsUser) << session.error().text();
    EXPECT_EQ(session.error().reason, "NotPostgres");
    EXPECT_THAT(session.error().text(),
                AllOf(HasSubstr("is not a PostgreSQL server"), HasSubstr(GetParam().what),
                      Not(HasSubstr("hush")), HasSubstr("spec.source.postgres.host")));
  }
}

INSTANTIATE_TEST_SUITE_P(
    By, StrangerAtPostgres,
    testing::Values(Case{"Http", to_anything("HTTP/1.1 400 Bad Request\r\n\r\nhush"), "speaks HTTP"},
                    Case{"PatientHttp", to_http("HTTP/1.1 400 Bad Request\r\n\r\nhush"), "speaks HTTP"},
                    Case{"Ssh", at_once("SSH-2.0-hush\r\n"), "speaks SSH"},
                    Case{"Memcached", to_anything("ERROR hush\r\nERROR hush\r\n"),
                         "does not speak PostgreSQL"},
                    Case{"Redis", to_anything("-ERR hush\r\n"), "does not speak PostgreSQL"},
                    Case{"Tls", to_anything(std::string("\x15\x03\x01\x00\x02\x02\x46", 7)), "speaks TLS"}),
    [](const auto& one) { return one.param.name; });

TEST(Nul, InWhatPostgresIsToldIsRefusedAndNotCut) {
  const auto well = endpoint_of(shared_server());
  const auto behind = std::string("\0behind", 7);
  const std::vector<std::function<void(Endpoint&)>> edits{
      [&](Endpoint& e) { e.user += behind; }, [&](Endpoint& e) { e.database += behind; },
      [&](Endpoint& e) { e.password = Secret(e.password.reveal() + behind); }};
  for (const auto& edit : edits) {
    auto endpoint = well;
    edit(endpoint);
    const auto session = connect(endpoint);
    ASSERT_FALSE(session);
    EXPECT_EQ(session.error().reason, "SourceParameterInvalid") << session.error().text();
  }
  auto session = connect(well);
  ASSERT_TRUE(session) << session.error().text();
  const auto done = run(session->get(), well, std::string("SELECT 1\0; SELECT 2", 19), "testing");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().reason, "SourceParameterInvalid");
}

}  // namespace
}  // namespace penstock::postgres
