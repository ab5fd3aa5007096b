#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "controller/kube/kube_client.hpp"
#include "tests/integration/kube/scripted_server.hpp"
#include "tests/support/process.hpp"

namespace penstock::kube {
namespace {

using std::chrono_literals::operator""s;
using test::Identity;
using test::make_identity;
using test::ScriptedServer;
using test::SeenRequest;
using test::Wire;

void answer(const SeenRequest&, Wire& wire) {
  wire.answer(200, R"({"metadata":{"name":"shop"}})");
}

class TlsTest : public testing::Test {
 protected:
  static Result<nlohmann::json> ask(KubeConfig config) {
    PENSTOCK_ASSIGN(const auto client, KubeClient::make(std::move(config)));
    return client->get(pipes(), {"data", "shop"});
  }
  KubeConfig config_of(const ScriptedServer& server) const {
    KubeConfig config;
    config.server = server.url();
    config.ca_pem = authority_.certificate;
    return config;
  }

  Identity authority_ = make_identity("penstock-test-ca");
  Identity server_ = make_identity("127.0.0.1", &authority_);
};

TEST_F(TlsTest, TrustsTheAuthorityOfTheKubeconfig) {
  ScriptedServer server(answer, ScriptedServer::Tls{server_, {}});
  const auto object = ask(config_of(server));
  EXPECT_TRUE(object) << object.error().text();
}

TEST_F(TlsTest, RefusesAServerThatNobodyItTrustsHasSigned) {
  ScriptedServer server(answer, ScriptedServer::Tls{make_identity("127.0.0.1"), {}});
  const auto object = ask(config_of(server));
  ASSERT_FALSE(object);
  EXPECT_EQ(object.error().reason, "ApiServerUnreachable");
  EXPECT_NE(object.error().text().find("certificate-authority"), std::string::npos);
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(TlsTest, RefusesACertificateForAnotherHost) {
  ScriptedServer server(answer, ScriptedServer::Tls{make_identity("10.9.8.7", &authority_), {}});
  EXPECT_FALSE(ask(config_of(server)));
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(TlsTest, ChecksAHostNameToo) {
  ScriptedServer server(answer, ScriptedServer::Tls{make_identity("localhost", &authority_), {}});
  auto config = config_of(server);
  EXPECT_FALSE(ask(config));
  config.server.replace(config.server.find("127.0.0.1"), 9, "localhost");
  const auto object = ask(config);
  EXPECT_TRUE(object) << object.error().text();
}

TEST_F(TlsTest, ChecksNothingWhenToldSo) {
  ScriptedServer server(answer, ScriptedServer::Tls{make_identity("elsewhere"), {}});
  auto config = config_of(server);
  config.ca_pem.clear();
  EXPECT_FALSE(ask(config)) << "the system's authorities did not sign it";
  config.skip_tls_verify = true;
  EXPECT_TRUE(ask(config));
}

TEST_F(TlsTest, ShowsItsClientCertificate) {
  ScriptedServer server(answer, ScriptedServer::Tls{server_, authority_.certificate});
  auto config = config_of(server);
  EXPECT_FALSE(ask(config));
  const auto client = make_identity("penstock", &authority_);
  config.client_certificate_pem = client.certificate;
  config.client_key_pem = Secret(client.key);
  const auto object = ask(config);
  EXPECT_TRUE(object) << object.error().text();
}

TEST_F(TlsTest, RefusesCertificatesThatCannotBeRead) {
  ScriptedServer server(answer, ScriptedServer::Tls{server_, {}});
  auto broken_authority = config_of(server);
  broken_authority.ca_pem = "not a certificate";
  auto wrong_key = config_of(server);
  wrong_key.client_certificate_pem = make_identity("a", &authority_).certificate;
  wrong_key.client_key_pem = Secret(make_identity("b", &authority_).key);
  auto broken_key = wrong_key;
  broken_key.client_key_pem = Secret("hunter2");
  for (const auto& config : {broken_authority, wrong_key, broken_key}) {
    const auto object = ask(config);
    ASSERT_FALSE(object);
    EXPECT_EQ(object.error().reason, "InvalidKubeconfig");
    EXPECT_EQ(object.error().text().find("hunter2"), std::string::npos);
  }
}

TEST_F(TlsTest, WatchesAndStops) {
  ScriptedServer server(
      [](const SeenRequest&, Wire& wire) {
        wire.begin_chunks();
        wire.chunk(
            "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"shop\",\"resourceVersion\":\"6\"}}}\n");
        wire.closed_within(20s);
      },
      ScriptedServer::Tls{server_, {}});
  const auto client = KubeClient::make(config_of(server)).value();
  std::stop_source stop;
  int events = 0;
  const auto end = client->watch(
      pipes(), {.resource_version = "5"},
      [&](const runtime::WatchEvent&) {
        ++events;
        stop.request_stop();
      },
      stop.get_token());
  EXPECT_EQ(events, 1);
  EXPECT_EQ(end.error->kind, ErrorKind::Cancelled);
}

}  // namespace
}  // namespace penstock::kube
