#include "controller/adapters/metrics/metrics_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "tests/support/metrics_text.hpp"
#include "tests/support/process.hpp"
#include "tests/support/raw_http.hpp"
#include "tests/unit/adapters/metrics_world.hpp"

namespace penstock::adapters {
namespace {

using penstock::test::http;
using penstock::test::RawConnection;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""ms;

std::unique_ptr<MetricsServer> serve(const Metrics& metrics, const std::string& host = "127.0.0.1") {
  auto started = MetricsServer::start(metrics, host, 0);
  if (!started) throw std::runtime_error(started.error().text());
  return *std::move(started);
}

class MetricsServerTest : public testing::Test {
 protected:
  Metrics metrics_{"1.2.3"};
  std::unique_ptr<MetricsServer> server_ = serve(metrics_);
};

TEST_F(MetricsServerTest, AnswersAScrape) {
  const auto reply = http(server_->port(), "GET", "/metrics");
  EXPECT_EQ(reply.status, 200);
  EXPECT_TRUE(reply.complete);
  EXPECT_EQ(reply.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(penstock::test::MetricsText(reply.body).value("penstock_build_info", {{"version", "1.2.3"}}), 1);
  EXPECT_EQ(http(server_->port(), "GET", "/metrics?name=x").status, 200);
}

TEST_F(MetricsServerTest, SaysWhereItIs) {
  EXPECT_EQ(server_->url(), "http://127.0.0.1:" + std::to_string(server_->port()) + "/metrics");
  EXPECT_EQ(serve(metrics_, "localhost")->url().substr(0, 7), "http://");
}

TEST_F(MetricsServerTest, HasNothingElse) {
  for (const char* path : {"/", "/metrics/", "/metricsx", "/../etc/passwd", "/%6detrics"})
    EXPECT_EQ(http(server_->port(), "GET", path).status, 404) << path;
}

TEST_F(MetricsServerTest, IsReadAlone) {
  for (const char* method : {"POST", "PUT", "DELETE"})
    EXPECT_EQ(http(server_->port(), method, "/metrics").status, 405) << method;
}

TEST_F(MetricsServerTest, AnswersHeadWithoutABody) {
  RawConnection connection(server_->port());
  connection.send(
      "HEAD /metrics HTTP/1.1\r\nHost: localhost\r\n\r\nGET /none HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(connection.reply(true).status, 200);
  EXPECT_EQ(connection.reply().status, 404) << "what follows is not the next answer";
}

TEST_F(MetricsServerTest, KeepsAConnectionForTheNextScrape) {
  RawConnection connection(server_->port());
  for (int i = 0; i < 3; ++i) {
    connection.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_EQ(connection.reply().status, 200);
  }
  connection.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(connection.reply().status, 200);
  EXPECT_EQ(connection.receive(1), "") << "it was asked to close";
}

TEST_F(MetricsServerTest, ClosesOnWhatIsNotHttp) {
  RawConnection nonsense(server_->port());
  nonsense.send("\x16\x03\x01 this is not HTTP\r\n\r\n");
  EXPECT_EQ(nonsense.receive(1, 10s), "");
  RawConnection endless(server_->port());
  endless.send("GET /metrics HTTP/1.1\r\nX: " + std::string(100'000, 'x'));
  EXPECT_EQ(endless.receive(1, 10s), "");
  EXPECT_EQ(http(server_->port(), "GET", "/metrics").status, 200);
}

TEST_F(MetricsServerTest, IsNotHeldUpByTheSilent) {
  std::vector<std::unique_ptr<RawConnection>> silent;
  for (int i = 0; i < 20; ++i) {
    silent.push_back(std::make_unique<RawConnection>(server_->port()));
    silent.back()->send("GET /met");
  }
  EXPECT_EQ(http(server_->port(), "GET", "/metrics").status, 200);
  const auto begun = std::chrono::steady_clock::now();
  server_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 2s);
}

TEST_F(MetricsServerTest, ClosesTheLongestIdleOfTooManyConnectionsAndServesTheNewest) {
  std::vector<std::unique_ptr<RawConnection>> held;
  for (int i = 0; i < 64; ++i) {
    held.push_back(std::make_unique<RawConnection>(server_->port()));
    held.back()->send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    ASSERT_EQ(held.back()->reply().status, 200) << i;
  }
  held.front()->send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ASSERT_EQ(held.front()->reply().status, 200);
  EXPECT_EQ(http(server_->port(), "GET", "/metrics").status, 200);
  EXPECT_EQ(held[1]->receive(1, 10s), "") << "the longest idle is closed";
  held.front()->send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(held.front()->reply().status, 200) << "one that was used since is not";
}

TEST_F(MetricsServerTest, IsNotHeldUpByHundredsThatSendNothingOrHalfARequest) {
  std::vector<std::unique_ptr<RawConnection>> silent;
  for (int i = 0; i < 300; ++i) {
    silent.push_back(std::make_unique<RawConnection>(server_->port()));
    if (i % 2 == 0) silent.back()->send("GET /metrics HTTP/1.1\r\nHo");
    if (i % 50 != 0) continue;
    EXPECT_EQ(http(server_->port(), "GET", "/metrics").status, 200) << i;
  }
  EXPECT_EQ(http(server_->port(), "GET", "/metrics").status, 200);
}

TEST_F(MetricsServerTest, GivesAHeadThatComesByteByByteNoMoreThanItsTime) {
  const auto quick = MetricsServer::start(metrics_, "127.0.0.1", 0, {.header = 300ms});
  RawConnection slow((*quick)->port());
  const auto begun = std::chrono::steady_clock::now();
  slow.send("GET /metrics HTTP/1.1\r\nX: ");
  bool open = true;
  while (open && std::chrono::steady_clock::now() - begun < 10s)
    open = slow.send("x") && slow.receive(1, 20ms).empty() && std::chrono::steady_clock::now() - begun < 5s;
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
  RawConnection idle((*quick)->port());
  EXPECT_EQ(idle.receive(1, 600ms), "");
  idle.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(idle.reply().status, 200) << "who has not begun a request may wait";
}

TEST_F(MetricsServerTest, RefusesWebPages) {
  const auto status = [&](const std::map<std::string, std::string>& headers) {
    return http(server_->port(), "GET", "/metrics", "", headers).status;
  };
  EXPECT_EQ(status({{"Origin", "http://evil.example"}}), 403);
  EXPECT_EQ(status({{"Origin", "null"}}), 403);
  EXPECT_EQ(status({{"Sec-Fetch-Site", "cross-site"}}), 403);
  RawConnection rebound(server_->port());
  rebound.send("GET /metrics HTTP/1.1\r\nHost: evil.example\r\nSec-Fetch-Site: same-origin\r\n\r\n");
  const auto refused = rebound.reply();
  EXPECT_EQ(refused.status, 403);
  EXPECT_THAT(refused.body, testing::Not(testing::HasSubstr("penstock_")));
  const auto reply = http(server_->port(), "GET", "/metrics?a=%0d%0aX-Forged:%201", "", {{"X", "y"}});
  EXPECT_EQ(reply.headers.count("x-forged"), 0U);
  EXPECT_EQ(reply.headers.count("access-control-allow-origin"), 0U);
}

TEST_F(MetricsServerTest, TellsOfAPortThatIsTaken) {
  const auto second = MetricsServer::start(metrics_, "127.0.0.1", server_->port());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().reason, "PortInUse");
  EXPECT_THAT(second.error().text(), testing::HasSubstr("127.0.0.1:" + std::to_string(server_->port())));
  EXPECT_THAT(second.error().text(), testing::HasSubstr("--metrics"));
}

TEST_F(MetricsServerTest, TellsOfAnAddressThatIsNotOurs) {
  const auto elsewhere = MetricsServer::start(metrics_, "192.0.2.1", 0);
  ASSERT_FALSE(elsewhere);
  EXPECT_EQ(elsewhere.error().reason, "ListenFailed");
}

TEST_F(MetricsServerTest, IsScrapedWhileEverythingMoves) {
  std::atomic<bool> over{false};
  std::vector<std::thread> threads;
  threads.emplace_back([&] {
    for (int i = 0; !over; ++i) {
      metrics_.controller().reconciled("pipe", i % 2 == 0 ? "success" : "error", 0.001);
      metrics_.controller().queue_depth("pipe", static_cast<std::size_t>(i % 7));
      metrics_.meter().note_warning("uid", "Reason" + std::to_string(i % 5));
      if (i % 11 == 0) metrics_.meter().forget("uid");
    }
  });
  threads.emplace_back([&] {
    while (!over) {
      metrics_.show({"pipe", 4, [] { return runtime::WorkQueue::InWork{}; },
                     [] { return std::vector<Pipe>{test::streaming_pipe()}; }});
      metrics_.hide();
    }
  });
  for (int i = 0; i < 50; ++i) {
    const auto reply = http(server_->port(), "GET", "/metrics");
    EXPECT_EQ(reply.status, 200);
    EXPECT_NO_THROW(penstock::test::MetricsText{reply.body});
  }
  over = true;
  for (auto& thread : threads)
    thread.join();
}

}  // namespace
}  // namespace penstock::adapters
