// A connection that a firewall or a proxy has forgotten: open, and nothing passes. It is given up within a
// minute, and begun again.

#include <cstdlib>

#include "tests/e2e/lifecycle/lifecycle_test.hpp"
#include "tests/support/stalling_proxy.hpp"

namespace penstock {
namespace {

using test::StallingProxy;

class StalledLink : public testing::Test {
 protected:
  void SetUp() override {
    if (std::getenv("PENSTOCK_NIGHTLY") == nullptr) GTEST_SKIP() << "takes a minute: with PENSTOCK_NIGHTLY=1";
  }
  Scene scene{shared_world()};
};

TEST_F(StalledLink, OfAStreamFromTheSourceIsBegunAgain) {
  StallingProxy proxy(scene.postgres.port());
  scene.manifest.port = proxy.port();
  scene.create_table("orders", 100);
  scene.declare({"public.orders"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  proxy.stall();
  scene.exec("INSERT INTO orders VALUES (101, 'frozen', 1)");
  EXPECT_TRUE(test::eventually([&] { return scene.target_count("orders") == 101; }, 90s));
  EXPECT_EQ(scene.differences({"orders"}), "");
}

TEST_F(StalledLink, OfALoadIsBegunAgain) {
  StallingProxy proxy(scene.postgres.port());
  scene.manifest.port = proxy.port();
  scene.create_table("orders", 20000);
  scene.declare({"public.orders"});
  ASSERT_NO_FATAL_FAILURE(scene.begin_a_slow_load("orders"));
  proxy.stall();
  scene.speed_up();
  EXPECT_TRUE(scene.reaches("Running", 150s));
  EXPECT_EQ(scene.differences({"orders"}), "");
}

TEST_F(StalledLink, ToTheDestinationIsBegunAgain) {
  StallingProxy proxy(scene.engine.port());
  scene.manifest.url = "http://127.0.0.1:" + std::to_string(proxy.port());
  scene.create_table("orders", 100);
  scene.declare({"public.orders"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  proxy.stall();
  scene.exec("INSERT INTO orders VALUES (101, 'frozen', 1)");
  EXPECT_TRUE(test::eventually([&] { return scene.target_count("orders") == 101; }, 120s));
  EXPECT_EQ(scene.differences({"orders"}), "");
}

}  // namespace
}  // namespace penstock
