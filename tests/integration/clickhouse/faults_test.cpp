// What goes wrong between the client and a real engine, and what it is called.

#include <chrono>
#include <future>
#include <stop_token>

#include "tests/integration/clickhouse/engine_test.hpp"
#include "tests/support/stalling_proxy.hpp"

namespace penstock::clickhouse {
namespace {

/// A client behind a proxy that can stall, soon suspicious of silence.
class Stall : public EngineTest {
 protected:
  Stall() {
    auto through = endpoint();
    through.url = "http://127.0.0.1:" + std::to_string(proxy.port());
    through.silence_limit = std::chrono::seconds(1);
    client = std::make_unique<Client>(through);
  }
  test::StallingProxy proxy{engine().port()};
  std::unique_ptr<Client> client;
};

TEST_F(Stall, OfAStatementIsNoticedAndLeavesItInDoubt) {
  run("CREATE TABLE t (a Int32) ENGINE = Memory");
  ASSERT_TRUE(client->execute({"INSERT INTO t VALUES (1)"}));
  proxy.stall();
  const auto since = std::chrono::steady_clock::now();
  const auto done = client->execute({"INSERT INTO t VALUES (2)"});
  ASSERT_FALSE(done);
  EXPECT_LT(std::chrono::steady_clock::now() - since, std::chrono::seconds(15));
  EXPECT_EQ(done.error().kind, ErrorKind::InDoubt) << done.error().text();
  EXPECT_TRUE(client->execute({"INSERT INTO t VALUES (3)"})) << "the next connection passes";
  EXPECT_EQ(value("SELECT groupArray(a) FROM (SELECT a FROM t ORDER BY a)"), "[1,3]");
}

TEST_F(Stall, IsNotTheSilenceOfAServerAtWork) {
  ASSERT_TRUE(client->execute({"SELECT 1 FORMAT Null"}));
  const auto done =
      client->execute({"SELECT sleepEachRow(1) FROM numbers(4) SETTINGS max_block_size = 1 FORMAT Null"});
  EXPECT_TRUE(done) << done.error().text();
}

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

class Faults : public EngineTest {
 protected:
  Client stoppable_client() {
    auto through = endpoint();
    through.limits.stop = stop.get_token();
    return Client(through);
  }
  std::stop_source stop;
  static constexpr const char* kSlow = "SELECT sum(sleepEachRow(0.1)) FROM numbers(50)";
  static Settings slow_settings() {
    return {{"max_block_size", "1"}, {"cancel_http_readonly_queries_on_client_close", "1"}};
  }
};

TEST_F(Faults, AWrongPasswordIsTheUsersToCureAndStaysUnseen) {
  auto wrong = endpoint();
  wrong.password = Secret("s3cr3t");
  const auto rows = Client(wrong).select({"SELECT 1"});
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().kind, ErrorKind::NeedsUser);
  EXPECT_EQ(rows.error().reason, "DestinationAuthenticationFailed") << rows.error().text();
  EXPECT_THAT(rows.error().text(), Not(HasSubstr("s3cr3t")));
}

TEST_F(Faults, AnUnknownUserIsTheUsersToCure) {
  auto wrong = endpoint();
  wrong.user = "nobody";
  EXPECT_EQ(Client(wrong).select({"SELECT 1"}).error().reason, "DestinationAuthenticationFailed");
}

TEST_F(Faults, AnAbsentDatabaseTableOrColumnIsNamed) {
  auto elsewhere = endpoint();
  elsewhere.database = "nowhere";
  EXPECT_EQ(Client(elsewhere).select({"SELECT 1"}).error().reason, "DestinationDatabaseMissing");
  const auto table = client_.insert({"INSERT INTO absent (x) FORMAT Native"}, {"x"});
  EXPECT_EQ(table.error().reason, "TargetMissing");
  EXPECT_THAT(table.error().message, HasSubstr("absent"));
  run("CREATE TABLE t (x Int8) ENGINE = Null");
  EXPECT_EQ(client_.insert({"INSERT INTO t (y) FORMAT Native"}, {"x"}).error().reason, "TargetColumnMissing");
}

TEST_F(Faults, AStatementThatIsNoneIsOurDefect) {
  EXPECT_EQ(client_.execute({"CRATE TABLE"}).error().kind, ErrorKind::Internal);
}

TEST_F(Faults, AFailedSelectGivesNoRows) {
  const auto rows =
      client_.select({"SELECT number, throwIf(number = 300000, 'enough') FROM numbers(400000)"});
  ASSERT_FALSE(rows);
  EXPECT_THAT(rows.error().message, HasSubstr("enough"));
}

TEST_F(Faults, ATornBlockIsRefusedWhole) {
  run("CREATE TABLE t (x Int64) ENGINE = MergeTree ORDER BY x");
  Block block({{"x", ColumnType::parse("Int64")}});
  for (std::int64_t x = 0; x < 1000; ++x)
    block.column(0).append_fixed(x);
  std::vector<std::string> scratch;
  std::vector<std::string_view> pieces;
  block.native_pieces(scratch, pieces);
  pieces.back().remove_suffix(11);
  const auto done = client_.insert(insert_request("t", block), pieces);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, ErrorKind::BadData) << done.error().text();
  EXPECT_EQ(value("SELECT count() FROM t"), "0");
}

