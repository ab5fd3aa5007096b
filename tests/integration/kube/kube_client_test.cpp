#include "controller/kube/kube_client.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "controller/runtime/steady_time.hpp"
#include "tests/integration/kube/scripted_server.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace penstock::kube {
namespace {

using nlohmann::json;
using runtime::steady_now;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using test::ScriptedServer;
using test::SeenRequest;
using test::Wire;

constexpr const char* kToken = "hunter2-token";
const runtime::ObjectKey kShop{"data", "shop"};

std::unique_ptr<KubeClient> client_of(const std::string& url, KubeClientOptions options = {}) {
  KubeConfig config;
  config.server = url;
  config.token = Secret(kToken);
  config.default_namespace = "team";
  auto client = KubeClient::make(std::move(config), options);
  if (!client) throw std::runtime_error(client.error().text());
  return *std::move(client);
}

std::string status(int code, const std::string& reason) {
  return json{{"kind", "Status"}, {"code", code}, {"reason", reason}, {"message", "because"}}.dump();
}

/// Answers every request with the object it carries, or a small one.
void echo(const SeenRequest& request, Wire& wire) {
  wire.answer(200, request.body.empty() ? R"({"metadata":{"name":"shop"}})" : request.body);
}

TEST(KubeClientTest, SendsTokenPathAndAcceptAndReadsTheObject) {
  ScriptedServer server(echo);
  const auto client = client_of(server.url());
  const auto object = client->get(pipes(), kShop);
  ASSERT_TRUE(object) << object.error().text();
  EXPECT_EQ(runtime::key_of(*object).name, "shop");
  const auto seen = server.requests().at(0);
  EXPECT_EQ(seen.method, "GET");
  EXPECT_EQ(seen.target, "/apis/penstock.dev/v1alpha1/namespaces/data/pipes/shop");
  EXPECT_EQ(seen.header("authorization"), "Bearer hunter2-token");
  EXPECT_EQ(seen.header("accept"), "application/json");
}

TEST(KubeClientTest, KeepsThePathPrefixOfTheServer) {
  ScriptedServer server(echo);
  const auto client = client_of(server.url() + "/k8s/clusters/c-1");
  ASSERT_TRUE(client->get(secrets(), {"data", "a b"}));
  EXPECT_EQ(server.requests().at(0).target, "/k8s/clusters/c-1/api/v1/namespaces/data/secrets/a%20b");
}

TEST(KubeClientTest, WritesWithTheMethodsTypesAndPathsOfTheApi) {
  ScriptedServer server(echo);
  const auto client = client_of(server.url());
  const json pipe = {{"metadata", {{"name", "shop"}, {"namespace", "data"}, {"resourceVersion", "7"}}}};
  ASSERT_TRUE(client->create(pipes(), pipe));
  ASSERT_TRUE(client->create(secrets(), {{"metadata", {{"name", "pg"}}}}));
  ASSERT_TRUE(client->update(pipes(), pipe));
  ASSERT_TRUE(client->update(pipes(), pipe, Part::Status));
  ASSERT_TRUE(client->merge_patch(pipes(), kShop, {{"status", {{"state", "Running"}}}}, Part::Status, "7"));
  ASSERT_TRUE(
      client->merge_patch(pipes(), kShop, {{"metadata", {{"finalizers", {"f"}}}}}, Part::Object, "8"));
  ASSERT_TRUE(client->remove(pipes(), kShop, {"uid-1", ""}));

  const auto seen = server.requests();
  const std::string path = "/apis/penstock.dev/v1alpha1/namespaces/data/pipes";
  const struct {
    std::string method, target, type;
    json body;
  } expected[] = {
      {"POST", path, "application/json", pipe},
      {"POST", "/api/v1/namespaces/team/secrets", "application/json", {{"metadata", {{"name", "pg"}}}}},
      {"PUT", path + "/shop", "application/json", pipe},
      {"PUT", path + "/shop/status", "application/json", pipe},
      {"PATCH",
       path + "/shop/status",
       "application/merge-patch+json",
       {{"status", {{"state", "Running"}}}, {"metadata", {{"resourceVersion", "7"}}}}},
      {"PATCH",
       path + "/shop",
       "application/merge-patch+json",
       {{"metadata", {{"finalizers", {"f"}}, {"resourceVersion", "8"}}}}},
      {"DELETE",
       path + "/shop",
       "application/json",
       {{"kind", "DeleteOptions"}, {"apiVersion", "v1"}, {"preconditions", {{"uid", "uid-1"}}}}},
  };
  ASSERT_EQ(seen.size(), std::size(expected));
  for (std::size_t i = 0; i < seen.size(); ++i) {
    EXPECT_EQ(seen[i].method, expected[i].method) << i;
    EXPECT_EQ(seen[i].target, expected[i].target) << i;
    EXPECT_EQ(seen[i].header("content-type"), expected[i].type) << i;
    EXPECT_EQ(json::parse(seen[i].body), expected[i].body) << i;
  }
}

TEST(KubeClientTest, RefusesAnEmptyNameRatherThanAskForAll) {
  ScriptedServer server(echo);
  const auto client = client_of(server.url());
  EXPECT_FALSE(client->get(pipes(), {"data", ""}));
  EXPECT_FALSE(client->get(pipes(), {"", "shop"}));
  EXPECT_FALSE(client->remove(pipes(), {"data", ".."}));
  EXPECT_FALSE(client->merge_patch(pipes(), {"data", ""}, json::object()));
  EXPECT_FALSE(client->update(pipes(), json::object()));
  EXPECT_TRUE(server.requests().empty());
}

TEST(KubeClientTest, FollowsThePagesOfAList) {
  ScriptedServer server([](const SeenRequest& request, Wire& wire) {
    const bool second = request.target.find("continue=more%2F2") != std::string::npos;
    wire.answer(200, second ? R"({"metadata":{"resourceVersion":"9"},"items":[{"metadata":{"name":"b"}}]})"
                            : R"({"metadata":{"resourceVersion":"9","continue":"more/2"},)"
                              R"("items":[{"metadata":{"name":"a"}}]})");
  });
  const auto client = client_of(server.url());
  const auto list = client->list(pipes());
  ASSERT_TRUE(list) << list.error().text();
  ASSERT_EQ(list->items.size(), 2U);
  EXPECT_EQ(list->resource_version, "9");
  const auto seen = server.requests();
  EXPECT_EQ(seen.at(0).target, "/apis/penstock.dev/v1alpha1/pipes?limit=500&resourceVersion=0");
  EXPECT_EQ(seen.at(1).target, "/apis/penstock.dev/v1alpha1/pipes?continue=more%2F2&limit=500");
}

TEST(KubeClientTest, ListsInOneGoWhenAContinueTokenExpires) {
  ScriptedServer server([](const SeenRequest& request, Wire& wire) {
    if (request.target.find("continue") != std::string::npos) return wire.answer(410, status(410, "Expired"));
    const bool paged = request.target.find("limit") != std::string::npos;
    wire.answer(200, paged ? R"({"metadata":{"resourceVersion":"9","continue":"x"},"items":[]})"
                           : R"({"metadata":{"resourceVersion":"12"},"items":null})");
  });
  const auto list = client_of(server.url())->list(pipes());
  ASSERT_TRUE(list) << list.error().text();
  EXPECT_EQ(list->resource_version, "12");
  EXPECT_EQ(server.requests().size(), 3U);
}

TEST(KubeClientTest, RefusesAListThatIsNone) {
  for (const std::string body :
       {"[]", "{}", R"({"items":5})", R"({"items":[7]})", R"({"items":[{}]})", "x", ""}) {
    ScriptedServer server([&](const SeenRequest&, Wire& wire) { wire.answer(200, body); });
    const auto list = client_of(server.url())->list(pipes());
    ASSERT_FALSE(list) << body;
    EXPECT_EQ(list.error().kind, ErrorKind::BadData) << body;
  }
}

TEST(KubeClientTest, TurnsAStatusIntoAnError) {
  ScriptedServer server(
      [](const SeenRequest&, Wire& wire) { wire.answer(409, status(409, "AlreadyExists")); });
  const auto created =
      client_of(server.url())->create(pipes(), {{"metadata", {{"name", "shop"}, {"namespace", "d"}}}});
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().reason, "AlreadyExists");
  EXPECT_EQ(created.error().message, "create pipes.penstock.dev d/shop: because");
}

