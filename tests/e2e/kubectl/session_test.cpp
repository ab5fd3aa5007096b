// What a stranger types at `penstock dev`: real kubectl, the real API and the real controller, without
// databases. A Pipe that is applied paused touches neither source nor destination, so its whole life can be
// had here. The commands one by one, and every kubectl version's own ways, are in
// tests/integration/apiserver.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/dev_server.hpp"

namespace penstock {
namespace {

using std::chrono::seconds;
using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;

constexpr const char* kShop = R"(apiVersion: v1
kind: Secret
metadata: {name: shop-postgres}
stringData: {password: geheim}
---
apiVersion: penstock.dev/v1alpha1
kind: Pipe
metadata: {name: shop, labels: {team: orders}}
spec:
  paused: true
  source:
    postgres: {host: db.invalid, database: shop, passwordSecretRef: {name: shop-postgres}}
  destination:
    clickhouse: {url: "http://ch.invalid:8123"}
  tables:
    - source: public.orders
)";

class KubectlSession : public testing::Test {
 protected:
  test::DevServer dev;
};

TEST_F(KubectlSession, DeclaresAPipeAndSeesWhatBecomesOfIt) {
  EXPECT_EQ(dev.must_kubectl({"apply", "-f", "-"}, kShop),
            "secret/shop-postgres created\npipe.penstock.dev/shop created\n");
  ASSERT_TRUE(dev.wait_for_state("shop", "Paused")) << dev.describe("shop");
  EXPECT_THAT(dev.must_kubectl({"wait", "--for=condition=Paused", "pipe/shop", "--timeout=30s"}),
              HasSubstr("condition met"));
  EXPECT_THAT(dev.must_kubectl({"get", "pipes"}),
              AllOf(ContainsRegex("NAME +STATE"), ContainsRegex("shop +Paused")));
  EXPECT_THAT(dev.must_kubectl({"get", "pp", "-l", "team=orders", "-o", "name"}),
              HasSubstr("pipe.penstock.dev/shop"));
  // Events come one by one, after the status that they are about.
  ASSERT_TRUE(test::eventually([&] {
    return dev.must_kubectl({"describe", "pipe", "shop"}).find("Provisioning") != std::string::npos &&
           dev.events("shop", "Normal").size() == 2;
  })) << dev.describe("shop");
  EXPECT_THAT(dev.must_kubectl({"get", "events"}), ContainsRegex("Normal +Paused +pipe/shop"));
}

TEST_F(KubectlSession, DeletesThePipeOnceTheControllerLetsGo) {
  dev.apply(kShop);
  ASSERT_TRUE(dev.wait_for_state("shop", "Paused")) << dev.describe("shop");
  EXPECT_NE(dev.field("shop", ".metadata.finalizers"), "");
  EXPECT_THAT(dev.must_kubectl({"delete", "pipe", "shop", "--timeout=30s"}), HasSubstr("deleted"));
  EXPECT_TRUE(dev.wait_until_gone("shop", seconds(1)));
}

TEST_F(KubectlSession, GoesOnWithTheSameKubeconfigAfterAStopAndAfterACrash) {
  dev.apply(kShop);
  ASSERT_TRUE(dev.wait_for_state("shop", "Paused")) << dev.describe("shop");
  const auto uid = dev.field("shop", ".metadata.uid");
  ASSERT_NE(uid, "");
  dev.stop();
  EXPECT_FALSE(dev.kubectl({"get", "pipes"}).ok());
  dev.start();
  EXPECT_EQ(dev.field("shop", ".metadata.uid"), uid);
  dev.must_kubectl({"label", "pipe", "shop", "crash=survived"});
  dev.kill9();
  dev.start();
  EXPECT_EQ(dev.field("shop", ".metadata.labels.crash"), "survived");
  EXPECT_EQ(dev.state("shop"), "Paused");
}

TEST_F(KubectlSession, FindsItsWayWithoutADocument) {
  EXPECT_THAT(dev.must_kubectl({"api-resources"}),
              ContainsRegex("pipes .*penstock.dev/v1alpha1 +true +Pipe"));
  EXPECT_THAT(dev.must_kubectl({"explain", "pipe.spec.paused"}), HasSubstr("boolean"));
  EXPECT_EQ(dev.must_kubectl({"auth", "can-i", "create", "pipes"}), "yes\n");
  EXPECT_EQ(dev.must_kubectl({"create", "namespace", "data"}), "namespace/data created\n");
  dev.must_kubectl({"apply", "-n", "data", "-f", "-"}, kShop);
  EXPECT_THAT(dev.must_kubectl({"delete", "namespace", "data", "--timeout=60s"}), HasSubstr("deleted"));
}

TEST_F(KubectlSession, KeepsThePasswordOutOfItsLog) {
  dev.apply(kShop);
  ASSERT_TRUE(dev.wait_for_state("shop", "Paused")) << dev.describe("shop");
  EXPECT_EQ(dev.log().find("geheim"), std::string::npos);
  EXPECT_EQ(dev.log().find("Z2VoZWlt"), std::string::npos);
}

}  // namespace
}  // namespace penstock
