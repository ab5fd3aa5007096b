#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "controller/kube/kube_client.hpp"
#include "controller/kube/kube_list_watch.hpp"
#include "controller/runtime/informer.hpp"
#include "controller/runtime/steady_time.hpp"
#include "tests/integration/kube/scripted_server.hpp"
#include "tests/support/process.hpp"

namespace penstock::kube {
namespace {

using runtime::Informer;
using runtime::steady_now;
using runtime::WatchEnd;
using runtime::WatchEvent;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using test::eventually;
using test::ScriptedServer;
using test::SeenRequest;
using test::Wire;
using testing::ElementsAre;

std::unique_ptr<KubeClient> client_of(const ScriptedServer& server) {
  KubeConfig config;
  config.server = server.url();
  return KubeClient::make(std::move(config)).value();
}

std::string object(const std::string& name, int version, const std::string& filling = {}) {
  return R"({"metadata":{"namespace":"data","name":")" + name + R"(","resourceVersion":")" +
         std::to_string(version) + R"("},"x":")" + filling + "\"}";
}
std::string line(const std::string& type, const std::string& name, int version,
                 const std::string& filling = {}) {
  return R"({"type":")" + type + R"(","object":)" + object(name, version, filling) + "}\n";
}
const std::string kExpiredLine =
    R"({"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}})"
    "\n";

/// One watch of pipes from version 5, to its end.
struct Watched {
  /// `seen`: counts the events for the server's thread.
  Watched(const ScriptedServer& server, WatchOptions options = {}, const std::stop_token& stop = {},
          std::atomic<int>* seen = nullptr) {
    options.resource_version = "5";
    const auto client = client_of(server);
    end = client->watch(
        pipes(), options,
        [&](const WatchEvent& event) {
          names.push_back(runtime::key_of(*event.object).name);
          if (seen != nullptr) ++*seen;
        },
        stop);
  }
  [[nodiscard]] std::string reason() const { return end.error ? end.error->reason : ""; }

  std::vector<std::string> names;
  WatchEnd end;
};

TEST(WatchTest, AsksForBookmarksAndARandomTimeoutFromTheVersion) {
  ScriptedServer server([](const SeenRequest&, Wire& wire) {
    wire.begin_chunks();
    wire.end_chunks();
  });
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(Watched(server).reason(), "");
  std::set<int> timeouts;
  for (const auto& request : server.requests()) {
    const std::string before =
        "/apis/penstock.dev/v1alpha1/pipes?allowWatchBookmarks=true&resourceVersion=5&timeoutSeconds=";
    ASSERT_TRUE(request.target.starts_with(before)) << request.target;
    ASSERT_TRUE(request.target.ends_with("&watch=true")) << request.target;
    timeouts.insert(std::stoi(request.target.substr(before.size())));
  }
  EXPECT_GT(timeouts.size(), 5U);
  EXPECT_GE(*timeouts.begin(), 300);
  EXPECT_LE(*timeouts.rbegin(), 600);
}

TEST(WatchTest, HandsOverEachEventAsItComes) {
  std::atomic<bool> got_first{false};
  ScriptedServer server([&](const SeenRequest&, Wire& wire) {
    wire.begin_chunks();
    wire.chunk(line("ADDED", "shop", 6));
    EXPECT_TRUE(eventually([&] { return got_first.load(); })) << "an event must not wait for the next";
    const auto split = line("ADDED", "crm", 7);
    wire.chunk(split.substr(0, 30));
    wire.chunk(split.substr(30));
    wire.end_chunks();
  });
  std::vector<std::string> names;
  const auto end = client_of(server)->watch(pipes(), {.resource_version = "5"},
                                            [&](const WatchEvent& event) {
                                              names.push_back(runtime::key_of(*event.object).name);
                                              got_first = true;
                                            },
                                            {});
  EXPECT_FALSE(end.error);
  EXPECT_THAT(names, ElementsAre("shop", "crm"));
}

TEST(WatchTest, Tells410InAndOutsideOfTheStreamAlike) {
  ScriptedServer inside([](const SeenRequest&, Wire& wire) {
    wire.begin_chunks();
    wire.chunk(line("ADDED", "shop", 6) + kExpiredLine);
    wire.closed_within(5s);
  });
  const Watched first(inside);
  EXPECT_THAT(first.names, ElementsAre("shop"));
  EXPECT_EQ(first.reason(), runtime::kExpired);

  ScriptedServer outside([](const SeenRequest&, Wire& wire) {
    wire.answer(410, R"({"kind":"Status","code":410,"reason":"Expired"})");
  });
  EXPECT_EQ(Watched(outside).reason(), runtime::kExpired);
}

TEST(WatchTest, HandsOnRetryAfter) {
  ScriptedServer server([](const SeenRequest&, Wire& wire) { wire.answer(429, "", "Retry-After: 7\r\n"); });
  const Watched watched(server);
  EXPECT_EQ(watched.reason(), "TooManyRequests");
  EXPECT_EQ(watched.end.retry_after, 7s);
}

