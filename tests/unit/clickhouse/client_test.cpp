// The client against a server that misbehaves at an exact moment. What a real ClickHouse does is tested
// against the engine, in tests/integration/clickhouse.

#include "dataplane/clickhouse/client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>

#include "dataplane/clickhouse/target.hpp"
#include "tests/support/process.hpp"
#include "tests/unit/clickhouse/scripted_server.hpp"

namespace penstock::clickhouse {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using test::http_answer;
using test::ScriptedServer;
using test::Step;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Endpoint endpoint_of(const ScriptedServer& server) {
  return {server.url(), "shop", "loader", Secret("s3cr3t"), ""};
}

Step answered(int status, const std::string& body, const std::string& fields = {}) {
  return {http_answer(status, body, fields), false, false, false};
}
const Step kAnswerLost{"", true, false, false};

TEST(ClickHouseClient, SendsCredentialsAsHeadersAndNeverInTheUrl) {
  ScriptedServer server;
  Client client(endpoint_of(server));
  ASSERT_TRUE(client.execute({"SELECT 1"}));
  const auto request = server.received().at(0);
  EXPECT_THAT(request.head, HasSubstr("X-ClickHouse-User: loader\r\n"));
  EXPECT_THAT(request.head, HasSubstr("X-ClickHouse-Key: s3cr3t\r\n"));
  EXPECT_THAT(request.head.substr(0, request.head.find('\r')), Not(HasSubstr("s3cr3t")));
  EXPECT_THAT(request.head, Not(HasSubstr("Expect")));
  EXPECT_EQ(request.body, "SELECT 1");
}

TEST(ClickHouseClient, SendsSettingsAndTheDatabaseAsUrlParameters) {
  ScriptedServer server;
  Client client(endpoint_of(server));
  ASSERT_TRUE(client.execute({"SELECT 1", {{"param_name", "a b&c=ü"}}}));
  ASSERT_TRUE(client.execute({"CREATE DATABASE shop", {}, false}));
  for (const char* part :
       {"POST /?", "&database=shop&", "&param_name=a%20b%26c%3D%C3%BC&", "wait_end_of_query=1"})
    EXPECT_THAT(server.received().at(0).head, HasSubstr(part));
  EXPECT_THAT(server.received().at(1).head, Not(HasSubstr("database=")));
}

TEST(ClickHouseClient, SendsTheBodyOfAnInsertInPiecesAsOneOfKnownLength) {
  ScriptedServer server;
  Client client(endpoint_of(server));
  const std::string large(3'000'000, 'x');
  ASSERT_TRUE(client.insert({"INSERT INTO t FORMAT Native"}, {"one", "", large, "two"}));
  const auto request = server.received().at(0);
  EXPECT_EQ(request.body, "one" + large + "two");
  EXPECT_THAT(request.head, HasSubstr("Content-Length: 3000006\r\n"));
  EXPECT_THAT(request.head, HasSubstr("query=INSERT%20INTO%20t%20FORMAT%20Native"));
  EXPECT_THAT(request.head, HasSubstr("async_insert=0&"));
  EXPECT_THAT(request.head, HasSubstr("input_format_null_as_default=0&"));
}

TEST(ClickHouseClient, LetsARequestsOwnSettingsWin) {
  ScriptedServer server;
  Client client(endpoint_of(server));
  ASSERT_TRUE(
      client.insert({"INSERT INTO t FORMAT Native", {{"max_partitions_per_insert_block", "7"}}}, {"x"}));
  EXPECT_THAT(server.received().at(0).head, HasSubstr("max_partitions_per_insert_block=7&"));
}

TEST(ClickHouseClient, KeepsItsConnection) {
  ScriptedServer server;
  Client client(endpoint_of(server));
  for (int i = 0; i < 5; ++i)
    ASSERT_TRUE(client.execute({"SELECT 1"}));
  EXPECT_EQ(server.connections(), 1);
}

TEST(ClickHouseClient, ReadsTheRowsOfASelect) {
  ScriptedServer server({answered(200, "1\ta\\tb\n2\t\\N\n")});
  Client client(endpoint_of(server));
  const auto rows = client.select({"SELECT x"});
  ASSERT_TRUE(rows) << rows.error().text();
  EXPECT_THAT(*rows, ElementsAre(ElementsAre("1", "a\tb"), ElementsAre("2", "\\N")));
  EXPECT_EQ(server.received().at(0).body, "SELECT x\nFORMAT TabSeparated");
}

// The connection dies after the statement arrived: it may have been carried out. Exchanged twice, tables are
// back where they were.
TEST(ClickHouseClient, NeverRepeatsAStatementWhoseAnswerWasLost) {
  for (const bool kept_alive : {false, true}) {
    ScriptedServer server(kept_alive ? std::vector{answered(200, ""), kAnswerLost}
                                     : std::vector{kAnswerLost});
    Client client(endpoint_of(server));
    if (kept_alive) {
      ASSERT_TRUE(client.execute({"SELECT 1"}));
    }
    const auto done = client.execute({"EXCHANGE TABLES a AND b"});
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().kind, ErrorKind::InDoubt) << done.error().text();
    EXPECT_EQ(done.error().reason, "DestinationAnswerLost");
    EXPECT_EQ(server.received().size(), kept_alive ? 2U : 1U);
  }
}

