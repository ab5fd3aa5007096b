// A slot cannot be made before every transaction that writes has ended, however long that takes.

#include <gmock/gmock.h>

#include "tests/e2e/lifecycle/lifecycle_test.hpp"

namespace penstock {
namespace {

using testing::HasSubstr;

/// A pipe whose slot waits for a transaction of the application.
class SlotWait : public testing::Test {
 protected:
  SlotWait() : world{shared_world().postgres, shared_world().engine, &dev}, scene(world) {}

  void SetUp() override {
    scene.create_table("orders", 10);
    application.exec("BEGIN; SELECT pg_current_xact_id()");
    scene.declare({"public.orders"});
    scene.apply();
    ASSERT_TRUE(test::eventually([&] { return being_made() == "1"; }, 30s));
  }

  /// Walsenders that make a slot.
  std::string being_made() {
    return scene.value(
        "SELECT count(*) FROM pg_replication_slots WHERE database = current_database() AND active");
  }

  test::DevServer dev;
  World world;
  Scene scene;
  test::PostgresSession application = scene.postgres.session(scene.database);
};

TEST_F(SlotWait, SaysForWhomAndIsPausedAndDeletedAtOnceWithNothingLeftBehind) {
  const auto pid = "pid " + application.value("SELECT pg_backend_pid()");
  ASSERT_TRUE(
      test::eventually([&] { return scene.field(".status.message").find(pid) != std::string::npos; }, 20s))
      << scene.field(".status.message");
  EXPECT_THAT(scene.field(".status.message"), HasSubstr("idle in transaction since 20"));
  EXPECT_EQ(scene.dev.reason(scene.pipe, "Ready"), "ProgressingWithRetry");
  scene.pause(true);
  EXPECT_TRUE(scene.reaches("Paused", 10s));
  EXPECT_TRUE(test::eventually([&] { return being_made() == "0"; })) << "a pause keeps nothing waiting";
  scene.pause(false);
  EXPECT_TRUE(scene.reaches("Snapshot", 10s));
  EXPECT_TRUE(test::eventually([&] { return being_made() == "1"; }));
  scene.dev.must_kubectl({"delete", "pipe", scene.pipe, "--timeout=10s"});
  EXPECT_EQ(scene.slots(), 0);
  EXPECT_EQ(scene.publications(), 0);
  application.exec("COMMIT");
  EXPECT_EQ(scene.slots(), 0);
}

TEST_F(SlotWait, IsForgottenWithThePipeThatAKilledProcessWasMakingItFor) {
  dev.kill9();
  EXPECT_EQ(being_made(), "1") << "nobody is left who waits";
  dev.start();
  scene.dev.must_kubectl({"delete", "pipe", scene.pipe, "--timeout=20s"});
  EXPECT_EQ(scene.slots(), 0);
  EXPECT_EQ(scene.publications(), 0);
  application.exec("COMMIT");
  EXPECT_EQ(scene.slots(), 0);
}

TEST_F(SlotWait, EndsWithTheTransaction) {
  dev.kill9();
  dev.start();
  ASSERT_TRUE(test::eventually([&] { return being_made() == "1"; }, 30s));
  scene.exec("ALTER TABLE orders ADD late text, DROP n, ALTER v SET DEFAULT 'v'");
  scene.exec("UPDATE orders SET late = 'y'; INSERT INTO orders VALUES (11, NULL, 'x')");
  application.exec("COMMIT");
  ASSERT_TRUE(scene.reaches("Running"));
  EXPECT_EQ(scene.differences({"orders"}), "") << "a column that came since Setup";
  EXPECT_EQ(scene.leftovers(0), "");
}

}  // namespace
}  // namespace penstock
