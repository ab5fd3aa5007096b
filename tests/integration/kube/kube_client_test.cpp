#include "controller/kube/kube_client.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/kube/scripted_client.hpp"
#include "tests/support/temp_dir.hpp"

namespace penstock::kube {
namespace {

using nlohmann::json;
using test::ScriptedServer;
using test::SeenRequest;
using test::Wire;

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
