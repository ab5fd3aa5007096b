#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "controller/kube/kube_client.hpp"
#include "controller/runtime/steady_time.hpp"
#include "tests/integration/kube/scripted_client.hpp"
#include "tests/support/process.hpp"

namespace penstock::kube {
namespace {

using nlohmann::json;
using runtime::steady_now;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using test::ScriptedServer;
using test::SeenRequest;
using test::Wire;

TEST(ClientFaultsTest, WaitsAsLongAsRetryAfterSaysAndTriesAgain) {
  int calls = 0;
  ScriptedServer server([&](const SeenRequest& request, Wire& wire) {
    if (++calls <= 2) return wire.answer(429, status(429, "TooManyRequests"), "Retry-After: 1\r\n");
    echo(request, wire);
  });
  const auto begun = steady_now();
  EXPECT_TRUE(client_of(server.url(), {.longest_retry_after = 60ms})->get(pipes(), kShop));
  EXPECT_GE(steady_now() - begun, 120ms);
  EXPECT_EQ(server.requests().size(), 3U);
}

TEST(ClientFaultsTest, GivesUpOnAServerThatAlwaysAsksToWait) {
  ScriptedServer server([&](const SeenRequest&, Wire& wire) {
    wire.answer(503, status(503, "ServiceUnavailable"), "Retry-After: 1\r\n");
  });
  const auto answer =
      client_of(server.url(), {.attempts = 3, .longest_retry_after = 5ms})->get(pipes(), kShop);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().reason, "ServiceUnavailable");
  EXPECT_EQ(server.requests().size(), 3U);
}

TEST(ClientFaultsTest, SaysThatNobodyListens) {
  const auto client = client_of("http://127.0.0.1:" + std::to_string(test::free_port()));
  const auto read = client->get(pipes(), kShop);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().kind, ErrorKind::Transient);
  EXPECT_EQ(read.error().reason, "ApiServerUnreachable");
  const auto written = client->remove(pipes(), kShop);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().kind, ErrorKind::Transient) << "nothing was sent, so nothing is in doubt";
}

TEST(ClientFaultsTest, SaysThatAHostIsUnknown) {
  const auto read = client_of("http://no-such-host.invalid:6443")->get(pipes(), kShop);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().reason, "ApiServerUnreachable");
}

TEST(ClientFaultsTest, LeavesAWriteInDoubtWhenItsAnswerIsLost) {
  ScriptedServer server([&](const SeenRequest&, Wire& wire) { wire.break_off(); });
  const auto client = client_of(server.url());
  const auto read = client->get(pipes(), kShop);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().kind, ErrorKind::Transient);
  EXPECT_EQ(read.error().reason, "ConnectionLost");
  for (const auto& written : {client->merge_patch(pipes(), kShop, {{"spec", {}}}).map([](auto&&) {}),
                              client->remove(pipes(), kShop)}) {
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().kind, ErrorKind::InDoubt);
    EXPECT_EQ(written.error().reason, "ConnectionLost");
  }
  EXPECT_EQ(server.requests().size(), 3U) << "a write must not be sent twice";
}

TEST(ClientFaultsTest, LeavesAWriteInDoubtWhenItsAnswerIsCutShort) {
  ScriptedServer server([&](const SeenRequest&, Wire& wire) {
    wire.send("HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\n{\"metadata\"");
    wire.break_off();
  });
  const auto written = client_of(server.url())->merge_patch(pipes(), kShop, json::object());
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().kind, ErrorKind::InDoubt);
}

TEST(ClientFaultsTest, DoesNotSendAWriteAgainWhenAReusedConnectionBreaks) {
  ScriptedServer server([&](const SeenRequest& request, Wire& wire) {
    if (request.method == "GET") return echo(request, wire);
    wire.break_off();
  });
  const auto client = client_of(server.url());
  for (const auto& write : std::vector<std::function<Status()>>{
           [&] {
             return client->merge_patch(pipes(), kShop, {{"spec", {}}}).map([](auto&&) {});
           },
           [&] {
             return client->create(pipes(), {{"metadata", {{"name", "x"}}}}).map([](auto&&) {});
           },
           [&] { return client->remove(pipes(), kShop); }}) {
    bool reused = false;  // a connection goes back to the pool a moment after its answer: not always in time
    for (int attempt = 0; attempt < 50 && !reused; ++attempt) {
      ASSERT_TRUE(client->get(pipes(), kShop));
      const auto before = server.requests();
      const auto written = write();
      const auto after = server.requests();
      ASSERT_FALSE(written);
      EXPECT_EQ(written.error().kind, ErrorKind::InDoubt);
      ASSERT_EQ(after.size(), before.size() + 1);
      reused = after.back().connection == before.back().connection;
    }
    EXPECT_TRUE(reused) << "the case needs a reused connection";
  }
}

TEST(ClientFaultsTest, GivesUpOnASlowServer) {
  ScriptedServer server([&](const SeenRequest&, Wire& wire) {
    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{");
    wire.closed_within(10s);
  });
  const auto client = client_of(server.url(), {.request_limit = 200ms});
  const auto begun = steady_now();
  const auto read = client->get(pipes(), kShop);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().reason, "Timeout");
  EXPECT_EQ(client->remove(pipes(), kShop).error().kind, ErrorKind::InDoubt);
  EXPECT_LT(steady_now() - begun, 5s);
}

TEST(ClientFaultsTest, StopsWhatIsUnderWayAndWhatComesLater) {
  ScriptedServer server([&](const SeenRequest&, Wire& wire) { wire.closed_within(20s); });
  const auto client = client_of(server.url());
  std::jthread stopper([&] {
    EXPECT_TRUE(test::eventually([&] { return !server.requests().empty(); }));
    client->stop();
  });
  const auto begun = steady_now();
  EXPECT_EQ(client->get(pipes(), kShop).error().kind, ErrorKind::Cancelled);
  EXPECT_LT(steady_now() - begun, 5s);
  EXPECT_EQ(client->remove(pipes(), kShop).error().kind, ErrorKind::Cancelled);
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST(ClientFaultsTest, StopsWhileItWaitsToTryAgain) {
  ScriptedServer server([&](const SeenRequest&, Wire& wire) { wire.answer(429, "", "Retry-After: 60\r\n"); });
  const auto client = client_of(server.url(), {.longest_retry_after = 60s});
  std::jthread stopper([&] {
    EXPECT_TRUE(test::eventually([&] { return !server.requests().empty(); }));
    client->stop();
  });
  const auto begun = steady_now();
  EXPECT_FALSE(client->get(pipes(), kShop));
  EXPECT_LT(steady_now() - begun, 5s);
}

TEST(ClientFaultsTest, SurvivesAnswersThatAreNoHttp) {
  for (const std::string bytes :
       {"", "\r\n\r\n", "HTTP/1.1\r\n\r\n", "nonsense\r\n\r\n", "HTTP/1.1 abc\r\n\r\n",
        "SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n{}\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7fffffff\r\n{}\r\n"}) {
    ScriptedServer server([&](const SeenRequest&, Wire& wire) {
      wire.send(bytes);
      wire.break_off();
    });
    EXPECT_FALSE(client_of(server.url(), {.request_limit = 2s})->get(pipes(), kShop)) << bytes;
  }
}

}  // namespace
}  // namespace penstock::kube
