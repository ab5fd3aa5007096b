// Tables taken out of a live pipe, and put back.

#include <fmt/format.h>

#include "tests/e2e/tables/tables_test.hpp"

namespace penstock {
namespace {

/// Two tables, Running.
void run_two(Scene& scene) {
  scene.create_table("orders", 1000);
  scene.create_table("other", 1000);
  scene.exec("UPDATE other SET v = 'old'");
  scene.declare({"public.orders", "public.other"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
}

bool is_out(Scene& scene, const std::string& table) {
  return test::eventually([&] { return scene.of_table(table, "source").empty(); }, 30s);
}

TEST(RemoveTable, TakesItOutOfThePublicationAndKeepsTheTarget) {
  Scene scene(shared_world());
  ASSERT_NO_FATAL_FAILURE(run_two(scene));
  const auto watch = scene.dev.watch(scene.pipe);
  set_tables(scene, {"public.orders"});
  ASSERT_TRUE(is_out(scene, "other"));
  ASSERT_TRUE(scene.reaches("Running"));
  EXPECT_TRUE(watch.saw({"Running", "Modifying", "Running"}, 5s)) << testing::PrintToString(watch.states());
  EXPECT_EQ(published(scene), "orders");
  EXPECT_TRUE(scene.dev.wait_for_field(scene.pipe, ".status.tablesReady", "1/1"));
  scene.exec("UPDATE other SET v = 'not replicated'; UPDATE orders SET v = 'streamed'");
  EXPECT_EQ(scene.differences({"orders"}), "");
  EXPECT_EQ(scene.target_value("SELECT count(), groupUniqArray(v) FROM other FINAL"), "1000\t['old']");
  EXPECT_EQ(scene.leftovers(0), "");
}

TEST(RemoveTable, DropsTheTargetWhereThePolicySaysSo) {
  Scene scene(shared_world());
  scene.manifest.spec_more = "  deletionPolicy: Delete\n";
  ASSERT_NO_FATAL_FAILURE(run_two(scene));
  set_tables(scene, {"public.orders"});
  ASSERT_TRUE(is_out(scene, "other"));
  ASSERT_TRUE(scene.reaches("Running"));
  EXPECT_EQ(scene.target_tables(), "orders");
  scene.exec("UPDATE orders SET v = 'streamed'");
  EXPECT_EQ(scene.differences({"orders"}), "");
}

TEST(RemoveTable, InTheMiddleOfItsLoadLeavesNothingUnderWay) {
  Scene scene(shared_world());
  scene.create_table("orders", 100);
  scene.create_table("late", 20000);
  scene.declare({"public.orders"});
  scene.manifest.spec_more =
      "  deletionPolicy: Delete\n  snapshot: {rowsPerPartition: 1000, workersPerTable: 1}\n"
      "  sync: {batchRows: 500}\n";
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  set_tables(scene, {"public.orders", "public.late"});
  ASSERT_NO_FATAL_FAILURE(scene.slow_down("late"));
  ASSERT_TRUE(scene.table_reaches("late", "Loading"));
  set_tables(scene, {"public.orders"});
  ASSERT_TRUE(is_out(scene, "late"));
  ASSERT_TRUE(scene.reaches("Running"));
  EXPECT_FALSE(scene.target_exists("late"));
  scene.exec("UPDATE orders SET v = 'streamed'");
  EXPECT_EQ(scene.differences({"orders"}), "");
}

TEST(AddBack, LoadsBesideTheFormerTargetAndExchanges) {
  Scene scene(shared_world());
  ASSERT_NO_FATAL_FAILURE(run_two(scene));
  set_tables(scene, {"public.orders"});
  ASSERT_TRUE(is_out(scene, "other"));
  scene.exec("UPDATE other SET v = 'new'; DELETE FROM other WHERE id > 800");
  ASSERT_TRUE(scene.reaches("Running"));
  const auto watch = scene.dev.watch(scene.pipe);
  Reader reader(scene.engine, scene.database, "SELECT count(), groupUniqArray(v) FROM other FINAL");
  set_tables(scene, {"public.orders", "public.other"});
  ASSERT_TRUE(scene.table_reaches("other", "Streaming"));
  ASSERT_TRUE(scene.reaches("Running"));
  EXPECT_EQ(reader.answers(), (States{"1000\t['old']", "800\t['new']"}));
  EXPECT_TRUE(watch.saw({"Running", "Snapshot", "Resync", "Running"}, 5s))
      << testing::PrintToString(watch.states());
  scene.exec("UPDATE other SET n = 7 WHERE id = 1; DELETE FROM other WHERE id = 2");
  EXPECT_EQ(scene.differences({"orders", "other"}), "");
  EXPECT_EQ(scene.leftovers(0), "");
  EXPECT_EQ(scene.target_tables(), "orders,other");
}

TEST(AddBack, BeforeTheRemovalWasCarriedOutChangesNothing) {
  Scene scene(shared_world());
  ASSERT_NO_FATAL_FAILURE(run_two(scene));
  for (int round = 0; round < 3; ++round) {
    set_tables(scene, {"public.orders"});
    set_tables(scene, {"public.other", "public.orders"});
  }
  scene.exec("UPDATE other SET v = 'new'; DELETE FROM other WHERE id > 800");
  ASSERT_TRUE(scene.table_reaches("other", "Streaming"));
  EXPECT_EQ(scene.differences({"orders", "other"}), "");
  EXPECT_TRUE(scene.reaches("Running"));
  EXPECT_EQ(scene.leftovers(0), "");
  EXPECT_EQ(published(scene), "orders,other");
}

TEST(AddBack, ToAStreamThatHasNotComeToItsRemovalYetTakesNoOlderChangesForNewer) {
  Scene scene(shared_world());
  scene.create_table("orders", 10000);
  scene.create_table("other", 100);
  scene.declare({"public.orders", "public.other"});
  scene.manifest.spec_more = "  sync: {batchRows: 500, interval: 20ms, maxInsertsPerSecond: 1000}\n";
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  ASSERT_NO_FATAL_FAILURE(scene.slow_down("orders"));
  scene.exec("UPDATE orders SET n = -1");  // seconds of work, and what follows waits behind it
  scene.exec("UPDATE other SET v = 'before the removal'; DELETE FROM other WHERE id = 1");
  scene.exec("INSERT INTO other VALUES (200, 'not for long', 0)");
  set_tables(scene, {"public.orders"});
  ASSERT_TRUE(is_out(scene, "other"));
  scene.exec(
      "UPDATE other SET v = 'unseen' WHERE id <= 50; INSERT INTO other VALUES (1, 'back', 0);"
      "DELETE FROM other WHERE id = 200");
  set_tables(scene, {"public.orders", "public.other"});
  ASSERT_TRUE(scene.table_reaches("other", "Streaming"));
  scene.speed_up();
  ASSERT_TRUE(scene.caught_up(60s));
  EXPECT_EQ(scene.differences({"orders", "other"}, 0ms), "");
}

TEST(AddBack, WithOtherSettingsHasThem) {
  Scene scene(shared_world());
  ASSERT_NO_FATAL_FAILURE(run_two(scene));
  set_tables(scene, {"public.orders"});
  ASSERT_TRUE(is_out(scene, "other"));
  set_tables(scene, {"public.orders", "{source: public.other, excludedColumns: [v]}"});
  ASSERT_TRUE(scene.table_reaches("other", "Streaming"));
  EXPECT_EQ(
      scene.target_value("SELECT count() FROM system.columns WHERE database = currentDatabase() AND table "
                         "= 'other' AND name = 'v'"),
      "0");
  EXPECT_EQ(scene.dev.condition(scene.pipe, "ResyncRequired"), "");
  scene.exec("UPDATE other SET n = 7");
  ASSERT_TRUE(scene.caught_up());
  EXPECT_EQ(scene.target_value("SELECT count(), sum(n) FROM other FINAL"), "1000\t7000");
}

TEST(AddBack, UnderAnotherTargetLeavesTheFormerOne) {
  Scene scene(shared_world());
  ASSERT_NO_FATAL_FAILURE(run_two(scene));
  set_tables(scene, {"public.orders"});
  ASSERT_TRUE(is_out(scene, "other"));
  set_tables(scene, {"public.orders", "{source: public.other, target: elsewhere}"});
  ASSERT_TRUE(scene.table_reaches("other", "Streaming"));
  scene.exec("UPDATE other SET v = 'new'");
  ASSERT_TRUE(scene.caught_up());
  EXPECT_EQ(scene.target_value("SELECT count(), groupUniqArray(v) FROM elsewhere FINAL"), "1000\t['new']");
  EXPECT_EQ(scene.target_value("SELECT count(), groupUniqArray(v) FROM other FINAL"), "1000\t['old']");
}

TEST(SwapOfTables, OneOutAndOneInAtOnceWhilePausedAndThenResynced) {
  Scene scene(shared_world());
  ASSERT_NO_FATAL_FAILURE(run_two(scene));
  scene.create_table("third", 300);
  scene.manifest.spec_more = "  paused: true\n";
  set_tables(scene, {"public.orders", "public.other"});
  ASSERT_TRUE(scene.reaches("Paused"));
  set_tables(scene, {"public.orders", "public.third"});
  scene.exec("UPDATE third SET v = 'while paused'; UPDATE orders SET v = 'while paused'");
  // It runs to its end, and the pipe is Paused again.
  scene.manifest.spec_more = "  paused: true\n  resyncGeneration: 1\n";
  set_tables(scene, {"public.orders", "public.third"});
  ASSERT_TRUE(scene.dev.wait_for_field(scene.pipe, ".status.observedResyncGeneration", "1", 60s));
  ASSERT_TRUE(scene.reaches("Paused"));
  EXPECT_EQ(scene.differences({"orders", "third"}, 0ms), "");
  EXPECT_EQ(published(scene), "orders,third");
  scene.exec("UPDATE third SET v = 'later'");
  scene.pause(false);
  EXPECT_EQ(scene.differences({"orders", "third"}), "");
  EXPECT_EQ(scene.leftovers(1), "");
}

}  // namespace
}  // namespace penstock
