// The server over real TLS connections: what the unit tests of the handlers cannot see.

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <optional>
#include <set>
#include <thread>

#include "tests/integration/apiserver/api_fixture.hpp"
#include "tests/integration/apiserver/https_client.hpp"
#include "tests/support/process.hpp"

namespace penstock::apiserver {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

constexpr const char* kPipes = "/apis/penstock.dev/v1alpha1/namespaces/default/pipes";
constexpr const char* kSecrets = "/api/v1/namespaces/default/secrets";

class HttpTest : public ServerTest {
 protected:
  HttpsClient connect() {
    const auto known = credentials();
    return HttpsClient(server_->port(), known.certificate_pem, known.token);
  }
  static HttpResponse post(HttpsClient& client, const std::string& target, const Json& body) {
    return client.send({.method = "POST", .target = target, .body = body.dump()});
  }
  static Json secret(const std::string& name, std::size_t bytes = 1) {
    return {{"metadata", {{"name", name}}}, {"stringData", {{"a", std::string(bytes, 'x')}}}};
  }
};

TEST_F(HttpTest, ServesManyRequestsOnOneConnection) {
  start();
  auto client = connect();
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(post(client, kPipes, pipe_manifest("p" + std::to_string(i))).status, 201);
  }
  const auto list = client.get(kPipes);
  EXPECT_EQ(list.status, 200);
  EXPECT_EQ(list.headers.at("content-type"), "application/json");
  EXPECT_EQ(Json::parse(list.body)["items"].size(), 20U);
}

TEST_F(HttpTest, RefusesStrangersWithAStatusObject) {
  start();
  HttpsClient stranger(server_->port(), credentials().certificate_pem, "wrong");
  const auto refused = stranger.get(kPipes);
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(Json::parse(refused.body)["reason"], "Unauthorized");
  EXPECT_EQ(stranger.get("/readyz").body, "ok");
}