TEST(KubeClientTest, WaitsAsLongAsRetryAfterSaysAndTriesAgain) {
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

TEST(KubeClientTest, GivesUpOnAServerThatAlwaysAsksToWait) {
  ScriptedServer server([&](const SeenRequest&, Wire& wire) {
    wire.answer(503, status(503, "ServiceUnavailable"), "Retry-After: 1\r\n");
  });
  const auto answer =
      client_of(server.url(), {.attempts = 3, .longest_retry_after = 5ms})->get(pipes(), kShop);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().reason, "ServiceUnavailable");
  EXPECT_EQ(server.requests().size(), 3U);
}

TEST(KubeClientTest, DoesNotFollowARedirectWithItsToken) {
  ScriptedServer elsewhere(echo);
  ScriptedServer server([&](const SeenRequest&, Wire& wire) {
    wire.answer(302, "", "Location: " + elsewhere.url() + "/stolen\r\n");
  });
  const auto answer = client_of(server.url())->get(pipes(), kShop);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().reason, "UnexpectedRedirect");
  EXPECT_TRUE(elsewhere.requests().empty());
}

TEST(KubeClientTest, SaysThatNobodyListens) {
  const auto client = client_of("http://127.0.0.1:" + std::to_string(test::free_port()));
  const auto read = client->get(pipes(), kShop);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().kind, ErrorKind::Transient);
  EXPECT_EQ(read.error().reason, "ApiServerUnreachable");
  const auto written = client->remove(pipes(), kShop);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().kind, ErrorKind::Transient) << "nothing was sent, so nothing is in doubt";
}