TEST(ClickHouseClient, NeverRepeatsAnInsertWhoseAnswerWasLost) {
  ScriptedServer server({answered(200, ""), kAnswerLost});
  Client client(endpoint_of(server));
  ASSERT_TRUE(client.insert({"INSERT INTO t FORMAT Native"}, {"first"}));
  const auto done = client.insert({"INSERT INTO t FORMAT Native"}, {"second"});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, ErrorKind::InDoubt) << done.error().text();
  EXPECT_EQ(server.received().size(), 2U);
}

TEST(ClickHouseClient, RepeatsASelectOnceWhenTheKeptConnectionIsDead) {
  ScriptedServer server({answered(200, ""), kAnswerLost, answered(200, "7\n")});
  Client client(endpoint_of(server));
  ASSERT_TRUE(client.execute({"SELECT 1"}));
  const auto rows = client.select({"SELECT 7"});
  ASSERT_TRUE(rows) << rows.error().text();
  EXPECT_THAT(*rows, ElementsAre(ElementsAre("7")));
  EXPECT_EQ(server.connections(), 2);
}

TEST(ClickHouseClient, RepeatsARepeatableStatementWithItsWholeBody) {
  ScriptedServer server({answered(200, ""), kAnswerLost, answered(200, "")});
  Client client(endpoint_of(server));
  ASSERT_TRUE(client.execute({"SELECT 1"}));
  ASSERT_TRUE(client.execute({"DROP TABLE IF EXISTS t", {}, true, true}));
  EXPECT_EQ(server.received().at(2).body, "DROP TABLE IF EXISTS t");
}

TEST(ClickHouseClient, GivesUpOnASelectWhoseAnswerIsLostAgainAndAgain) {
  ScriptedServer server({kAnswerLost, kAnswerLost, kAnswerLost});
  Client client(endpoint_of(server));
  const auto rows = client.select({"SELECT 7"});
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().kind, ErrorKind::Transient);
  EXPECT_EQ(rows.error().reason, "DestinationUnreachable");
}

TEST(ClickHouseClient, GoesOnAfterALostConnection) {
  ScriptedServer server({kAnswerLost, answered(200, "")});
  Client client(endpoint_of(server));
  ASSERT_FALSE(client.execute({"A"}));
  EXPECT_TRUE(client.execute({"B"}));
}