TEST_F(Faults, ACancelledSelectReturnsWithinASecond) {
  auto stoppable = stoppable_client();
  auto call = std::async(std::launch::async, [&] { return stoppable.select({kSlow, slow_settings()}); });
  EXPECT_EQ(call.wait_for(milliseconds(300)), std::future_status::timeout);
  const auto begin = steady_clock::now();
  stop.request_stop();
  const auto rows = call.get();
  EXPECT_LT(steady_clock::now() - begin, milliseconds(1000));
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().kind, ErrorKind::Cancelled);
}

TEST_F(Faults, AnInsertThatIsNeverDoneCanBeCancelled) {
  run("CREATE TABLE t (x UInt64) ENGINE = Null");
  run("CREATE MATERIALIZED VIEW v ENGINE = Null AS SELECT sleepEachRow(1) AS x FROM t");
  Block block({{"x", ColumnType::parse("UInt64")}});
  for (std::uint64_t x = 0; x < 3; ++x)
    block.column(0).append_fixed(x);
  std::vector<std::string> scratch;
  std::vector<std::string_view> pieces;
  block.native_pieces(scratch, pieces);
  auto stoppable = stoppable_client();
  const Settings slow{{"function_sleep_max_microseconds_per_block", "60000000"}};
  auto call = std::async(std::launch::async,
                         [&] { return stoppable.insert(insert_request("t", block, slow), pieces); });
  EXPECT_EQ(call.wait_for(milliseconds(300)), std::future_status::timeout);
  const auto begin = steady_clock::now();
  stop.request_stop();
  EXPECT_EQ(call.get().error().kind, ErrorKind::Cancelled);
  EXPECT_LT(steady_clock::now() - begin, milliseconds(1000));
}

/// With an engine of its own, which it may stop and kill.
class EngineFaults : public testing::Test {
 protected:
  [[nodiscard]] Endpoint endpoint() const { return {engine_.url(), "shop", "default", {}, ""}; }

  test::EngineServer engine_;
};

TEST_F(EngineFaults, AClientOutlivesARestartOfTheEngine) {
  engine_.query("CREATE DATABASE shop");
  Client client(endpoint());
  ASSERT_TRUE(client.execute({"CREATE TABLE t (x UInt64) ENGINE = MergeTree ORDER BY x"}));
  ASSERT_EQ(engine_.stop(), test::ExitStatus{});
  const auto down = client.select({"SELECT 1"});
  ASSERT_FALSE(down);
  EXPECT_EQ(down.error().kind, ErrorKind::Transient);
  EXPECT_EQ(down.error().reason, "DestinationUnreachable");
  engine_.start();
  const auto up = client.execute({"INSERT INTO t VALUES (1)"});
  ASSERT_TRUE(up) << up.error().text();
  EXPECT_EQ(engine_.value("SELECT count() FROM shop.t"), "1");
}

TEST_F(EngineFaults, AnInsertWhoseServerDiesIsInDoubtAndItsRetryExact) {
  engine_.query("CREATE DATABASE shop");
  engine_.query(
      "CREATE TABLE shop.t (x UInt64) ENGINE = MergeTree ORDER BY x SETTINGS "
      "non_replicated_deduplication_window = 100");
  engine_.query("CREATE MATERIALIZED VIEW shop.v ENGINE = Null AS SELECT sleepEachRow(1) AS x FROM shop.t");
  Client client(endpoint());
  Block block({{"x", ColumnType::parse("UInt64")}});
  block.column(0).append_fixed(std::uint64_t{7});
  std::vector<std::string> scratch;
  std::vector<std::string_view> pieces;
  block.native_pieces(scratch, pieces);
  const Request request{"INSERT INTO t (x) FORMAT Native", {{"insert_deduplication_token", "one"}}};
  auto call = std::async(std::launch::async, [&] { return client.insert(request, pieces); });
  ASSERT_TRUE(test::eventually([&] {  // it is at work, so that its outcome is in doubt
    return engine_.value("SELECT count() FROM system.processes WHERE query LIKE 'INSERT INTO t %'") == "1";
  }));
  engine_.kill9();
  const auto lost = call.get();
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().kind, ErrorKind::InDoubt) << lost.error().text();
  engine_.start();
  ASSERT_TRUE(client.insert(request, pieces));
  EXPECT_EQ(engine_.value("SELECT count() FROM shop.t"), "1");
}

TEST_F(EngineFaults, AHundredMegabytesOnTheirWayAreNotLostInSilenceWhenTheServerDies) {
  engine_.query("CREATE DATABASE shop");
  engine_.query("CREATE TABLE shop.t (s String) ENGINE = MergeTree ORDER BY tuple()");
  Client client(endpoint());
  Block block({{"s", ColumnType::parse("String")}});
  const std::string text(1000, 'x');
  for (int at = 0; at < 100'000; ++at)
    block.column(0).append_string(text);
  std::vector<std::string> scratch;
  std::vector<std::string_view> pieces;
  block.native_pieces(scratch, pieces);
  auto call = std::async(std::launch::async,
                         [&] { return client.insert({"INSERT INTO t (s) FORMAT Native"}, pieces); });
  (void)call.wait_for(milliseconds(30));
  engine_.kill9();
  const auto done = call.get();
  engine_.start();
  const auto count = engine_.value("SELECT count() FROM shop.t");
  if (done) {
    EXPECT_EQ(count, "100000");
  } else {
    EXPECT_THAT(done.error().kind, AnyOf(ErrorKind::InDoubt, ErrorKind::Transient)) << done.error().text();
    const bool certain = done.error().kind == ErrorKind::Transient;
    EXPECT_THAT(count, AnyOf("0", certain ? "0" : "100000"));
  }
}

}  // namespace
}  // namespace penstock::clickhouse