TEST(KubeClientTest, SaysThatAHostIsUnknown) {
  const auto read = client_of("http://no-such-host.invalid:6443")->get(pipes(), kShop);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().reason, "ApiServerUnreachable");
}

TEST(KubeClientTest, LeavesAWriteInDoubtWhenItsAnswerIsLost) {
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

TEST(KubeClientTest, LeavesAWriteInDoubtWhenItsAnswerIsCutShort) {
  ScriptedServer server([&](const SeenRequest&, Wire& wire) {
    wire.send("HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\n{\"metadata\"");
    wire.break_off();
  });
  const auto written = client_of(server.url())->merge_patch(pipes(), kShop, json::object());
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().kind, ErrorKind::InDoubt);
}

TEST(KubeClientTest, DoesNotSendAWriteAgainWhenAReusedConnectionBreaks) {
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
    ASSERT_TRUE(client->get(pipes(), kShop));
    const auto before = server.requests();
    const auto written = write();
    const auto after = server.requests();
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().kind, ErrorKind::InDoubt);
    ASSERT_EQ(after.size(), before.size() + 1);
    EXPECT_EQ(after.back().connection, before.back().connection) << "the case needs a reused connection";
  }
}

TEST(KubeClientTest, GivesUpOnASlowServer) {
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

TEST(KubeClientTest, StopsWhatIsUnderWayAndWhatComesLater) {
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

TEST(KubeClientTest, StopsWhileItWaitsToTryAgain) {
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

TEST(KubeClientTest, ReadsTheTokenFileAnewForEachRequest) {
  test::TempDir dir;
  const auto file = dir.path() / "token";
  std::ofstream(file) << "first\n";
  ScriptedServer server(echo);
  KubeConfig config;
  config.server = server.url();
  config.token_file = file;
  const auto client = KubeClient::make(config).value();
  ASSERT_TRUE(client->get(pipes(), kShop));
  std::ofstream(file) << "second\n";
  ASSERT_TRUE(client->get(pipes(), kShop));
  std::filesystem::remove(file);
  ASSERT_TRUE(client->get(pipes(), kShop));
  const auto seen = server.requests();
  EXPECT_EQ(seen[0].header("authorization"), "Bearer first");
  EXPECT_EQ(seen[1].header("authorization"), "Bearer second");
  EXPECT_EQ(seen[2].header("authorization"), "Bearer second") << "the last one that was read still serves";

  const auto without = KubeClient::make(config).value()->get(pipes(), kShop);
  ASSERT_FALSE(without);
  EXPECT_EQ(without.error().reason, "TokenMissing");
}

TEST(KubeClientTest, NeverShowsItsToken) {
  ScriptedServer server([&](const SeenRequest& request, Wire& wire) {
    wire.answer(401, json{{"kind", "Status"}, {"message", "bad " + request.header("authorization")}}.dump());
  });
  const auto answer = client_of(server.url())->get(pipes(), kShop);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().reason, "Unauthorized");
  EXPECT_EQ(answer.error().text().find("hunter2"), std::string::npos) << answer.error().text();

  KubeConfig config;
  config.server = server.url();
  config.token = Secret("hunter2\r\nX-Evil: 1");
  const auto refused = KubeClient::make(config);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().text().find("hunter2"), std::string::npos);
}

TEST(KubeClientTest, SurvivesAnswersThatAreNoHttp) {
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

TEST(KubeClientTest, ServesManyThreadsAtOnce) {
  ScriptedServer server(echo);
  const auto client = client_of(server.url());
  std::vector<std::jthread> threads;
  std::atomic<int> well{0};
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        const std::string name = std::to_string(t * 1000 + i);
        const auto answer = client->merge_patch(pipes(), {"data", name}, {{"metadata", {{"name", name}}}});
        if (answer && runtime::key_of(*answer).name == name) ++well;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(well, 400);
}

class CodeMetrics final : public runtime::ControllerMetrics {
 public:
  void request_answered(std::string_view code, std::string_view method, std::string_view host) override {
    const std::lock_guard lock(mutex_);
    seen.push_back(std::string(code) + " " + std::string(method) + " " + std::string(host));
  }
  std::mutex mutex_;
  std::vector<std::string> seen;
};

TEST(KubeClientTest, CountsItsRequests) {
  CodeMetrics metrics;
  std::string host;
  {
    ScriptedServer server([&](const SeenRequest&, Wire& wire) { wire.answer(404, status(404, "NotFound")); });
    host = server.url().substr(7);
    EXPECT_FALSE(client_of(server.url(), {.metrics = &metrics})->get(pipes(), kShop));
  }
  EXPECT_FALSE(client_of("http://" + host, {.metrics = &metrics})->remove(pipes(), kShop));
  EXPECT_EQ(metrics.seen, (std::vector<std::string>{"404 GET " + host, "<error> DELETE " + host}));
}

}  // namespace
}  // namespace penstock::kube
