#include "dataplane/postgres/connection.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "tests/integration/postgres/shared_server.hpp"

namespace penstock::postgres {
namespace {

using test::PostgresServer;
using testing::HasSubstr;
using testing::Not;

Error refusal(const Endpoint& endpoint, SessionKind kind = SessionKind::Sql) {
  auto session = connect(endpoint, kind);
  EXPECT_FALSE(session) << "it connected";
  return session ? Error{} : session.error();
}

/// Accepts one connection, says `words` (nothing: stays silent) and keeps it open until it goes.
class Impostor {
 public:
  explicit Impostor(std::string words) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    (void)::bind(socket_, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(socket_, 4);
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
    thread_ = std::thread([this, words = std::move(words)] {
      peer_ = ::accept(socket_, nullptr, nullptr);
      sent_ = words.empty() || ::send(peer_, words.data(), words.size(), MSG_NOSIGNAL) > 0;
    });
  }
  ~Impostor() {
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    EXPECT_TRUE(sent_);
    ::close(peer_);
    ::close(socket_);
  }
  int port = 0;

 private:
  int socket_;
  int peer_ = -1;
  bool sent_ = false;
  std::thread thread_;
};

TEST(Connect, SaysAWrongPasswordWithoutThePassword) {
  auto endpoint = endpoint_of(shared_server());
  endpoint.password = Secret("wrong-and-secret");
  const auto error = refusal(endpoint);
  EXPECT_EQ(error.kind, ErrorKind::NeedsUser);
  EXPECT_EQ(error.reason, "AuthenticationFailed");
  EXPECT_THAT(error.message, HasSubstr("SQLSTATE 28P01"));
  EXPECT_THAT(error.text(), Not(HasSubstr("wrong-and-secret")));
}

TEST(Connect, SaysThatAPasswordIsWanted) {
  auto endpoint = endpoint_of(shared_server());
  endpoint.password = Secret();
  EXPECT_EQ(refusal(endpoint).reason, "AuthenticationFailed");
}

TEST(Connect, SaysAnUnknownDatabase) {
  const auto error = refusal(endpoint_of(shared_server(), "nowhere"));
  EXPECT_EQ(error.kind, ErrorKind::NeedsUser);
  EXPECT_EQ(error.reason, "DatabaseNotFound");
  EXPECT_THAT(error.message, HasSubstr("nowhere"));
}

TEST(Connect, SaysAnUnknownHost) {
  auto endpoint = endpoint_of(shared_server());
  for (const char* host : {"no-such-host.invalid", ""}) {
    endpoint.host = host;
    EXPECT_EQ(refusal(endpoint).reason, "HostNotFound") << host;
  }
}

TEST(Connect, SaysThatNobodyListens) {
  auto endpoint = endpoint_of(shared_server());
  endpoint.port = test::free_port();
  const auto error = refusal(endpoint);
  EXPECT_EQ(error.kind, ErrorKind::Transient);
  EXPECT_EQ(error.reason, "SourceUnreachable");
  EXPECT_THAT(error.message, HasSubstr("Connection refused"));
}

TEST(Connect, SaysThatSomethingElseListens) {
  const Impostor web("HTTP/1.1 400 Bad Request\r\n\r\n");
  auto endpoint = endpoint_of(shared_server());
  endpoint.port = web.port;
  EXPECT_EQ(refusal(endpoint).reason, "NotPostgres");
}

TEST(Connect, DoesNotWaitForEverForAnAnswer) {
  const Impostor silent("");
  auto endpoint = endpoint_of(shared_server());
  endpoint.port = silent.port;
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(refusal(endpoint).reason, "SourceUnreachable");
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(13));
}

TEST(Connect, SaysThatTheRoleMayNotLogInOrIsKeptOutByHba) {
  const PostgresServer server({.hba = {"host all kept_out 127.0.0.1/32 reject"}});
  server.exec("CREATE ROLE nologin PASSWORD 'x'; CREATE ROLE kept_out LOGIN PASSWORD 'x'");
  for (const char* role : {"nologin", "kept_out"}) {
    auto endpoint = endpoint_of(server);
    endpoint.user = role;
    endpoint.password = Secret("x");
    const auto error = refusal(endpoint);
    EXPECT_EQ(error.reason, "ConnectionNotPermitted") << role;
    EXPECT_EQ(error.kind, ErrorKind::NeedsUser);
  }
}

TEST(Connect, TakesTooManyConnectionsForSomethingThatPasses) {
  const Database database;
  const auto error = refusal(database.role("CONNECTION LIMIT 0"));
  EXPECT_EQ(error.kind, ErrorKind::Transient);
  EXPECT_EQ(error.reason, "TooManyConnections");
}

TEST(Connect, SaysThatTheRoleMayNotReplicate) {
  const Database database;
  const auto error = refusal(database.role(), SessionKind::Replication);
  EXPECT_EQ(error.kind, ErrorKind::NeedsUser);
  EXPECT_EQ(error.reason, "PermissionDenied");
}

TEST(Connect, GoesThroughAUnixSocketWhateverTheTlsMode) {
  auto endpoint = endpoint_of(shared_server());
  endpoint.host = shared_server().socket_directory();
  endpoint.tls = Tls::VerifyFull;
  EXPECT_TRUE(connect(endpoint));
}

TEST(Connect, PinsEverySettingAgainstRoleAndDatabase) {
  const Database database;
  const auto role = database.role("REPLICATION");
  const std::vector<std::array<const char*, 3>> settings{
      {"TimeZone", "'America/New_York'", "UTC"},
      {"DateStyle", "'German, DMY'", "ISO, MDY"},
      {"IntervalStyle", "sql_standard", "postgres"},
      {"bytea_output", "escape", "hex"},
      {"extra_float_digits", "0", "3"},
      {"search_path", "public", "pg_catalog"},
      {"row_security", "on", "off"},
      {"standard_conforming_strings", "off", "on"},
      {"default_transaction_read_only", "on", "off"},
      {"default_transaction_isolation", "serializable", "read committed"},
      {"statement_timeout", "1", "0"},
      {"lock_timeout", "1", "0"},
      {"idle_in_transaction_session_timeout", "1", "0"},
      {"idle_session_timeout", "1000", "0"},
      {"client_encoding", "latin1", "UTF8"},
  };
  std::string hostility;
  for (const auto& [name, hostile, pinned] : settings) {
    if (std::string(name) == "idle_session_timeout" && shared_server().version() < 140000) continue;
    for (const auto& whom : {"ROLE " + role.user + " IN DATABASE " + database.name, "ROLE " + role.user,
                             "DATABASE " + database.name})
      hostility += fmt::format("ALTER {} SET {} = {};", whom, name, hostile);
  }
  shared_server().exec(hostility + "ALTER ROLE " + role.user + " SET wal_sender_timeout = '3s'");
  for (const auto kind : {SessionKind::Sql, SessionKind::Replication}) {
    const auto session = connect(role, kind);
    ASSERT_TRUE(session) << session.error().text();
    for (const auto& [name, hostile, pinned] : settings) {
      if (std::string(name) == "idle_session_timeout" && shared_server().version() < 140000) continue;
      EXPECT_EQ(ask(session->get(), std::string("SHOW ") + name), pinned) << name;
    }
    if (kind == SessionKind::Replication) {
      EXPECT_EQ(ask(session->get(), "SHOW wal_sender_timeout"), "1min");
    }
  }
}

TEST(Connect, ASessionThatLivesOnLosesTheServerWhenItRestarts) {
  PostgresServer server;
  const auto endpoint = endpoint_of(server);
  const auto session = connect(endpoint);
  ASSERT_TRUE(session);
  server.stop();
  const auto asked = run(session->get(), endpoint, "SELECT 1", "asking");
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().kind, ErrorKind::Transient);
  EXPECT_EQ(asked.error().reason, "SourceUnreachable");
  EXPECT_EQ(refusal(endpoint).reason, "SourceUnreachable");
  server.start();
  EXPECT_TRUE(connect(endpoint));
}