TEST(ClickHouseClient, GivesUpOnAServerThatIsSilentForTooLong) {
  ScriptedServer server({Step{"", false, true, false}});
  Client client(endpoint_of(server));
  const auto rows = client.select({"SELECT 1", {}, true, false, "look", std::chrono::seconds(1)});
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().kind, ErrorKind::Transient);
  EXPECT_EQ(rows.error().reason, "DestinationUnreachable");
}

TEST(ClickHouseClient, IsInDoubtAboutAnInsertThatStaysUnansweredForTooLong) {
  ScriptedServer server({Step{"", false, true, false}});
  Client client(endpoint_of(server));
  const auto done = client.insert({"INSERT", {}, true, false, "load", std::chrono::seconds(1)}, {"x"});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, ErrorKind::InDoubt) << done.error().text();
}

TEST(ClickHouseClient, SaysUnreachableWhenNobodyListens) {
  Client client({"http://127.0.0.1:" + std::to_string(test::free_port()), "shop", "default", {}, ""});
  const auto done = client.insert({"INSERT INTO t FORMAT Native", {}, true, false, "load orders"}, {"x"});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, ErrorKind::Transient);
  EXPECT_EQ(done.error().reason, "DestinationUnreachable");
  EXPECT_THAT(done.error().message, HasSubstr("load orders at http://127.0.0.1:"));
}

TEST(ClickHouseClient, SaysUnreachableForAnUnknownHost) {
  Client client({"http://no-such-host.invalid:8123", "shop", "default", {}, ""});
  const auto rows = client.select({"SELECT 1"});
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().reason, "DestinationUnreachable");
  EXPECT_THAT(rows.error().message, HasSubstr("no-such-host.invalid"));
}

TEST(ClickHouseClient, SaysThatTheServerDoesNotSpeakTls) {
  ScriptedServer server;
  Client client({"https://127.0.0.1:" + std::to_string(server.port()), "shop", "default", {}, ""});
  const auto rows = client.select({"SELECT 1"});
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().reason, "DestinationTlsRefused") << rows.error().text();
}

TEST(ClickHouseClient, FindsTheExceptionBehindAStatusOf200) {
  const std::string frame = "1\n\r\n__exception__\r\nabcd\r\nCode: 395. DB::Exception: stop here. (X)\r\n";
  ScriptedServer server({answered(200, "", "X-ClickHouse-Exception-Code: 60\r\n"), answered(200, frame)});
  Client client(endpoint_of(server));
  EXPECT_EQ(client.execute({"A"}).error().reason, "TargetMissing");
  EXPECT_EQ(client.select({"B"}).error().reason, "TargetViewFailed");
}

TEST(ClickHouseClient, DoesNotTakeATornResultForAWholeOne) {
  ScriptedServer server({{"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n1\n", true}, answered(200, "1\n2")});
  Client client(endpoint_of(server));
  EXPECT_EQ(client.select({"A"}).error().kind, ErrorKind::Transient);
  EXPECT_EQ(client.select({"B"}).error().reason, "DestinationAnswerTorn");
}

TEST(ClickHouseClient, IsInDoubtWhenAGatewayGaveUpOnAnInsert) {
  ScriptedServer server({answered(504, "gateway timeout"), answered(503, "busy"), answered(504, "")});
  Client client(endpoint_of(server));
  EXPECT_EQ(client.insert({"INSERT"}, {"x"}).error().kind, ErrorKind::InDoubt);
  EXPECT_EQ(client.insert({"INSERT"}, {"x"}).error().kind, ErrorKind::Transient);
  EXPECT_EQ(client.select({"SELECT"}).error().kind, ErrorKind::Transient);
}

