// Clients that are slow, silent or too many: others go on being served.

#include <gmock/gmock.h>

#include <memory>
#include <thread>

#include "tests/support/engine_server.hpp"
#include "tests/support/raw_http.hpp"

namespace penstock::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// An engine of the test's own, and connections that are more than it has room for.
class SlowClients : public testing::Test {
 protected:
  // `each`, sent on every one of `count` connections, which stay open.
  void open(int count, const std::string& each) {
    for (int i = 0; i < count; ++i) {
      connections_.push_back(std::make_unique<RawConnection>(engine_.port()));
      ASSERT_TRUE(connections_.back()->connected());
      (void)connections_.back()->send(each);
    }
  }
  void expect_served(std::chrono::milliseconds limit) {
    for (int i = 0; i < 5; ++i) {
      const auto begun = Clock::now();
      EXPECT_EQ(http(engine_.port(), "POST", "/", "SELECT 1").body, "1\n");
      EXPECT_LT(Clock::now() - begun, limit);
    }
  }
  static std::string chunked(const std::string& sql) {
    return "POST /?query=" + url_encode(sql) +
           " HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
  }

  EngineServer engine_;
  std::vector<std::unique_ptr<RawConnection>> connections_;
};

TEST_F(SlowClients, ThatSayNothingHoldNobodyUp) {
  open(600, "");
  expect_served(2s);
}

TEST_F(SlowClients, ThatSayHalfAHeadHoldNobodyUp) {
  open(600, "GET /?query=SELECT+1 HTTP/1.1\r\nHost: loc");
  expect_served(2s);
}

TEST_F(SlowClients, ThatSayHalfAStatementHoldNobodyUp) {
  open(600, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nSELECT");
  expect_served(2s);
}

TEST_F(SlowClients, ThatKeepTheirConnectionLoseTheOldestFirst) {
  open(1, "GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(connections_[0]->reply().body, "Ok.\n");
  open(300, "GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(connections_[0]->receive(1, 5s), "") << "closed";
  RawConnection& latest = *connections_.back();
  EXPECT_EQ(latest.reply().body, "Ok.\n");
  ASSERT_TRUE(latest.send("GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  EXPECT_EQ(latest.reply().body, "Ok.\n");
}

TEST_F(SlowClients, ThatSendAHeadByteByByteAreLeft) {
  RawConnection slow(engine_.port());
  const auto begun = Clock::now();
  std::thread dripping([&] {
    while (Clock::now() - begun < 20s && slow.send("x"))
      std::this_thread::sleep_for(100ms);
  });
  EXPECT_EQ(slow.receive(1, 18s), "");
  EXPECT_LT(Clock::now() - begun, 15s);
  dripping.join();
}

TEST_F(SlowClients, ThatSendAnInsertByteByByteHoldNobodyUp) {
  engine_.query("CREATE TABLE t (x String) ENGINE = MergeTree ORDER BY x");
  open(40, chunked("INSERT INTO t FORMAT TSV") + "1\r\na\r\n");
  expect_served(10s);
}

TEST_F(SlowClients, ThatStopAmidAnInsertGiveTheirPlaceUp) {
  engine_.query("CREATE TABLE t (x String) ENGINE = MergeTree ORDER BY x");
  const std::string data(1U << 20U, 'x');
  open(20, chunked("INSERT INTO t FORMAT TSV") + "100000\r\n" + data + "\r\n");
  expect_served(10s);
  for (const auto& connection : connections_)
    ASSERT_TRUE(connection->send("0\r\n\r\n"));
  for (const auto& connection : connections_)
    EXPECT_EQ(connection->reply().status, 200) << "and go on";
  EXPECT_EQ(engine_.value("SELECT count() FROM t"), "20");
}

TEST_F(SlowClients, ThatDoNotReadTheirResultGiveTheirPlaceUp) {
  open(20, "GET /?query=" + url_encode("SELECT number FROM system.numbers FORMAT RowBinary") +
               " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  expect_served(10s);
}

TEST_F(SlowClients, WithHeadsThatAreTooLargeAreToldSo) {
  const std::string line = "X-Padding: " + std::string(60'000, 'x') + "\r\n";
  std::string large = "GET /ping HTTP/1.1\r\nHost: localhost\r\n";
  for (int i = 0; i < 40; ++i)
    large += line;
  std::string many = "GET /ping HTTP/1.1\r\nHost: localhost\r\n";
  for (int i = 0; i < 5000; ++i)
    many += "X-" + std::to_string(i) + ": y\r\n";
  for (const std::string& head : {large, many}) {
    RawConnection connection(engine_.port());
    (void)connection.send(head + "\r\n");
    EXPECT_EQ(connection.reply().status, 413);
  }
  const std::string fits = "SELECT length('" + std::string(1'000'000, 'x') + "')";
  EXPECT_EQ(http(engine_.port(), "GET", "/?max_query_size=2000000&query=" + url_encode(fits)).body,
            "1000000\n");
  expect_served(2s);
}

}  // namespace
}  // namespace penstock::test