TEST(Canceller, EndsAStatementFromAnotherThread) {
  const auto endpoint = endpoint_of(shared_server());
  const auto session = connect(endpoint);
  ASSERT_TRUE(session);
  const Canceller canceller(session->get());
  std::atomic<bool> done{false};
  std::thread other([&] {
    test::eventually([&] {
      canceller.cancel();
      return done.load();
    });
  });
  const auto slept = run(session->get(), endpoint, "SELECT pg_sleep(60)", "sleeping");
  done = true;
  other.join();
  ASSERT_FALSE(slept);
  EXPECT_EQ(slept.error().reason, "StatementCancelled");
}

struct TlsServer {
  PostgresServer server{
      {.settings = {{"listen_addresses", "127.0.0.1, 127.0.0.2"}},
       .hba = {"hostssl all certified 127.0.0.1/32 cert", "hostssl all all 127.0.0.1/32 scram-sha-256",
               "host all all 127.0.0.1/32 reject"},
       .tls = true}};
  [[nodiscard]] Endpoint endpoint(Tls mode) const {
    auto out = endpoint_of(server);
    out.tls = mode;
    return out;
  }
};

const TlsServer& tls_server() {
  static TlsServer server;
  return server;
}

TEST(Tls, VerifyFullTakesTheServersAuthorityByNameAndAddress) {
  auto endpoint = tls_server().endpoint(Tls::VerifyFull);
  endpoint.ca_pem = tls_server().server.ca_pem();
  for (const char* host : {"127.0.0.1", "localhost"}) {
    endpoint.host = host;
    const auto session = connect(endpoint);
    ASSERT_TRUE(session) << session.error().text();
    EXPECT_EQ(ask(session->get(), "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"), "t");
  }
}