TEST(ClickHouseClient, TellsThatSomethingElseAnswers) {
  ScriptedServer server({answered(404, "<html><body>not\nhere</body></html>"),
                         answered(302, "not here", "Location: http://127.0.0.1:1/internal\r\n"),
                         answered(500, "not here"), Step{"SSH-2.0-not here\r\n", true}});
  Client client(endpoint_of(server));
  for (const char* what : {"speaks HTTP, and is not ClickHouse (status 404)", "redirects (HTTP status 302)",
                           "HTTP status 500, without an exception of ClickHouse", "does not speak HTTP"}) {
    const auto done = client.execute({"A", {}, false, true});
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().reason, std::string(what).find("500") == std::string::npos
                                       ? "DestinationNotClickHouse"
                                       : "DestinationUnavailable");
    EXPECT_THAT(done.error().message,
                AllOf(HasSubstr(what), Not(HasSubstr("here<")), Not(HasSubstr("not here"))));
  }
  EXPECT_EQ(server.received().size(), 4U) << "no redirect is followed";
}

TEST(ClickHouseClient, TellsAStrangerThatSaysYesToEverything) {
  const std::string page = "<html>\n<body>not here</body>\n</html>";
  for (const auto& body : {page, page + "\n", std::string(), std::string("1\tUTC\t1\t0\t1\n"),
                           std::string(600, '1') + ".2\tUTC\t1\t0\t1\n"}) {
    ScriptedServer server({answered(200, body)});
    Client client(endpoint_of(server));
    const auto facts = read_destination(client);
    ASSERT_FALSE(facts) << body;
    EXPECT_EQ(facts.error().kind, ErrorKind::NeedsUser);
    EXPECT_EQ(facts.error().reason, "DestinationNotClickHouse") << facts.error().text();
    EXPECT_THAT(facts.error().text(), AllOf(Not(HasSubstr("here")), Not(HasSubstr("1111"))));
  }
}

TEST(ClickHouseClient, TakesRowsThatAreTooShort) {
  ScriptedServer server({answered(200, "orders\n"), answered(200, "orders\n")});
  Client client(endpoint_of(server));
  const auto table = read_target(client, "orders");
  ASSERT_TRUE(table) << table.error().text();
  ASSERT_TRUE(*table);
  EXPECT_EQ((*table)->uuid, "");
  EXPECT_EQ((*table)->partition_key, "");
}

TEST(ClickHouseClient, KeepsThePasswordOutOfEveryMessage) {
  ScriptedServer server(
      {answered(403, "Code: 516. DB::Exception: loader: s3cr3t is wrong. (AUTHENTICATION_FAILED)",
                "X-ClickHouse-Exception-Code: 516\r\n")});
  Client client(endpoint_of(server));
  const auto done = client.execute({"A"});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().reason, "DestinationAuthenticationFailed");
  EXPECT_THAT(done.error().text(), Not(HasSubstr("s3cr3t")));
  EXPECT_THAT(done.error().message, HasSubstr("loader: *** is wrong (AUTHENTICATION_FAILED)"));
}

TEST(ClickHouseClient, RefusesAPasswordThatNoHeaderCanCarryBeforeItConnects) {
  ScriptedServer server;
  auto endpoint = endpoint_of(server);
  endpoint.password = Secret("s3cr3t\n");
  const auto done = Client(endpoint).execute({"A"});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().reason, "DestinationCredentialsInvalid");
  EXPECT_THAT(done.error().text(), Not(HasSubstr("s3cr3t")));
  EXPECT_EQ(server.connections(), 0);
}

Endpoint stopped_by(const std::stop_source& stop, Endpoint endpoint) {
  endpoint.limits.stop = stop.get_token();
  return endpoint;
}