TEST(WatchTest, KeepsWhatCameBeforeABreakInMidLine) {
  for (const bool politely : {false, true}) {
    std::atomic<int> seen{0};
    ScriptedServer server([&](const SeenRequest&, Wire& wire) {
      wire.begin_chunks();
      wire.chunk(line("ADDED", "shop", 6) + line("ADDED", "crm", 7).substr(0, 40));
      if (politely) return wire.end_chunks();
      EXPECT_TRUE(eventually([&] { return seen == 1; }));  // a reset discards what was not read yet
      wire.break_off();
    });
    const Watched watched(server, {}, {}, &seen);
    EXPECT_THAT(watched.names, ElementsAre("shop"));
    EXPECT_EQ(watched.reason(), "ConnectionLost");
    EXPECT_EQ(watched.end.error->kind, ErrorKind::Transient);
  }
}

TEST(WatchTest, RefusesNonsense) {
  ScriptedServer server([](const SeenRequest&, Wire& wire) {
    wire.begin_chunks();
    wire.chunk("<html>\n");
    wire.closed_within(5s);
  });
  const Watched watched(server);
  EXPECT_EQ(watched.reason(), "WatchCorrupt");
}

TEST(WatchTest, EndsWhenTheServerDoesNotCloseInTime) {
  ScriptedServer server([](const SeenRequest&, Wire& wire) {
    wire.begin_chunks();
    wire.closed_within(20s);
  });
  const auto begun = steady_now();
  const Watched watched(server, {.timeout = 1s, .slack = 100ms});
  EXPECT_EQ(watched.reason(), "Timeout");
  EXPECT_GE(steady_now() - begun, 1s);
  EXPECT_LT(steady_now() - begun, 5s);
}

TEST(WatchTest, TakesALongSilenceForADeadConnection) {
  ScriptedServer server([](const SeenRequest&, Wire& wire) {
    wire.begin_chunks();
    wire.chunk(line("ADDED", "shop", 6));
    wire.closed_within(20s);
  });
  const auto begun = steady_now();
  const Watched watched(server, {.silence = 200ms});
  EXPECT_THAT(watched.names, ElementsAre("shop"));
  EXPECT_EQ(watched.reason(), "Timeout");
  EXPECT_LT(steady_now() - begun, 5s);
}

TEST(WatchTest, StopsWithinASecondAndClosesTheConnection) {
  std::atomic<bool> closed{false};
  ScriptedServer server([&](const SeenRequest&, Wire& wire) {
    wire.begin_chunks();
    closed = wire.closed_within(10s);
  });
  std::stop_source stop;
  runtime::SteadyTime asked;
  std::jthread stopper([&] {
    EXPECT_TRUE(eventually([&] { return !server.requests().empty(); }));
    std::this_thread::sleep_for(50ms);
    asked = steady_now();
    stop.request_stop();
  });
  const Watched watched(server, {}, stop.get_token());
  const auto ended = steady_now();
  stopper.join();
  EXPECT_EQ(watched.end.error->kind, ErrorKind::Cancelled);
  EXPECT_LT(ended - asked, 1s);
  EXPECT_TRUE(eventually([&] { return closed.load(); }));
}

TEST(WatchTest, StopsInTheMiddleOfAFlood) {
  ScriptedServer server([&](const SeenRequest&, Wire& wire) {
    wire.begin_chunks();
    for (int i = 6; wire.chunk(line("MODIFIED", "shop", i)); ++i) {
    }
  });
  std::stop_source stop;
  int seen = 0;
  const auto end = client_of(server)->watch(
      pipes(), {.resource_version = "5"},
      [&](const WatchEvent&) {
        if (++seen == 100) stop.request_stop();
      },
      stop.get_token());
  EXPECT_EQ(end.error->kind, ErrorKind::Cancelled);
  EXPECT_EQ(seen, 100);
}

TEST(WatchTest, HoldsASlowReadersServerBackInsteadOfBuffering) {
  // 400 MB; the kernel's buffers and ours take a few.
  const std::string filling(std::size_t{1} << 20, 'x');
  std::atomic<int> sent{0};
  ScriptedServer server([&](const SeenRequest&, Wire& wire) {
    wire.begin_chunks();
    while (sent < 400 && wire.chunk(line("MODIFIED", "shop", sent + 6, filling)))
      ++sent;
  });
  std::stop_source stop;
  int highest = 0;
  (void)client_of(server)->watch(
      pipes(), {.resource_version = "5"},
      [&](const WatchEvent&) {
        int before = -1;
        while (before != sent) {  // until the server can send no more
          before = sent;
          std::this_thread::sleep_for(300ms);
        }
        highest = before;
        stop.request_stop();
      },
      stop.get_token());
  EXPECT_GT(highest, 0);
  EXPECT_LT(highest, 60);
}