TEST_F(HttpTest, WritesAKubeconfigForItsUserAlone) {
  start();
  struct stat status {};
  ASSERT_EQ(::stat(server_->kubeconfig_path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  EXPECT_EQ(credentials().token.size(), 64U);
}

TEST_F(HttpTest, ComesBackWithItsObjectsTokenAndCertificate) {
  start();
  const auto before = credentials();
  auto client = connect();
  const auto created = Json::parse(post(client, kPipes, pipe_manifest("p")).body);
  stop();
  start();
  EXPECT_EQ(credentials().token, before.token);
  EXPECT_EQ(credentials().certificate_pem, before.certificate_pem);
  EXPECT_EQ(Json::parse(connect().get(std::string(kPipes) + "/p").body), created);
}

TEST_F(HttpTest, CarriesWarningsThatCannotForgeHeaders) {
  start();
  auto client = connect();
  Json pipe = pipe_manifest("p");
  pipe["spec"]["bad\r\nX-Forged: \"yes\""] = 1;
  const auto created = post(client, kPipes, pipe);
  EXPECT_EQ(created.status, 201);
  EXPECT_EQ(created.headers.count("x-forged"), 0U);
  EXPECT_THAT(created.headers.at("warning"), HasSubstr("299 - \"unknown field"));
}

TEST_F(HttpTest, RefusesABodyOverThreeMegabytesAndSaysSo) {
  start();
  auto client = connect();
  const auto refused = post(client, kSecrets, secret("s", 4U << 20U));
  EXPECT_EQ(refused.status, 413);
  EXPECT_EQ(Json::parse(refused.body)["reason"], "RequestEntityTooLarge");
  auto chunked = connect();
  chunked.send_raw("POST " + std::string(kSecrets) +
                   " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + credentials().token +
                   "\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 4; ++i) {
    chunked.send_raw("100000\r\n" + std::string(1U << 20U, 'x') + "\r\n");
  }
  EXPECT_EQ(chunked.read().status, 413);
  EXPECT_EQ(connect().get("/readyz").status, 200);
}

TEST_F(HttpTest, AnswersExpectContinue) {
  start();
  auto client = connect();
  const auto body = secret("s").dump();
  client.send_raw("POST " + std::string(kSecrets) +
                  " HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nAuthorization: Bearer " +
                  credentials().token + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n");
  EXPECT_EQ(client.read().status, 100);
  client.send_raw(body);
  EXPECT_EQ(client.read().status, 201);
}

TEST_F(HttpTest, SurvivesWhatIsNotHttp) {
  start();
  for (const auto* bytes : {"rubbish\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET /\r\n\r\n",
                            "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"}) {
    auto client = connect();
    client.send_raw(bytes);
    EXPECT_EQ(client.read().status, 400) << bytes;
  }
  auto client = connect();
  client.send_raw("GET / HTTP/1.1\r\nX: " + std::string(100'000, 'x') + "\r\n\r\n");
  EXPECT_EQ(client.read().status, 431);
  EXPECT_EQ(connect().get("/readyz").status, 200);
}

TEST_F(HttpTest, StreamsAWatchAsItHappens) {
  start();
  auto watcher = connect();
  ASSERT_EQ(watcher.start_watch(std::string(kPipes) + "?watch=true"), 200);
  EXPECT_FALSE(watcher.next_line(milliseconds(50)));
  auto fresh = connect();
  ASSERT_EQ(fresh.start_watch(std::string(kPipes) + "?watch=true"), 200);
  auto client = connect();
  post(client, kPipes, pipe_manifest("p"));
  const auto line = fresh.next_line();
  ASSERT_TRUE(line);
  EXPECT_EQ(Json::parse(*line)["type"], "ADDED");
  client.send({.method = "DELETE", .target = std::string(kPipes) + "/p"});
  EXPECT_EQ(Json::parse(fresh.next_line().value())["type"], "DELETED");
}

TEST_F(HttpTest, EndsAWatchWhenItsTimeIsOver) {
  start();
  auto watcher = connect();
  ASSERT_EQ(watcher.start_watch(std::string(kPipes) + "?watch=true&timeoutSeconds=1"), 200);
  EXPECT_FALSE(watcher.next_line(seconds(8)));
  EXPECT_TRUE(watcher.watch_ended());
}

TEST_F(HttpTest, BookmarksQuietWatches) {
  auto options = pipe_options(directory_.path().string());
  options.bookmark_interval = milliseconds(50);
  start(options);
  auto watcher = connect();
  ASSERT_EQ(watcher.start_watch(std::string(kPipes) + "?watch=true&allowWatchBookmarks=true"), 200);
  auto client = connect();
  const auto created = post(client, kSecrets, secret("s"));
  const auto revision = Json::parse(created.body)["metadata"]["resourceVersion"];
  // The first may have been on its way before the Secret was written.
  EXPECT_TRUE(test::eventually([&] {
    const auto event = Json::parse(watcher.next_line().value());
    EXPECT_EQ(event["type"], "BOOKMARK");
    return event["object"]["metadata"]["resourceVersion"] == revision;
  }));
}

/// A Secret of which every event is a megabyte, and a change of it.
class BigEventsTest : public HttpTest {
 protected:
  static constexpr int kWrites = 25;  // far more than the sockets between can hold

  void begin(const ApiServerOptions& options) {
    start(options);
    client_.emplace(connect());
    ASSERT_EQ(post(*client_, kSecrets, secret("s", 750'000)).status, 201);
  }
  void change(int value) {
    const auto patched =
        client_->send({.method = "PATCH",
                       .target = std::string(kSecrets) + "/s",
                       .body = Json{{"metadata", {{"labels", {{"n", std::to_string(value)}}}}}}.dump(),
                       .headers = {{"Content-Type", "application/merge-patch+json"}}});
    ASSERT_EQ(patched.status, 200);
  }
  HttpsClient watch() {
    auto watcher = connect();
    EXPECT_EQ(watcher.start_watch(std::string(kSecrets) + "?watch=true"), 200);
    EXPECT_TRUE(watcher.next_line());
    return watcher;
  }

  std::optional<HttpsClient> client_;
};

TEST_F(BigEventsTest, DropAWatcherThatFallsBehindAndReachTheOthers) {
  auto options = pipe_options(directory_.path().string());
  options.window_changes = 5;
  options.slow_watcher = seconds(60);
  begin(options);
  auto slow = watch();
  auto quick = watch();
  for (int i = 0; i < kWrites; ++i) {
    change(i);
    EXPECT_EQ(Json::parse(quick.next_line().value())["object"]["metadata"]["labels"]["n"], std::to_string(i));
  }
  int next = 0;
  while (const auto line = slow.next_line()) {
    const auto event = Json::parse(*line);
    if (event["type"] == "ERROR") {
      EXPECT_EQ(event["object"]["code"], 410);
      break;
    }
    EXPECT_EQ(event["object"]["metadata"]["labels"]["n"], std::to_string(next++));
  }
  EXPECT_LT(next, kWrites);
  EXPECT_FALSE(slow.next_line());
  EXPECT_TRUE(slow.watch_ended());
}

TEST_F(BigEventsTest, DropAWatcherThatTakesNothingForTooLong) {
  auto options = pipe_options(directory_.path().string());
  options.slow_watcher = milliseconds(200);
  begin(options);
  auto slow = watch();
  for (int i = 0; i < kWrites; ++i) {
    change(i);
  }
  std::this_thread::sleep_for(milliseconds(500));  // the watcher's silence is what is tested
  int lines = 0;
  while (slow.next_line()) {
    ++lines;
  }
  EXPECT_LT(lines, kWrites);
  EXPECT_FALSE(slow.watch_ended());
}

TEST_F(HttpTest, EndsWatchesAndIdleConnectionsWhenItStops) {
  start();
  auto watcher = connect();
  ASSERT_EQ(watcher.start_watch(std::string(kPipes) + "?watch=true"), 200);
  auto idle = connect();
  EXPECT_EQ(idle.get("/readyz").status, 200);
  const auto before = std::chrono::steady_clock::now();
  stop();
  EXPECT_LT(std::chrono::steady_clock::now() - before, seconds(3));
  EXPECT_FALSE(watcher.next_line());
  EXPECT_TRUE(watcher.watch_ended());
  EXPECT_THROW(idle.get("/readyz"), std::runtime_error);
}

TEST_F(HttpTest, LosesNoWriteAndNoEventUnderManyClients) {
  start();
  auto client = connect();
  post(client, kPipes, pipe_manifest("p"));
  auto watcher = connect();
  ASSERT_EQ(watcher.start_watch(std::string(kPipes) + "?watch=true"), 200);
  ASSERT_TRUE(watcher.next_line());
  constexpr int kThreads = 6;
  constexpr int kEach = 25;
  std::atomic<int> written = 0;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t, known = credentials(), port = server_->port()] {
      HttpsClient own(port, known.certificate_pem, known.token);
      for (int i = 0; i < kEach; ++i) {
        const auto label = "k" + std::to_string(t) + "-" + std::to_string(i);
        const auto patched = own.send({.method = "PATCH",
                                       .target = std::string(kPipes) + "/p",
                                       .body = Json{{"metadata", {{"labels", {{label, "v"}}}}}}.dump(),
                                       .headers = {{"Content-Type", "application/merge-patch+json"}}});
        if (patched.status == 200) ++written;
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(written, kThreads * kEach);
  const auto labels = Json::parse(client.get(std::string(kPipes) + "/p").body)["metadata"]["labels"];
  EXPECT_EQ(labels.size(), static_cast<std::size_t>(kThreads * kEach));
  for (int i = 1; i <= kThreads * kEach; ++i) {
    const auto event = Json::parse(watcher.next_line().value());
    EXPECT_EQ(event["type"], "MODIFIED");
    ASSERT_EQ(event["object"]["metadata"]["labels"].size(), static_cast<std::size_t>(i));
  }
}

TEST_F(HttpTest, ThatCannotStartSaysWhatAndWhereAndWhatToDo) {
  start();
  const auto second = ApiServer::start(pipe_options(directory_.path().string()));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().reason, "DataDirectoryInUse");
  EXPECT_THAT(second.error().text(), HasSubstr(directory_.path().string()));

  const test::TempDir other;
  auto options = pipe_options(other.path().string());
  options.port = server_->port();
  const auto taken = ApiServer::start(options);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().reason, "PortInUse");
  EXPECT_THAT(taken.error().text(), HasSubstr(std::to_string(server_->port())));
  EXPECT_FALSE(std::filesystem::exists(other / "kubeconfig"));

  options.port = 0;
  for (const auto* host : {"0.0.0.0", "10.0.0.1", "example.com", ""}) {
    options.host = host;
    const auto outside = ApiServer::start(options);
    ASSERT_FALSE(outside) << host;
    EXPECT_EQ(outside.error().reason, "ListenFailed");
  }

  std::ofstream(other / "state.db", std::ios::binary) << std::string(10'000, '\x55');
  const auto damaged = ApiServer::start(pipe_options(other.path().string()));
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().reason, "StateFileDamaged");
  EXPECT_THAT(damaged.error().text(), HasSubstr(other / "state.db"));
}

}  // namespace
}  // namespace penstock::apiserver
