// What two Pipes may share in the source.

#include "tests/e2e/ownership/ownership_test.hpp"

namespace penstock {
namespace {

/// A slot and a publication of the user's on tables orders and customers.
std::string create_users_slot(Scene& scene) {
  scene.create_table("orders", 10);
  scene.create_table("customers", 10);
  const auto slot = "mine_" + scene.database;
  scene.exec("CREATE PUBLICATION mine FOR TABLE orders, customers");
  scene.exec("SELECT pg_create_logical_replication_slot('" + slot + "', 'pgoutput')");
  scene.manifest.source_more = ", publication: mine, replicationSlot: " + slot;
  scene.manifest.spec_more = "  mode: CDCOnly\n";
  return slot;
}

TEST(OneSlot, OfTheUsersIsReadByOnePipeAndTheOtherIsToldByWhich) {
  Scene scene(shared_world());
  const auto slot = create_users_slot(scene);
  scene.declare({"public.orders"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  Neighbour second(scene, {"public.customers"});
  scene.dev.apply(second.yaml());
  ASSERT_TRUE(test::eventually([&] { return second.ready_reason() == "SlotNotOurs"; })) << second.message();
  EXPECT_THAT(second.message(),
              HasSubstr(fmt::format("replication slot {} is read by Pipe default/{}", slot, scene.pipe)));
  // Nor while the slot is idle: what the other read would be missing here.
  scene.pause(true);
  ASSERT_TRUE(scene.reaches("Paused"));
  ASSERT_TRUE(scene.slot_is_idle());
  scene.exec("UPDATE orders SET v = 'while paused'; UPDATE customers SET v = 'while paused'");
  second.manifest.spec_more += "  sync: {batchRows: 1000}\n";  // it looks again at once
  scene.dev.apply(second.yaml());
  ASSERT_TRUE(test::eventually([&] { return second.field(".status.observedGeneration") == "2"; }));
  EXPECT_EQ(second.ready_reason(), "SlotNotOurs");
  scene.pause(false);
  ASSERT_TRUE(scene.reaches("Running"));
  EXPECT_TRUE(test::eventually([&] { return scene.target_count("orders") == 10; }));
  scene.dev.must_kubectl({"delete", "pipe", scene.pipe, "--timeout=30s"});
  ASSERT_TRUE(second.reaches("Running"));
  scene.exec("UPDATE customers SET v = 'after'");
  EXPECT_TRUE(test::eventually(
      [&] { return scene.target_value("SELECT countIf(v = 'after') FROM customers FINAL") == "10"; }));
}

TEST(OneSlot, OfOneApplyIsReadByOneOfTwo) {
  Scene scene(shared_world());
  create_users_slot(scene);
  scene.declare({"public.orders"});
  Neighbour second(scene, {"public.customers"});
  scene.dev.apply(scene.manifest.both() + "---\n" + second.yaml());
  ASSERT_TRUE(test::eventually([&] {
    return (scene.dev.state(scene.pipe) == "Running" && second.ready_reason() == "SlotNotOurs") ||
           (second.field(".status.state") == "Running" &&
            scene.dev.reason(scene.pipe, "Ready") == "SlotNotOurs");
  })) << scene.dev.describe(scene.pipe)
      << second.message();
}

TEST(OnePublication, OfTheUsersMayBeReadByTwoPipesWithSlotsOfTheirOwn) {
  Scene scene(shared_world());
  scene.create_table("orders", 10);
  scene.create_table("customers", 10);
  scene.exec("CREATE PUBLICATION mine FOR TABLE orders, customers");
  scene.manifest.source_more = ", publication: mine";
  scene.declare({"public.orders"});
  Neighbour second(scene, {"public.customers"});
  scene.dev.apply(scene.manifest.both() + "---\n" + second.yaml());
  ASSERT_TRUE(scene.reaches("Running"));
  ASSERT_TRUE(second.reaches("Running"));
  scene.exec("UPDATE orders SET v = 'after'; DELETE FROM customers WHERE id = 1");
  EXPECT_EQ(scene.differences({"orders", "customers"}), "");
  second.remove();
  scene.exec("UPDATE orders SET v = 'later'");
  EXPECT_EQ(scene.differences({"orders"}), "");
  EXPECT_EQ(
      scene.value("SELECT string_agg(tablename, ',' ORDER BY tablename) FROM pg_publication_tables WHERE "
                  "pubname = 'mine'"),
      "customers,orders");
}

}  // namespace
}  // namespace penstock
