// Who is trusted over TLS: against a real TLS server (openssl s_server) that gives one ClickHouse-like
// answer.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <optional>
#include <sstream>

#include "dataplane/clickhouse/client.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace penstock::clickhouse {
namespace {

/// A certificate authority, and a server for "localhost" that it vouches for.
class Tls : public testing::Test {
 protected:
  void SetUp() override {
    openssl({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
             file("ca.key"), "-out", file("ca.pem"), "-subj", "/CN=penstock test", "-days", "2"});
    openssl({"req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
             file("server.key"), "-out", file("server.csr"), "-subj", "/CN=localhost"});
    std::ofstream(file("names")) << "subjectAltName=DNS:localhost\n";
    vouch("2");
    serve();
  }

  /// The server's certificate, valid for so many days.
  void vouch(const std::string& days) {
    openssl({"x509", "-req", "-in", file("server.csr"), "-CA", file("ca.pem"), "-CAkey", file("ca.key"),
             "-CAcreateserial", "-days", days, "-extfile", file("names"), "-out", file("server.pem")});
  }

  void serve(const std::vector<std::string>& more = {}) {
    test::ProcessOptions options;
    options.arguments = {"s_server", "-quiet",           "-accept", "127.0.0.1:" + std::to_string(port_),
                         "-cert",    file("server.pem"), "-key",    file("server.key")};
    options.arguments.insert(options.arguments.end(), more.begin(), more.end());
    options.input = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n7\n";
    server_.reset();
    server_.emplace("openssl", options);
  }

  [[nodiscard]] std::string file(const std::string& name) const { return directory_ / name; }
  [[nodiscard]] std::string contents(const std::string& name) const {
    std::ostringstream out;
    out << std::ifstream(file(name)).rdbuf();
    return out.str();
  }

  /// What a SELECT over TLS gives, once the server listens.
  Result<Rows> select(const std::string& host, const std::string& ca_pem) {
    Client client(
        {"https://" + host + ":" + std::to_string(port_), "shop", "default", Secret("s3cr3t"), ca_pem});
    Result<Rows> rows;
    test::eventually([&] {
      rows = client.select({"SELECT 7"});
      return rows || rows.error().reason != "DestinationUnreachable";
    });
    return rows;
  }

 private:
  static void openssl(std::vector<std::string> arguments) {
    test::ProcessOptions options;
    options.arguments = std::move(arguments);
    const auto done = test::run("openssl", options);
    ASSERT_TRUE(done.ok()) << done.err;
  }

  test::TempDir directory_{"penstock-tls"};
  int port_ = test::free_port();
  std::optional<test::Process> server_;
};

TEST_F(Tls, TrustsTheGivenAuthority) {
  const auto rows = select("localhost", contents("ca.pem"));
  ASSERT_TRUE(rows) << rows.error().text();
  EXPECT_EQ(*rows, (Rows{{"7"}}));
}

TEST_F(Tls, DoesNotTrustAnUnknownAuthority) {
  const auto rows = select("localhost", "");
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().kind, ErrorKind::NeedsUser);
  EXPECT_EQ(rows.error().reason, "DestinationTlsRefused") << rows.error().text();
}

TEST_F(Tls, DoesNotTrustACertificateForAnotherHost) {
  const auto rows = select("127.0.0.1", contents("ca.pem"));
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().reason, "DestinationTlsRefused") << rows.error().text();
}

TEST_F(Tls, SaysWhenTheGivenAuthorityIsNoCertificate) {
  const auto rows = select("localhost", "-----BEGIN CERTIFICATE-----\nnonsense\n");
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().kind, ErrorKind::NeedsUser);
  EXPECT_EQ(rows.error().reason, "DestinationTlsRefused") << rows.error().text();
}

TEST_F(Tls, DoesNotTrustACertificateThatHasExpired) {
  vouch("-1");
  serve();
  const auto rows = select("localhost", contents("ca.pem"));
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().kind, ErrorKind::NeedsUser);
  EXPECT_EQ(rows.error().reason, "DestinationTlsRefused") << rows.error().text();
  EXPECT_THAT(rows.error().message, testing::HasSubstr("expired"));
  EXPECT_THAT(rows.error().cure, testing::HasSubstr("spec.destination.clickhouse.url"));
}

TEST_F(Tls, SaysThatTheServerWantsACertificateOfTheClient) {
  for (const char* version : {"-tls1_2", "-tls1_3"}) {
    serve({"-Verify", "1", "-verify_return_error", "-CAfile", file("ca.pem"), version});
    const auto rows = select("localhost", contents("ca.pem"));
    ASSERT_FALSE(rows);
    EXPECT_EQ(rows.error().reason, "DestinationTlsRefused") << version << ": " << rows.error().text();
    EXPECT_EQ(rows.error().kind, ErrorKind::NeedsUser);
  }
}

}  // namespace
}  // namespace penstock::clickhouse
