// The disk of the state is full: what is there is read and deleted, the rest is refused, and the server
// starts again.

#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "tests/integration/apiserver/api_fixture.hpp"
#include "tests/integration/apiserver/https_client.hpp"

namespace penstock::apiserver {
namespace {

using testing::HasSubstr;

constexpr const char* kPipes = "/apis/penstock.dev/v1alpha1/namespaces/default/pipes";
constexpr const char* kSecrets = "/api/v1/namespaces/default/secrets";
constexpr const char* kMergePatch = "application/merge-patch+json";

class DiskFullTest : public ServerTest {
 protected:
  void SetUp() override {
    const auto path = directory_.path().string();
    mounted_ = ::unshare(CLONE_NEWNS) == 0 &&
               ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
               ::mount("tmpfs", path.c_str(), "tmpfs", 0, "size=24m,mode=0700") == 0;
    if (!mounted_) GTEST_SKIP() << "a disk of its own cannot be mounted: " << std::strerror(errno);
    // A port of its own: with another one the kubeconfig would have to be written anew.
    start();
    options_ = pipe_options(path);
    options_.port = server_->port();
    start(options_);
  }
  void TearDown() override {
    stop();
    if (mounted_) ::umount2(directory_.path().c_str(), MNT_DETACH);
  }

  HttpsClient connect() { return {server_->port(), credentials().certificate_pem, credentials().token}; }
  HttpResponse send(const std::string& method, const std::string& target, const Json& body = Json::object(),
                    const std::string& type = "application/json") {
    return connect().send(
        {.method = method, .target = target, .body = body.dump(), .headers = {{"Content-Type", type}}});
  }
  void fill_disk() {
    std::ofstream filler(directory_ / "filler", std::ios::binary);
    const std::string piece(4096, 'x');
    while (filler.write(piece.data(), static_cast<std::streamsize>(piece.size())).flush()) {
    }
  }
  static Json secret(const std::string& name, std::size_t bytes = 1000) {
    return {{"metadata", {{"name", name}}}, {"stringData", {{"a", std::string(bytes, 'x')}}}};
  }

  ApiServerOptions options_;
  bool mounted_ = false;
};

TEST_F(DiskFullTest, ReadsAndDeletionsGoOnAndOtherWritesAreRefusedWithTheReason) {
  for (int i = 0; i < 30; ++i) {
    ASSERT_EQ(send("POST", kSecrets, secret("s" + std::to_string(i), 100'000)).status, 201);
  }
  Json held = pipe_manifest("held");
  held["metadata"]["finalizers"] = {"test.dev/hold"};
  ASSERT_EQ(send("POST", kPipes, held).status, 201);
  fill_disk();

  const auto refused = send("POST", kSecrets, secret("late"));
  EXPECT_EQ(refused.status, 507) << refused.body;
  EXPECT_EQ(Json::parse(refused.body)["kind"], "Status");
  EXPECT_THAT(refused.body, HasSubstr("the disk of the state file " + directory_.path().string()));
  const auto pipe = std::string(kPipes) + "/held";
  EXPECT_EQ(send("PATCH", pipe, {{"spec", {{"paused", false}}}}, kMergePatch).status, 507);
  EXPECT_EQ(connect().get(pipe).status, 200);

  EXPECT_EQ(send("DELETE", pipe).status, 200);
  EXPECT_EQ(send("PATCH", pipe + "/status", {{"status", {{"message", "releasing"}}}}, kMergePatch).status,
            200)
      << "what a deletion needs";
  EXPECT_EQ(send("PATCH", pipe, {{"metadata", {{"finalizers", nullptr}}}}, kMergePatch).status, 200);
  EXPECT_EQ(connect().get(pipe).status, 404);
  for (int i = 0; i < 30; ++i) {
    ASSERT_EQ(send("DELETE", std::string(kSecrets) + "/s" + std::to_string(i)).status, 200) << i;
  }
  std::filesystem::remove(directory_ / "filler");
  EXPECT_EQ(send("POST", kSecrets, secret("late")).status, 201) << "it goes on once there is space";
}

TEST_F(DiskFullTest, TheNextStartAndItsDeletionsGoThrough) {
  ASSERT_EQ(send("POST", kSecrets, secret("s")).status, 201);
  stop();
  fill_disk();
  const auto one = std::string(kSecrets) + "/s";
  start(options_);
  ASSERT_TRUE(server_);
  EXPECT_EQ(connect().get(one).status, 200);
  EXPECT_EQ(send("POST", kSecrets, secret("t")).status, 507);
  EXPECT_EQ(send("DELETE", one).status, 200);
  stop();
  start(options_);
  ASSERT_TRUE(server_);
  EXPECT_EQ(connect().get(one).status, 404);
}

}  // namespace
}  // namespace penstock::apiserver
