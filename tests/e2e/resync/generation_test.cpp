// When a generation is carried out, when not, and what may come in between.

#include <fmt/format.h>

#include <atomic>
#include <thread>

#include "tests/e2e/resync/resync_test.hpp"

namespace penstock {
namespace {

/// Applied with 20,000 rows, Running, and then resynced at a pace at which the load takes seconds: returns in
/// its middle.
void be_in_a_resync(Scene& scene) {
  scene.create_table("orders", 20000);
  scene.declare({"public.orders"});
  scene.manifest.spec_more += "  snapshot: {rowsPerPartition: 1000, workersPerTable: 2}\n";
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  scene.dev.patch(scene.pipe, R"({"spec":{"resyncGeneration":1,"sync":{"batchRows":500}}})");
  ASSERT_NO_FATAL_FAILURE(scene.slow_down("orders_resync"));
  ASSERT_TRUE(
      test::eventually([&] { return scene.number(".status.tables[0].rowsLoaded") % 20000 > 0; }, 60s));
  ASSERT_EQ(scene.field(".status.resync.targetGeneration"), "1");
}

TEST(ResyncGeneration, LoweredIsOneWarningAndNothingElse) {
  Scene scene(shared_world());
  scene.create_table("orders", 100);
  scene.declare({"public.orders"});
  scene.manifest.spec_more = "  resyncGeneration: 5\n";
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  EXPECT_EQ(scene.field(".status.observedResyncGeneration"), "5");
  const auto watch = scene.dev.watch(scene.pipe);
  const auto slot = scene.field(".status.replication.slot");
  scene.resync(2);
  EXPECT_TRUE(scene.warned_of(States{"ResyncGenerationLowered"}));
  ASSERT_TRUE(scene.dev.wait_for_field(scene.pipe, ".status.observedGeneration", "2"));
  scene.exec("UPDATE orders SET v = 'meanwhile'");
  EXPECT_EQ(scene.differences({"orders"}), "");
  EXPECT_EQ(scene.field(".status.observedResyncGeneration"), "5");
  EXPECT_EQ(scene.field(".status.replication.slot"), slot);
  EXPECT_EQ(watch.states(), States{"Running"});
  EXPECT_EQ(conditions_of(scene), "Ready=True");
  // Back at what was carried out: still nothing. Above it: a resync.
  scene.resync(5);
  ASSERT_TRUE(scene.dev.wait_for_field(scene.pipe, ".status.observedGeneration", "3"));
  EXPECT_EQ(watch.states(), States{"Running"});
  scene.resync(6);
  EXPECT_TRUE(carried_out(scene, 6));
  EXPECT_EQ(scene.dev.events(scene.pipe, "Warning"), States{"ResyncGenerationLowered"});
}

TEST(ResyncGeneration, OfAPipeThatWasCreatedPausedIsTakenOver) {
  Scene scene(shared_world());
  scene.create_table("orders", 100);
  scene.declare({"public.orders"});
  scene.manifest.spec_more = "  paused: true\n";
  const auto watch = scene.dev.watch(scene.pipe);
  scene.apply();
  ASSERT_TRUE(scene.reaches("Paused"));
  scene.resync(4);
  ASSERT_TRUE(carried_out(scene, 4, 10s));
  EXPECT_EQ(scene.dev.state(scene.pipe), "Paused");
  EXPECT_EQ(scene.slots() + scene.publications(), 0);
  scene.pause(false);
  ASSERT_TRUE(scene.reaches("Running"));
  EXPECT_TRUE(watch.saw({"Provisioning", "Paused", "Setup", "Snapshot", "Running"}, 5s))
      << testing::PrintToString(watch.states());
  EXPECT_EQ(scene.differences({"orders"}), "");
  EXPECT_EQ(scene.leftovers(4), "");
}

TEST(ResyncGeneration, APauseAskedForMeanwhileIsHonouredAfterTheSwap) {
  Scene scene(shared_world());
  ASSERT_NO_FATAL_FAILURE(be_in_a_resync(scene));
  const auto watch = scene.dev.watch(scene.pipe);
  scene.pause(true);
  ASSERT_TRUE(scene.dev.wait_for_field(scene.pipe, ".status.observedGeneration",
                                       scene.field(".metadata.generation")));
  scene.speed_up();
  ASSERT_TRUE(scene.reaches("Paused", 60s));
  EXPECT_EQ(scene.field(".status.observedResyncGeneration"), "1");
  ASSERT_TRUE(test::eventually([&] {
    const auto seen = watch.states();
    return !seen.empty() && seen.back() == "Paused";
  }));
  const auto states = watch.states();
  EXPECT_EQ(states.front(), "Snapshot");
  EXPECT_EQ(std::count(states.begin(), states.end(), "Resync"), 1) << testing::PrintToString(states);
  EXPECT_EQ(scene.leftovers(1), "");
  scene.pause(false);
  EXPECT_EQ(scene.differences({"orders"}), "");
}

TEST(ResyncGeneration, DeletionMeanwhileLeavesNothing) {
  Scene scene(shared_world());
  scene.manifest.spec_more = "  deletionPolicy: Delete\n";
  ASSERT_NO_FATAL_FAILURE(be_in_a_resync(scene));
  scene.dev.must_kubectl({"delete", "pipe", scene.pipe, "--timeout=30s"});
  EXPECT_EQ(scene.slots() + scene.publications(), 0);
  EXPECT_FALSE(scene.target_exists("orders"));
  EXPECT_FALSE(scene.target_exists("orders_resync"));
  EXPECT_TRUE(scene.idle());
}

TEST(ResyncGeneration, ChangesOfTheLoadsTimeAreInBeforeTheSwap) {
  Scene scene(shared_world());
  ASSERT_NO_FATAL_FAILURE(be_in_a_resync(scene));
  scene.exec(
      "UPDATE orders SET v = 'in the load' WHERE id % 10 = 0; DELETE FROM orders WHERE id % 10 = 1;"
      "UPDATE orders SET id = id + 100000 WHERE id % 10 = 2");
  Reader reader(scene.engine, scene.database,
                "SELECT (count(), countIf(v = 'in the load'), countIf(id > 100000)) FROM orders FINAL");
  scene.speed_up();
  ASSERT_TRUE(carried_out(scene, 1));
  ASSERT_TRUE(scene.caught_up());
  EXPECT_EQ(scene.differences({"orders"}, 0ms), "");
  const auto answers = reader.answers();
  EXPECT_EQ(answers.front(), "(20000,0,0)");
  EXPECT_EQ(answers.back(), "(18000,2000,2000)");
}

TEST(ResyncOfOneTable, LeavesTheOthersStreaming) {
  Scene scene(shared_world());
  create_old_rows(scene);
  scene.create_table("customers", 100);
  scene.declare({"public.orders", "public.customers"});
  scene.manifest.spec_more = "  snapshot: {rowsPerPartition: 1000, workersPerTable: 1}\n";
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  scene.exec("DELETE FROM orders WHERE id <= 50");
  ASSERT_TRUE(scene.caught_up());
  const auto watch = scene.dev.watch(scene.pipe);
  Reader reader(scene.engine, scene.database, kWhole);
  const auto slot = scene.field(".status.replication.slot");
  scene.dev.patch(
      scene.pipe,
      R"({"spec":{"sync":{"batchRows":100},"tables":[{"source":"public.orders","resyncGeneration":1},)"
      R"({"source":"public.customers"}]}})");
  ASSERT_NO_FATAL_FAILURE(scene.slow_down("orders_resync"));
  ASSERT_TRUE(test::eventually([&] { return scene.of_table("orders", "state") == "Loading"; }));
  // The other's changes arrive while this one is loaded.
  scene.exec("UPDATE customers SET v = 'in the load'");
  EXPECT_EQ(scene.differences({"customers"}), "");
  EXPECT_EQ(scene.of_table("orders", "state"), "Loading");
  EXPECT_EQ(scene.of_table("customers", "state"), "Streaming");
  scene.speed_up();
  ASSERT_TRUE(scene.table_reaches("orders", "Streaming", 60s));
  EXPECT_EQ(scene.of_table("orders", "observedResyncGeneration"), "1");
  EXPECT_EQ(scene.field(".status.observedResyncGeneration"), "0");
  EXPECT_EQ(scene.field(".status.replication.slot"), slot);
  EXPECT_EQ(reader.answers(), States{"1950\t['old']"});
  scene.exec("UPDATE orders SET v = 'after'");
  EXPECT_EQ(scene.differences({"orders", "customers"}), "");
  EXPECT_EQ(scene.target_value("SELECT count() FROM orders WHERE _penstock_deleted = 1"), "50");
  EXPECT_EQ(scene.leftovers(0), "");
  EXPECT_TRUE(watch.saw({"Running", "Snapshot", "Resync", "Running"}, 5s))
      << testing::PrintToString(watch.states());
}

TEST(ResyncBeside, AMaterializedViewAndAColumnOfTheUsersTheTargetsGoOn) {
  Scene scene(shared_world());
  scene.create_table("orders", 100);
  scene.declare({"public.orders"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  const auto& database = scene.database;
  scene.engine.query("CREATE TABLE " + database +
                     ".sums (id Int64, v Nullable(String)) ENGINE = MergeTree ORDER BY id");
  scene.engine.query("CREATE MATERIALIZED VIEW " + database + ".to_sums TO " + database +
                     ".sums AS SELECT id, v FROM " + database + ".orders");
  scene.engine.query("ALTER TABLE " + database + ".orders ADD COLUMN mine String DEFAULT 'x'");
  scene.exec("INSERT INTO orders VALUES (101, 'seen', 0)");
  ASSERT_TRUE(test::eventually([&] { return scene.target_count("sums") == 1; }));
  EXPECT_EQ(scene.target_value("SELECT mine FROM orders FINAL WHERE id = 101"), "x");
  scene.engine.query("ALTER TABLE " + database + ".orders ADD INDEX by_v v TYPE bloom_filter");
  scene.engine.query("ALTER TABLE " + database +
                     ".orders MODIFY TTL toDateTime(_penstock_synced_at) + "
                     "INTERVAL 10 YEAR");
  scene.resync(1);
  ASSERT_TRUE(carried_out(scene, 1));
  ASSERT_TRUE(scene.reaches("Running"));
  EXPECT_TRUE(test::eventually([&] {
    return scene.dev.must_kubectl({"get", "events"})
               .find("do not have: public.orders: column mine, index by_v, TTL") != std::string::npos;
  })) << "what is lost is not told";
  EXPECT_EQ(scene.differences({"orders"}), "");
  scene.exec("INSERT INTO orders VALUES (102, 'seen too', 0)");
  EXPECT_EQ(scene.differences({"orders"}), "");
  // The view reads from the table of that name, whichever it is.
  EXPECT_TRUE(test::eventually([&] {
    return scene.target_value("SELECT countIf(id = 102) FROM sums") == "1";
  })) << scene.target_value("SELECT id FROM sums");
}

}  // namespace
}  // namespace penstock