/// An API server for one informer: what it lists and what its watches say, one after the other.
class InformedTest : public testing::Test {
 protected:
  /// Requests as "list 0" and "watch 5".
  std::vector<std::string> calls(const ScriptedServer& server) {
    std::vector<std::string> all;
    for (const auto& request : server.requests()) {
      const auto at = request.target.find("resourceVersion=");
      const auto version = at == std::string::npos ? "" : request.target.substr(at + 16);
      all.push_back((request.target.find("watch=true") == std::string::npos ? "list " : "watch ") +
                    version.substr(0, version.find('&')));
    }
    return all;
  }
};

TEST_F(InformedTest, RecoversFromEveryFaultAndEndsUpWithTheTruth) {
  std::atomic<int> watches{0};
  std::atomic<int> lists{0};
  std::mutex mutex;
  std::vector<std::string> told;
  const auto last_told = [&] {
    const std::lock_guard lock(mutex);
    return told.empty() ? "" : told.back();
  };
  ScriptedServer server([&](const SeenRequest& request, Wire& wire) {
    if (request.target.find("watch=true") == std::string::npos) {
      if (++lists == 1) {
        return wire.answer(200, R"({"metadata":{"resourceVersion":"10"},"items":[)" + object("a", 1) + "," +
                                    object("b", 2) + "]}");
      }
      return wire.answer(200, R"({"metadata":{"resourceVersion":"40"},"items":[)" + object("b", 2) + "," +
                                  object("d", 35) + "]}");
    }
    switch (++watches) {
      case 1:  // breaks in mid-line
        wire.begin_chunks();
        wire.chunk(line("ADDED", "c", 11) + "{\"type\":\"ADD");
        EXPECT_TRUE(eventually([&] { return last_told() == "+c"; }));
        return wire.break_off();
      case 2:
        return wire.answer(429, "", "Retry-After: 0\r\n");
      case 3:  // a bookmark, then a normal close
        wire.begin_chunks();
        wire.chunk(R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"20"}}})"
                   "\n");
        return wire.end_chunks();
      case 4:
        wire.begin_chunks();
        wire.chunk(kExpiredLine);
        return wire.end_chunks();
      default:
        wire.begin_chunks();
        wire.chunk(line("DELETED", "b", 41));
        wire.closed_within(20s);
    }
  });
  const auto client = client_of(server);
  KubeListWatch source(*client, pipes());
  Informer informer("pipes", source, {1ms, 10ms, 120s});
  informer.on_change([&](const runtime::Object& before, const runtime::Object& after) {
    const std::lock_guard lock(mutex);
    told.push_back((before ? after ? "~" : "-" : "+") + runtime::key_of(after ? *after : *before).name);
  });
  EXPECT_TRUE(informer.start());
  ASSERT_TRUE(eventually([&] { return last_told() == "-b"; }));
  informer.stop();
  EXPECT_THAT(calls(server),
              ElementsAre("list 0", "watch 10", "watch 11", "watch 11", "watch 20", "list ", "watch 40"));
  EXPECT_THAT(told, ElementsAre("+a", "+b", "+c", "-a", "-c", "+d", "-b"));
  ASSERT_EQ(informer.list().size(), 1U);
  EXPECT_NE(informer.get({"data", "d"}), nullptr);
}

TEST_F(InformedTest, StopsWithinASecondWhileItWatches) {
  ScriptedServer server([&](const SeenRequest& request, Wire& wire) {
    if (request.target.find("watch=true") == std::string::npos) {
      return wire.answer(200, R"({"metadata":{"resourceVersion":"10"},"items":[]})");
    }
    wire.begin_chunks();
    wire.closed_within(20s);
  });
  const auto client = client_of(server);
  KubeListWatch source(*client, pipes());
  Informer informer("pipes", source);
  EXPECT_TRUE(informer.start());
  ASSERT_TRUE(eventually([&] { return server.requests().size() == 2; }));
  const auto begun = steady_now();
  informer.stop();
  EXPECT_LT(steady_now() - begun, 1s);
}

TEST_F(InformedTest, FollowsAServerThatIsStartedLate) {
  const auto port = test::free_port();
  KubeConfig config;
  config.server = "http://127.0.0.1:" + std::to_string(port);
  const auto client = KubeClient::make(std::move(config)).value();
  KubeListWatch source(*client, pipes());
  Informer informer("pipes", source, {1ms, 50ms, 120s});
  EXPECT_TRUE(informer.start());
  ASSERT_TRUE(eventually([&] { return informer.list_error().has_value(); }));
  EXPECT_EQ(informer.list_error()->reason, "ApiServerUnreachable");
  ScriptedServer server(
      [&](const SeenRequest& request, Wire& wire) {
        if (request.target.find("watch=true") == std::string::npos) {
          return wire.answer(200, R"({"metadata":{"resourceVersion":"10"},"items":[]})");
        }
        wire.begin_chunks();
        wire.closed_within(20s);
      },
      std::nullopt, port);
  EXPECT_TRUE(informer.wait_until_synced(10s));
  EXPECT_FALSE(informer.list_error());
}

}  // namespace
}  // namespace penstock::kube
