// A resync of the whole pipe, begun in every state that a pipe can rest or work in.

#include <atomic>
#include <thread>

#include "tests/e2e/resync/resync_test.hpp"

namespace penstock {
namespace {

const States kAnswersOfOneSwap{"2000\t['old']", "1500\t['new']"};

TEST(Resync, OfARunningPipeShowsItsSequenceAndEndsEqual) {
  Scene scene(shared_world());
  scene.create_table("orders", 5000);
  scene.create_table("customers", 300);
  scene.declare({"public.orders", "public.customers"});
  const auto watch = scene.dev.watch(scene.pipe);
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  scene.exec("UPDATE orders SET v = 'streamed' WHERE id <= 400");
  ASSERT_TRUE(scene.dev.wait_for_field(scene.pipe, ".status.tables[0].rowsStreamed", "400"));
  EXPECT_EQ(scene.leftovers(0), "");

  Reader reader(scene.engine, scene.database, "SELECT count() FROM orders FINAL");
  scene.resync(1);
  EXPECT_TRUE(begins(watch, {"Provisioning", "Setup", "Snapshot", "Running"}))
      << testing::PrintToString(watch.states());
  ASSERT_TRUE(carried_out(scene, 1));
  ASSERT_TRUE(scene.reaches("Running"));
  EXPECT_EQ(reader.answers(), States{"5000"});

  const States wanted{"Provisioning", "Setup",    "Snapshot", "Running",
                      "Setup",        "Snapshot", "Resync",   "Running"};
  EXPECT_TRUE(watch.saw(wanted, 5s)) << testing::PrintToString(watch.states());
  EXPECT_TRUE(test::eventually([&] { return scene.dev.events(scene.pipe, "Normal") == wanted; }))
      << testing::PrintToString(scene.dev.events(scene.pipe, "Normal"));
  EXPECT_EQ(scene.dev.events(scene.pipe, "Warning"), States{});
  EXPECT_EQ(conditions_of(scene), "Ready=True");
  EXPECT_EQ(scene.field(".status.resync"), "");
  EXPECT_EQ(scene.leftovers(1), "");
  EXPECT_EQ(scene.target_tables(), "customers,orders");
  // Statistics begin anew.
  EXPECT_EQ(scene.field(".status.tables[0].rowsLoaded"), "5000");
  EXPECT_EQ(scene.field(".status.tables[0].rowsStreamed"), "0");
  scene.exec("UPDATE orders SET v = 'after' WHERE id <= 7; DELETE FROM customers WHERE id = 8");
  EXPECT_EQ(scene.differences({"orders", "customers"}), "");
  EXPECT_TRUE(scene.dev.wait_for_field(scene.pipe, ".status.tables[0].rowsStreamed", "7"));
}

TEST(Resync, OfARunningPipeUnderLoadNeverShowsReadersLessThanEitherSide) {
  Scene scene(shared_world());
  scene.create_table("orders", 20000);
  scene.declare({"public.orders"});
  scene.manifest.spec_more = "  sync: {interval: 20ms, maxInsertsPerSecond: 1000}\n";
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  std::atomic<bool> busy{true};
  std::thread writer([&] {
    auto session = scene.postgres.session(scene.database);
    for (int at = 1; busy.load(); ++at) {
      const auto id = std::to_string(20000 + at);
      session.exec("INSERT INTO orders VALUES (" + id + ", 'new', 0); UPDATE orders SET n = " + id +
                   " WHERE id % 5000 = " + std::to_string(at % 5000));
      std::this_thread::sleep_for(2ms);
    }
  });
  Reader reader(scene.engine, scene.database,
                "SELECT if(count() < 20000 OR uniqExact(id) != count() OR max(id) != count(), "
                "toString((count(), uniqExact(id), max(id))), 'whole') FROM orders FINAL");
  for (const int generation : {1, 2}) {
    scene.resync(generation);
    EXPECT_TRUE(carried_out(scene, generation));
  }
  EXPECT_TRUE(scene.reaches("Running"));
  busy.store(false);
  writer.join();
  EXPECT_EQ(reader.answers(), States{"whole"});
  ASSERT_TRUE(scene.caught_up());
  EXPECT_EQ(scene.differences({"orders"}, 0ms), "");
  EXPECT_EQ(scene.leftovers(2), "");
}

TEST(Resync, OfAPausedPipeRunsToItsEndAndThePipeIsPausedAgain) {
  Scene scene(shared_world());
  create_old_rows(scene);
  scene.declare({"public.orders"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  scene.pause(true);
  ASSERT_TRUE(scene.reaches("Paused"));
  change_behind_its_back(scene);
  const auto watch = scene.dev.watch(scene.pipe);
  Reader reader(scene.engine, scene.database, kWhole);
  scene.resync(1);
  EXPECT_TRUE(begins(watch, {"Paused"})) << testing::PrintToString(watch.states());
  ASSERT_TRUE(carried_out(scene, 1));
  ASSERT_TRUE(scene.reaches("Paused"));
  EXPECT_EQ(reader.answers(), kAnswersOfOneSwap);
  EXPECT_EQ(conditions_of(scene), "Ready=True Paused=True");
  EXPECT_EQ(scene.leftovers(1), "");
  EXPECT_TRUE(scene.slot_is_idle());
  scene.exec("UPDATE orders SET n = -1 WHERE id < 100");
  scene.pause(false);
  EXPECT_EQ(scene.differences({"orders"}), "");
}

TEST(Resync, OfAPipeInMidLoadBeginsTheLoadAgain) {
  Scene scene(shared_world());
  scene.create_table("orders", 40000);
  scene.declare({"public.orders"});
  ASSERT_NO_FATAL_FAILURE(scene.begin_a_slow_load("orders"));
  const auto watch = scene.dev.watch(scene.pipe);
  scene.exec("DELETE FROM orders WHERE id % 2 = 0");
  scene.resync(3);
  EXPECT_TRUE(test::eventually([&] { return scene.field(".status.resync.targetGeneration") == "3"; }, 5s));
  scene.speed_up();
  ASSERT_TRUE(carried_out(scene, 3));
  ASSERT_TRUE(scene.reaches("Running"));
  EXPECT_TRUE(watch.saw({"Snapshot", "Setup", "Snapshot", "Resync", "Running"}, 5s))
      << testing::PrintToString(watch.states());
  EXPECT_EQ(scene.differences({"orders"}), "");
  EXPECT_EQ(scene.field(".status.tables[0].rowsLoaded"), "20000");
  EXPECT_EQ(scene.leftovers(3), "");
}

TEST(Resync, OfACompletedPipeIsOneMoreSnapshot) {
  Scene scene(shared_world());
  create_old_rows(scene);
  scene.declare({"public.orders"});
  scene.manifest.spec_more = "  mode: SnapshotOnly\n";
  scene.apply();
  ASSERT_TRUE(scene.reaches("Completed"));
  change_behind_its_back(scene);
  const auto watch = scene.dev.watch(scene.pipe);
  Reader reader(scene.engine, scene.database, kWhole);
  scene.resync(1);
  EXPECT_TRUE(begins(watch, {"Completed"})) << testing::PrintToString(watch.states());
  ASSERT_TRUE(carried_out(scene, 1));
  ASSERT_TRUE(scene.reaches("Completed"));
  EXPECT_TRUE(watch.saw({"Completed", "Setup", "Snapshot", "Resync", "Completed"}, 5s))
      << testing::PrintToString(watch.states());
  EXPECT_EQ(reader.answers(), kAnswersOfOneSwap);
  EXPECT_EQ(scene.slots() + scene.publications(), 0);
  EXPECT_EQ(scene.target_tables(), "orders");
  EXPECT_TRUE(scene.idle());
}

TEST(Resync, OfAPipeThatOnlyStreamsTellsOfTheChangesInBetween) {
  Scene scene(shared_world());
  scene.create_table("orders", 100);
  scene.declare({"public.orders"});
  scene.manifest.spec_more = "  mode: CDCOnly\n";
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  scene.exec("UPDATE orders SET v = 'streamed' WHERE id = 1");
  ASSERT_TRUE(test::eventually([&] { return scene.target_count("orders") == 1; }));
  scene.resync(1);
  ASSERT_TRUE(carried_out(scene, 1));
  ASSERT_TRUE(scene.reaches("Running"));
  EXPECT_TRUE(scene.warned_of(States{"ChangesMissing"}))
      << testing::PrintToString(scene.dev.events(scene.pipe, "Warning"));
  scene.exec("UPDATE orders SET v = 'streamed' WHERE id = 2");
  EXPECT_TRUE(test::eventually([&] { return scene.target_count("orders") == 2; }));
  EXPECT_EQ(scene.target_value("SELECT id FROM orders FINAL ORDER BY id"), "1\n2");
  EXPECT_EQ(scene.leftovers(1), "");
}

TEST(Resync, AskedForDuringAResyncIsCarriedOutToo) {
  Scene scene(shared_world());
  scene.create_table("orders", 20000);
  scene.declare({"public.orders"});
  scene.manifest.spec_more = "  snapshot: {rowsPerPartition: 1000, workersPerTable: 2}\n";
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  scene.dev.patch(scene.pipe, R"({"spec":{"resyncGeneration":1,"sync":{"batchRows":500}}})");
  ASSERT_NO_FATAL_FAILURE(scene.slow_down("orders_resync"));
  ASSERT_TRUE(
      test::eventually([&] { return scene.number(".status.tables[0].rowsLoaded") % 20000 > 0; }, 60s));
  ASSERT_EQ(scene.field(".status.resync.targetGeneration"), "1");
  scene.dev.patch(
      scene.pipe,
      R"({"spec":{"resyncGeneration":2,"tables":[{"source":"public.orders","excludedColumns":["n"]}]}})");
  EXPECT_TRUE(test::eventually([&] { return scene.field(".status.resync.targetGeneration") == "2"; }, 5s));
  scene.speed_up();
  ASSERT_TRUE(carried_out(scene, 2));
  ASSERT_TRUE(scene.reaches("Running"));
  EXPECT_EQ(scene.target_value("SELECT arrayStringConcat(groupArray(name), ',') FROM system.columns WHERE "
                               "database = currentDatabase() AND table = 'orders' AND name NOT LIKE '_pen%'"),
            "id,v");
  EXPECT_EQ(scene.target_value("SELECT count(), sum(id) FROM orders FINAL"), "20000\t200010000");
  EXPECT_EQ(scene.leftovers(2), "");
}

TEST(Resync, OfAPipeWhoseSourceBecameAnotherSystemTakesTheNewOne) {
  test::PostgresServer other({.system = 1});
  Scene scene(shared_world());
  create_old_rows(scene);
  scene.declare({"public.orders"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  const auto& database = scene.database;
  other.exec("CREATE DATABASE " + database);
  other.exec(
      "CREATE TABLE orders (id bigint PRIMARY KEY, v text, n int);"
      "INSERT INTO orders SELECT i, 'new', 1 FROM generate_series(1, 1500) i",
      database);
  scene.dev.patch(scene.pipe,
                  R"({"spec":{"source":{"postgres":{"port":)" + std::to_string(other.port()) + "}}}}");
  ASSERT_TRUE(scene.reaches("Failed"));
  EXPECT_EQ(scene.dev.reason(scene.pipe, "Stalled"), "SourceChanged");
  Reader reader(scene.engine, scene.database, kWhole);
  scene.resync(1);
  ASSERT_TRUE(scene.reaches("Running"));
  EXPECT_EQ(reader.answers(), kAnswersOfOneSwap);
  EXPECT_EQ(conditions_of(scene), "Ready=True");
  other.exec("DELETE FROM orders WHERE id <= 500", database);
  EXPECT_TRUE(test::eventually(
      [&] { return scene.target_value("SELECT count() FROM orders FINAL") == "1000"; }, 20s));
  scene.dev.must_kubectl({"delete", "pipe", scene.pipe, "--timeout=20s"});
  EXPECT_EQ(other.value("SELECT count(*) FROM pg_replication_slots"), "0");
}

}  // namespace
}  // namespace penstock
