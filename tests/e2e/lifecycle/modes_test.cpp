// SnapshotOnly and CDCOnly: what they read, what they leave in the source.

#include "tests/e2e/lifecycle/lifecycle_test.hpp"

namespace penstock {
namespace {

TEST(Modes, SnapshotOnlyCompletesAndHoldsNothingInTheSource) {
  Scene scene(shared_world());
  scene.create_table("orders", 5000);
  scene.declare({"public.orders"});
  scene.manifest.spec_more = "  mode: SnapshotOnly\n  snapshot: {rowsPerPartition: 1000}\n";
  const auto watch = scene.dev.watch(scene.pipe);
  scene.apply();
  ASSERT_TRUE(scene.reaches("Completed"));
  EXPECT_TRUE(watch.saw({"Provisioning", "Setup", "Snapshot", "Completed"}, 5s))
      << testing::PrintToString(watch.states());
  EXPECT_EQ(test::row_diff(scene.postgres, scene.database, "orders", scene.engine, scene.database, "orders"),
            "");
  EXPECT_EQ(conditions_of(scene), "Ready=True");
  EXPECT_EQ(scene.dev.reason(scene.pipe, "Ready"), "Completed");
  EXPECT_EQ(scene.field(".status.tables[0].state"), "Completed");
  EXPECT_EQ(scene.field(".status.tablesReady"), "1/1");
  EXPECT_EQ(scene.slots(), 0);
  EXPECT_EQ(scene.publications(), 0);
  EXPECT_EQ(scene.field(".status.replication.slot"), "");
  EXPECT_TRUE(scene.idle()) << "sessions are left open in the source";

  scene.exec("INSERT INTO orders VALUES (5001, 'late', 1)");
  scene.dev.must_kubectl({"delete", "pipe", scene.pipe, "--timeout=20s"});
  EXPECT_EQ(scene.target_count("orders"), 5000);
}

TEST(Modes, SnapshotOnlyPausedInMidLoadStillEndsAsOneMomentOfTheSource) {
  Scene scene(shared_world());
  scene.create_table("orders", 40000);
  scene.declare({"public.orders"});
  scene.manifest.spec_more = "  mode: SnapshotOnly\n";
  ASSERT_NO_FATAL_FAILURE(scene.begin_a_slow_load("orders"));
  scene.pause(true);
  ASSERT_TRUE(scene.reaches("Paused"));
  ASSERT_LT(scene.number(".status.rows"), 40000) << "the load was over before it could be paused";
  scene.speed_up();
  scene.exec("UPDATE orders SET v = 'changed'; DELETE FROM orders WHERE id % 3 = 0");
  scene.pause(false);
  ASSERT_TRUE(scene.reaches("Completed", 60s));
  EXPECT_EQ(test::row_diff(scene.postgres, scene.database, "orders", scene.engine, scene.database, "orders"),
            "");
}

TEST(Modes, CdcOnlyStreamsOnlyChangesThroughASlotOfOurs) {
  Scene scene(shared_world());
  scene.create_table("orders", 1000);
  scene.declare({"public.orders"});
  scene.manifest.spec_more = "  mode: CDCOnly\n";
  const auto watch = scene.dev.watch(scene.pipe);
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  EXPECT_TRUE(watch.saw({"Provisioning", "Setup", "Running"}, 5s)) << testing::PrintToString(watch.states());
  scene.exec(
      "INSERT INTO orders VALUES (1001, 'new', 1); UPDATE orders SET v = 'changed' WHERE id = 7; DELETE FROM "
      "orders WHERE id = 8");
  ASSERT_TRUE(test::eventually([&] { return scene.target_count("orders") == 3; }));
  EXPECT_EQ(scene.target_value("SELECT id, v FROM orders FINAL ORDER BY id"), "7\tchanged\n1001\tnew");
  EXPECT_TRUE(scene.dev.wait_for_field(scene.pipe, ".status.tables[0].state", "Streaming"));
  EXPECT_EQ(scene.field(".status.tables[0].rowsLoaded"), "0");
  EXPECT_EQ(scene.slots(), 1);

  scene.dev.must_kubectl({"delete", "pipe", scene.pipe, "--timeout=20s"});
  EXPECT_EQ(scene.slots(), 0);
  EXPECT_EQ(scene.publications(), 0);
}

TEST(Modes, CdcOnlyTakesUpAUsersSlotWhereItStandsAndNeverDropsIt) {
  Scene scene(shared_world());
  scene.create_table("orders", 1000);
  const auto slot = "mine_" + scene.database;
  scene.exec("CREATE PUBLICATION mine FOR TABLE orders");
  scene.exec("SELECT pg_create_logical_replication_slot('" + slot + "', 'pgoutput')");
  scene.exec("UPDATE orders SET v = 'before the pipe' WHERE id = 1");
  scene.declare({"public.orders"});
  scene.manifest.source_more = ", publication: mine, replicationSlot: " + slot;
  scene.manifest.spec_more = "  mode: CDCOnly\n";
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  scene.exec("UPDATE orders SET v = 'after' WHERE id = 2");
  ASSERT_TRUE(test::eventually([&] { return scene.target_count("orders") == 2; }));
  EXPECT_EQ(scene.target_value("SELECT id, v FROM orders FINAL ORDER BY id"), "1\tbefore the pipe\n2\tafter");
  EXPECT_EQ(scene.field(".status.replication.slot"), slot);
  // The source is looked at as it is with a slot of ours.
  scene.exec("ALTER TABLE orders RENAME v TO w");
  EXPECT_TRUE(test::eventually([&] { return scene.dev.reason(scene.pipe, "Ready") == "SourceDiffers"; }, 60s))
      << conditions_of(scene);

  scene.dev.must_kubectl({"delete", "pipe", scene.pipe, "--timeout=20s"});
  EXPECT_EQ(scene.value("SELECT count(*) FROM pg_replication_slots WHERE slot_name = '" + slot + "'"), "1");
  EXPECT_EQ(scene.value("SELECT string_agg(pubname, ',') FROM pg_publication"), "mine");
}

TEST(Modes, AUsersPublicationIsStreamedFromAndLeftAlone) {
  Scene scene(shared_world());
  scene.create_table("orders", 1000);
  scene.exec("CREATE PUBLICATION mine FOR TABLE orders");
  scene.declare({"public.orders"});
  scene.manifest.source_more = ", publication: mine";
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  scene.exec("UPDATE orders SET v = 'changed' WHERE id < 100");
  EXPECT_EQ(scene.differences({"orders"}), "");
  scene.dev.must_kubectl({"delete", "pipe", scene.pipe, "--timeout=20s"});
  EXPECT_EQ(scene.slots(), 0);
  EXPECT_EQ(scene.value("SELECT string_agg(pubname, ',') FROM pg_publication"), "mine");
}

}  // namespace
}  // namespace penstock
