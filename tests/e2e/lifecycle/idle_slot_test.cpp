// A slot that nobody reads is given up by PostgreSQL 18 when it is told to.

#include <gmock/gmock.h>

#include "tests/e2e/lifecycle/lifecycle_test.hpp"
#include "tests/support/server_needs.hpp"

namespace penstock {
namespace {

using testing::HasSubstr;

TEST(IdleSlot, ThatTheSourceGivesUpFailsThePausedPipeAtOnce) {
  if (const auto lack = test::lacking(*shared_world().postgres, test::kPg18); !lack.empty())
    GTEST_SKIP() << lack;
  test::PostgresServer postgres({.settings = {{"idle_replication_slot_timeout", "1s"}}});
  World world{&postgres, shared_world().engine, shared_world().dev};
  Scene scene(world);
  scene.create_table("orders", 100);
  scene.declare({"public.orders"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  scene.exec("CHECKPOINT");
  EXPECT_TRUE(scene.caught_up()) << "a slot that is read is not idle";
  scene.pause(true);
  ASSERT_TRUE(scene.reaches("Paused"));

  ASSERT_TRUE(test::eventually(
      [&] {
        scene.exec("CHECKPOINT");  // where PostgreSQL looks for idle slots
        return scene.value("SELECT invalidation_reason FROM pg_replication_slots") == "idle_timeout";
      },
      60s));
  EXPECT_TRUE(scene.reaches("Failed", 30s));
  EXPECT_EQ(scene.dev.reason(scene.pipe, "Stalled"), "SlotLost");
  EXPECT_THAT(scene.field(".status.message"), HasSubstr("idle_timeout"));

  scene.exec("UPDATE orders SET v = 'unseen'; DELETE FROM orders WHERE id > 50");
  scene.pause(false);
  scene.resync(1);
  ASSERT_TRUE(scene.reaches("Running"));
  EXPECT_EQ(scene.differences({"orders"}), "");
  EXPECT_EQ(scene.leftovers(1), "");
}

}  // namespace
}  // namespace penstock