TEST(Tls, VerifyFullRefusesAnotherAuthorityANameThatIsNotInTheCertificateAndNoAuthority) {
  auto other = tls_server().endpoint(Tls::VerifyFull);
  other.ca_pem = tls_server().server.other_ca_pem();
  auto renamed = tls_server().endpoint(Tls::VerifyFull);
  renamed.ca_pem = tls_server().server.ca_pem();
  renamed.host = "127.0.0.2";
  auto system = tls_server().endpoint(Tls::VerifyFull);
  auto garbage = tls_server().endpoint(Tls::VerifyFull);
  garbage.ca_pem = "this is no certificate";
  for (const auto& endpoint : {other, renamed, system, garbage}) {
    const auto error = refusal(endpoint);
    EXPECT_EQ(error.reason, "TlsFailed") << error.text();
    EXPECT_EQ(error.kind, ErrorKind::NeedsUser);
    EXPECT_THAT(error.text(), Not(HasSubstr("/proc/")));
  }
}

TEST(Tls, VerifyFullRefusesACertificateThatHasExpired) {
  PostgresServer server({.tls = true});
  auto endpoint = endpoint_of(server);
  endpoint.tls = Tls::VerifyFull;
  endpoint.ca_pem = server.ca_pem();
  ASSERT_TRUE(connect(endpoint));
  server.let_certificate_expire();
  for (const auto kind : {SessionKind::Sql, SessionKind::Replication}) {
    const auto error = refusal(endpoint, kind);
    EXPECT_EQ(error.reason, "TlsFailed") << error.text();
    EXPECT_EQ(error.kind, ErrorKind::NeedsUser);
    EXPECT_THAT(error.message, HasSubstr("PostgreSQL " + endpoint.text()));
    EXPECT_THAT(error.cure, HasSubstr("spec.source.postgres.tls"));
    EXPECT_THAT(error.cure, HasSubstr("has not expired"));
  }
}

TEST(Tls, ACertificateOfAnotherAuthorityIsRefusedByTheServerInWords) {
  auto endpoint = tls_server().endpoint(Tls::VerifyFull);
  endpoint.ca_pem = tls_server().server.ca_pem();
  const PostgresServer other({.tls = true});
  endpoint.client_certificate_pem = other.client_certificate_pem();
  endpoint.client_key_pem = Secret(other.client_key_pem());
  const auto error = refusal(endpoint);
  EXPECT_EQ(error.reason, "TlsFailed") << error.text();
  EXPECT_EQ(error.kind, ErrorKind::NeedsUser);
}

TEST(Tls, RequireEncryptsWithoutAuthorityAndDisableIsKeptOutByTheServer) {
  EXPECT_TRUE(connect(tls_server().endpoint(Tls::Require)));
  EXPECT_EQ(refusal(tls_server().endpoint(Tls::Disable)).reason, "ConnectionNotPermitted");
}

TEST(Tls, ASourceWithoutTlsIsToldSo) {
  auto endpoint = endpoint_of(shared_server());
  endpoint.tls = Tls::Require;
  EXPECT_EQ(refusal(endpoint).reason, "TlsFailed");
}

TEST(Tls, AClientCertificateIsEnoughWhereTheServerSaysSo) {
  tls_server().server.exec("CREATE ROLE certified LOGIN REPLICATION");
  auto endpoint = tls_server().endpoint(Tls::VerifyFull);
  endpoint.ca_pem = tls_server().server.ca_pem();
  endpoint.user = "certified";
  endpoint.password = Secret();
  endpoint.client_certificate_pem = tls_server().server.client_certificate_pem();
  endpoint.client_key_pem = Secret(tls_server().server.client_key_pem());
  for (const auto kind : {SessionKind::Sql, SessionKind::Replication}) {
    const auto session = connect(endpoint, kind);
    EXPECT_TRUE(session) << session.error().text();
  }
  endpoint.client_key_pem = Secret("no key");
  const auto error = refusal(endpoint);
  EXPECT_EQ(error.reason, "TlsFailed") << error.text();
}

TEST(Tls, LeavesNoFileOpenBehind) {
  auto endpoint = tls_server().endpoint(Tls::VerifyFull);
  endpoint.ca_pem = tls_server().server.ca_pem();
  const auto open_files = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                         std::filesystem::directory_iterator());
  };
  ASSERT_TRUE(connect(endpoint));
  const auto before = open_files();
  ASSERT_TRUE(connect(endpoint));
  EXPECT_EQ(open_files(), before);
}

}  // namespace
}  // namespace penstock::postgres
