// Clients that are slow, silent, many, or pages of a browser: they take little, and nobody waits for them.

#include <gmock/gmock.h>

#include <chrono>
#include <thread>

#include "tests/integration/apiserver/api_fixture.hpp"
#include "tests/integration/apiserver/https_client.hpp"
#include "tests/support/raw_http.hpp"

namespace penstock::apiserver {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using testing::HasSubstr;

constexpr const char* kPipes = "/apis/penstock.dev/v1alpha1/namespaces/default/pipes";

class SlowClientsTest : public ServerTest {
 protected:
  void start_with(const RequestLimits& limits) {
    auto options = pipe_options(directory_.path().string());
    options.limits = limits;
    options.bookmark_interval = milliseconds(100);
    start(options);
  }
  HttpsClient connect() { return connect(credentials().token); }
  HttpsClient connect(const std::string& token) {
    return HttpsClient(server_->port(), credentials().certificate_pem, token);
  }
  /// Sends `begin`, then a byte at a time; how long the server went along with it, ten seconds at most.
  steady_clock::duration patience_with(HttpsClient client, const std::string& begin) {
    const auto begun = steady_clock::now();
    try {
      client.send_raw(begin);
      while (steady_clock::now() - begun < seconds(10)) {
        client.send_raw("x");
        std::this_thread::sleep_for(milliseconds(10));  // its slowness is what is tested
      }
    } catch (const std::runtime_error&) {
    }
    return steady_clock::now() - begun;
  }
  std::string head(const std::string& first_line) {
    return first_line + " HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " + credentials().token +
           "\r\n";
  }
};

TEST_F(SlowClientsTest, AHeadThatComesByteByByteHasItsTime) {
  start_with({.head = milliseconds(300)});
  EXPECT_LT(patience_with(connect(), head("GET /api") + "X: "), seconds(5));
  EXPECT_LT(patience_with(connect(), "G"), seconds(5));
}

TEST_F(SlowClientsTest, ABodyThatComesByteByByteHasItsTime) {
  start_with({.body = milliseconds(300)});
  const auto begin = head("POST " + std::string(kPipes)) + "Content-Length: 100000\r\n\r\n";
  EXPECT_LT(patience_with(connect(), begin), seconds(5));
  EXPECT_EQ(connect().get("/api").status, 200);
}

TEST_F(SlowClientsTest, ABodyOfAStrangerIsNotRead) {
  start();
  for (const auto* path : {kPipes, "/readyz"}) {
    auto client = connect("wrong");
    client.send_raw("POST " + std::string(path) +
                    " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\n\r\n");
    EXPECT_EQ(client.read().status, 401) << path;
  }
  EXPECT_LT(patience_with(connect("wrong"),
                          "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\n\r\n"),
            seconds(8))
      << "nor for long what follows";
}

TEST_F(SlowClientsTest, HundredsWithoutARequestMakeRoomAndWatchesStay) {
  start_with({.waiting = 20});
  auto watcher = connect();
  ASSERT_EQ(watcher.start_watch(std::string(kPipes) + "?watch=true&allowWatchBookmarks=true"), 200);
  std::vector<std::unique_ptr<test::RawConnection>> silent;
  std::vector<HttpsClient> idle;
  for (int i = 0; i < 300; ++i) {
    silent.push_back(std::make_unique<test::RawConnection>(server_->port()));
    if (i % 3 == 0) silent.back()->send("\x16\x03\x01");
    if (i % 10 == 0) idle.push_back(connect());
    if (i % 50 != 0) continue;
    EXPECT_EQ(connect().get("/api").status, 200) << i;
  }
  EXPECT_EQ(silent.front()->receive(1, seconds(10)), "") << "the longest silent is closed";
  EXPECT_THROW(idle.front().get("/api"), std::runtime_error);
  auto client = connect();
  ASSERT_EQ(client.send({.method = "POST", .target = kPipes, .body = pipe_manifest("p").dump()}).status, 201);
  for (std::string type; type != "ADDED";) {
    const auto line = watcher.next_line();
    ASSERT_TRUE(line) << "the watch was cut";
    type = Json::parse(*line)["type"];
  }
}

TEST_F(SlowClientsTest, PagesOfABrowserAreRefusedWhateverTheyBring) {
  start();
  using Headers = std::map<std::string, std::string>;
  for (const auto& headers :
       {Headers{{"Origin", "https://evil.example"}}, Headers{{"Origin", "null"}},
        Headers{{"Sec-Fetch-Site", "cross-site"}}, Headers{{"Sec-Fetch-Site", "same-site"}},
        Headers{{"Host", "evil.example"}, {"Sec-Fetch-Site", "same-origin"}}}) {
    for (const auto* method : {"GET", "POST", "OPTIONS"}) {
      const auto refused = connect().send({.method = method, .target = "/version", .headers = headers});
      EXPECT_EQ(refused.status, 403) << headers.begin()->first;
      EXPECT_EQ(Json::parse(refused.body)["kind"], "Status");
      EXPECT_EQ(refused.headers.count("access-control-allow-origin"), 0U);
    }
  }
  EXPECT_EQ(connect().send({.target = "/version", .headers = {{"Host", "localhost:6443"}}}).status, 200);
}

TEST_F(SlowClientsTest, NothingThatWasSentComesBackAsAHeader) {
  start();
  auto client = connect();
  const std::string forged = "%0d%0aX-Forged:%201";
  for (const auto& target :
       {"/" + forged, "/api/v1/namespaces/" + forged + "/secrets", std::string(kPipes) + "/" + forged,
        std::string(kPipes) + "?labelSelector=" + forged, "/api?x=" + forged}) {
    const auto reply =
        client.send({.target = target, .headers = {{"Accept", "application/json, x/" + forged}}});
    EXPECT_EQ(reply.headers.count("x-forged"), 0U) << target;
  }
}

}  // namespace
}  // namespace penstock::apiserver