TEST(ClickHouseClient, GivesUpOnAServerThatNeverAnswersAfterTheEndpointsLimit) {
  for (const bool repeatable : {false, true}) {
    ScriptedServer server({Step{"", false, true, false}});
    auto endpoint = endpoint_of(server);
    endpoint.limits.answer = milliseconds(500);
    Client client(endpoint);
    const auto begin = steady_clock::now();
    const auto done = client.execute({.sql = "CREATE DATABASE IF NOT EXISTS d", .repeatable = repeatable});
    EXPECT_LT(steady_clock::now() - begin, milliseconds(5000));
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().kind, repeatable ? ErrorKind::Transient : ErrorKind::InDoubt);
  }
  ScriptedServer server({Step{"", false, true, false}});
  auto endpoint = endpoint_of(server);
  endpoint.limits.answer = milliseconds(500);
  EXPECT_EQ(Client(endpoint).select({"SELECT 1"}).error().reason, "DestinationUnreachable");
}

TEST(ClickHouseClient, AsksAtOnceWhetherASilentServerIsAtWorkWhenSomebodyWaits) {
  // Neither the statement nor the look is answered, and by default both have longer than this test.
  ScriptedServer server({Step{"", false, true, false}});
  std::stop_source hurry;
  auto endpoint = endpoint_of(server);
  endpoint.limits.hurry = hurry.get_token();
  Client client(endpoint);
  auto call = std::async(std::launch::async, [&] { return client.insert({"INSERT"}, {"x"}); });
  ASSERT_TRUE(test::eventually([&] { return !server.received().empty(); }));
  const auto begin = steady_clock::now();
  hurry.request_stop();
  const auto done = call.get();
  EXPECT_LT(steady_clock::now() - begin, milliseconds(15000));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, ErrorKind::InDoubt) << done.error().text();
}

TEST(ClickHouseClient, StopsWithinASecondWhenCancelledAndStaysStopped) {
  ScriptedServer server({Step{"", false, true, false}});
  std::stop_source stop;
  Client client(stopped_by(stop, endpoint_of(server)));
  auto call = std::async(std::launch::async, [&] { return client.insert({"INSERT"}, {"x"}); });
  ASSERT_TRUE(test::eventually([&] { return !server.received().empty(); }));
  const auto begin = steady_clock::now();
  stop.request_stop();
  const auto done = call.get();
  EXPECT_LT(steady_clock::now() - begin, milliseconds(1000));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, ErrorKind::Cancelled);
  EXPECT_EQ(client.select({"SELECT 1"}).error().kind, ErrorKind::Cancelled);
}

TEST(ClickHouseClient, StopsWhileItSendsToAServerThatDoesNotRead) {
  ScriptedServer server({Step{"", false, true, false}, Step{"", false, true, false}});
  std::stop_source stop;
  Client client(stopped_by(stop, endpoint_of(server)));
  const std::string large(64U << 20, 'x');
  // The first connection keeps the server busy; the second is accepted by the kernel alone.
  Client other(stopped_by(stop, endpoint_of(server)));
  auto busy = std::async(std::launch::async, [&] { return other.execute({"A"}); });
  ASSERT_TRUE(test::eventually([&] { return !server.received().empty(); }));
  auto call = std::async(std::launch::async, [&] { return client.insert({"INSERT"}, {large}); });
  EXPECT_EQ(call.wait_for(milliseconds(200)), std::future_status::timeout);
  const auto begin = steady_clock::now();
  stop.request_stop();
  EXPECT_EQ(call.get().error().kind, ErrorKind::Cancelled);
  EXPECT_LT(steady_clock::now() - begin, milliseconds(1000));
  EXPECT_EQ(busy.get().error().kind, ErrorKind::Cancelled);
}

TEST(ClickHouseClient, DoesNotUseAKeptConnectionThatTheServerIsAboutToClose) {
  ScriptedServer server({answered(200, "", "Keep-Alive: timeout=3\r\n"), answered(200, "")});
  Client client(endpoint_of(server));
  ASSERT_TRUE(client.execute({"A"}));
  std::this_thread::sleep_for(milliseconds(2200));  // the server's own limit is what is tested
  ASSERT_TRUE(client.execute({"B"}));
  EXPECT_EQ(server.connections(), 2);
}

}  // namespace
}  // namespace penstock::clickhouse
