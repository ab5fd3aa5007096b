// Tables added to a live pipe.

#include <fmt/format.h>

#include <atomic>
#include <thread>

#include "tests/e2e/tables/tables_test.hpp"
#include "tests/support/server_needs.hpp"

namespace penstock {
namespace {

TEST(AddTable, LoadsItAloneWhileTheOthersStream) {
  Scene scene(shared_world());
  scene.create_table("orders", 1000);
  scene.create_table("history", 20000);
  scene.declare({"public.orders"});
  scene.manifest.spec_more =
      "  snapshot: {rowsPerPartition: 1000, workersPerTable: 1}\n  sync: {batchRows: 500}\n";
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  const auto watch = scene.dev.watch(scene.pipe);
  const auto slot = scene.field(".status.replication.slot");
  set_tables(scene, {"public.orders", "public.history"});
  ASSERT_NO_FATAL_FAILURE(scene.slow_down("history"));
  ASSERT_TRUE(scene.table_reaches("history", "Loading"));
  for (const int round : {1, 2}) {
    scene.exec(
        fmt::format("UPDATE orders SET n = {0}; UPDATE history SET n = {0} WHERE id % 100 = {0}", round));
    EXPECT_EQ(scene.differences({"orders"}), "");
    EXPECT_EQ(scene.of_table("history", "state"), "Loading");
    EXPECT_EQ(scene.of_table("orders", "state"), "Streaming");
  }
  scene.exec("DELETE FROM history WHERE id % 50 = 3; UPDATE history SET id = -id WHERE id % 50 = 4");
  scene.speed_up();
  ASSERT_TRUE(scene.table_reaches("history", "Streaming"));
  EXPECT_EQ(scene.of_table("history", "rowsLoaded"), "20000");
  ASSERT_TRUE(scene.reaches("Running"));
  EXPECT_EQ(scene.differences({"orders", "history"}), "");
  EXPECT_EQ(conditions_of(scene), "Ready=True");
  EXPECT_EQ(published(scene), "history,orders");
  EXPECT_EQ(scene.field(".status.replication.slot"), slot);
  EXPECT_EQ(scene.leftovers(0), "");
  EXPECT_TRUE(watch.saw({"Running", "Snapshot", "Running"}, 5s)) << testing::PrintToString(watch.states());
  EXPECT_EQ(scene.dev.events(scene.pipe, "Warning"), States{});
}

TEST(AddTable, SeveralAtOnceUnderLoad) {
  Scene scene(shared_world());
  for (const auto* table : {"a", "b", "c", "d"})
    scene.create_table(table, 3000);
  scene.declare({"public.a"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  std::atomic<bool> busy{true};
  std::thread writer([&] {
    auto session = scene.postgres.session(scene.database);
    for (int at = 1; busy.load(); ++at)
      for (const auto* table : {"a", "b", "c", "d"}) {
        session.exec(
            fmt::format("UPDATE {0} SET n = {1} WHERE id % 50 = {1} % 50; INSERT INTO {0} VALUES (10000 "
                        "+ {1}, 'new', {1}); DELETE FROM {0} WHERE id = {1}",
                        table, at));
        std::this_thread::sleep_for(2ms);
      }
  });
  set_tables(scene, {"public.a", "public.b", "public.c"});
  set_tables(scene, {"public.d", "public.c", "public.b", "public.a"});
  for (const auto* table : {"a", "b", "c", "d"})
    EXPECT_TRUE(scene.table_reaches(table, "Streaming")) << table;
  busy.store(false);
  writer.join();
  ASSERT_TRUE(scene.caught_up());
  EXPECT_EQ(scene.differences({"a", "b", "c", "d"}, 0ms), "");
  EXPECT_EQ(published(scene), "a,b,c,d");
}

TEST(AddTable, AndATransactionThatIsOlderThanTheAdditionIsNotLost) {
  Scene scene(shared_world());
  scene.create_table("orders", 100);
  scene.create_table("late", 100);
  scene.declare({"public.orders"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  auto open = scene.postgres.session(scene.database);
  open.exec(
      "BEGIN; INSERT INTO late VALUES (1000, 'before the addition', 0); UPDATE late SET v = 'old change' "
      "WHERE id = 1");
  set_tables(scene, {"public.orders", "public.late"});
  ASSERT_TRUE(test::eventually([&] { return !scene.of_table("late", "state").empty(); }));
  // The others are not held up by it.
  scene.exec("UPDATE orders SET v = 'meanwhile'");
  EXPECT_EQ(scene.differences({"orders"}), "");
  open.exec("UPDATE late SET v = 'while it is added' WHERE id = 2; DELETE FROM late WHERE id = 3; COMMIT");
  ASSERT_TRUE(scene.table_reaches("late", "Streaming"));
  EXPECT_EQ(scene.differences({"orders", "late"}), "");
  // Servers before May 2025 take a table for unpublished once they have decoded such a transaction.
  scene.exec("INSERT INTO late VALUES (2000, 'after', 0); UPDATE late SET v = 'after' WHERE id IN (2, 1000)");
  EXPECT_EQ(scene.differences({"orders", "late"}), "");
}

TEST(AddTable, ToALogUnderATransactionHasWhatComesLater) {
  Scene scene(shared_world());
  scene.create_table("orders", 100);
  scene.create_table("log", 100);
  scene.exec("ALTER TABLE log REPLICA IDENTITY FULL");
  scene.declare({"public.orders"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  auto open = scene.postgres.session(scene.database);
  open.exec("BEGIN; INSERT INTO log VALUES (1000, 'before the addition', 0)");
  set_tables(scene, {"public.orders", "{source: public.log, engine: MergeTree}"});
  ASSERT_TRUE(scene.warned_of("WaitingForTransactions"));
  open.exec("INSERT INTO log VALUES (1001, 'while it is added', 0); COMMIT");
  ASSERT_TRUE(scene.table_reaches("log", "Streaming"));
  scene.exec("INSERT INTO log VALUES (1002, 'after', 0)");
  ASSERT_TRUE(scene.caught_up());
  EXPECT_EQ(scene.target_value("SELECT count(), countIf(id >= 1000) FROM log"), "103\t3");
}

TEST(AddTable, IsNotAddedWhereTheServerMightNeverSendItsChanges) {
  if (!test::is_before_may_2025(*shared_world().postgres))
    GTEST_SKIP() << "needs a PostgreSQL that does not send them";
  Scene scene(shared_world());
  scene.create_table("orders", 100);
  scene.create_table("late", 100);
  const auto role = "reader_of_" + scene.database;
  scene.exec(
      fmt::format("CREATE ROLE {0} LOGIN REPLICATION PASSWORD 'p'; GRANT SELECT ON orders, late TO {0};"
                  "CREATE PUBLICATION theirs FOR TABLE orders WITH (publish_via_partition_root = true)",
                  role));
  scene.manifest.user = role;
  scene.manifest.password = "p";
  scene.manifest.source_more = ", publication: theirs";
  scene.declare({"public.orders"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  // What was published all along is loaded anew.
  set_tables(scene, {"{source: public.orders, resyncGeneration: 1}"});
  ASSERT_TRUE(test::eventually([&] { return scene.of_table("orders", "observedResyncGeneration") == "1"; }));
  ASSERT_TRUE(scene.table_reaches("orders", "Streaming"));
  scene.exec("ALTER PUBLICATION theirs ADD TABLE late");
  set_tables(scene, {"{source: public.orders, resyncGeneration: 1}", "public.late"});
  ASSERT_TRUE(test::eventually([&] { return scene.dev.reason(scene.pipe, "Ready") == "TablesFailed"; }));
  EXPECT_NE(scene.field(".status.message").find("may never send"), std::string::npos)
      << scene.field(".status.message");
  scene.exec("UPDATE orders SET v = 'streamed'");
  EXPECT_EQ(scene.differences({"orders"}), "");
  // What it offers as a cure.
  scene.resync(1);
  ASSERT_TRUE(scene.dev.wait_for_field(scene.pipe, ".status.observedResyncGeneration", "1", 60s));
  EXPECT_TRUE(test::eventually([&] { return conditions_of(scene) == "Ready=True"; }));
  EXPECT_EQ(scene.differences({"orders", "late"}), "");
}

TEST(AddTable, ThatCannotBeAddedIsNamedAndTheOtherOneComes) {
  Scene scene(shared_world());
  scene.create_table("orders", 100);
  scene.create_table("good", 100);
  scene.declare({"public.orders"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  set_tables(scene, {"public.orders", "public.missing", "public.good"});
  ASSERT_TRUE(scene.table_reaches("good", "Streaming"));
  ASSERT_TRUE(test::eventually([&] { return scene.dev.reason(scene.pipe, "Ready") == "TablesFailed"; }));
  EXPECT_EQ(scene.dev.state(scene.pipe), "Running");
  EXPECT_EQ(conditions_of(scene), "Ready=False Stalled=True");
  EXPECT_EQ(scene.dev.reason(scene.pipe, "Stalled"), "TablesFailed");
  EXPECT_NE(scene.field(".status.message").find("public.missing"), std::string::npos);
  EXPECT_EQ(scene.field(".status.message").find("public.good"), std::string::npos)
      << scene.field(".status.message");
  scene.exec("UPDATE orders SET v = 'streamed'; UPDATE good SET v = 'streamed'");
  EXPECT_EQ(scene.differences({"orders", "good"}), "");
  EXPECT_EQ(published(scene), "good,orders");
  // Cured in the source, it comes without anybody's help.
  scene.create_table("missing", 200);
  ASSERT_TRUE(scene.table_reaches("missing", "Streaming"));
  EXPECT_TRUE(test::eventually([&] { return conditions_of(scene) == "Ready=True"; }));
  EXPECT_EQ(scene.differences({"orders", "good", "missing"}), "");
}

TEST(AddTable, WhoseTargetIsATableOfTheUsersThatDoesNotFitLeavesThatAlone) {
  Scene scene(shared_world());
  scene.create_table("orders", 100);
  scene.create_table("taken", 100);
  scene.declare({"public.orders"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  scene.engine.query("CREATE TABLE " + scene.database + ".taken (x Int32) ENGINE = MergeTree ORDER BY x");
  set_tables(scene, {"public.orders", "public.taken"});
  ASSERT_TRUE(test::eventually([&] { return scene.dev.reason(scene.pipe, "Stalled") == "TablesFailed"; }));
  EXPECT_EQ(published(scene), "orders");
  // Out of the spec again: all is well again.
  set_tables(scene, {"public.orders"});
  EXPECT_TRUE(test::eventually([&] { return conditions_of(scene) == "Ready=True"; }));
  EXPECT_EQ(scene.target_tables(), "orders,taken");
  EXPECT_EQ(scene.target_value("SELECT count() FROM taken"), "0");
}

TEST(AddTable, ToAPausedPipeComesWhenItGoesOn) {
  Scene scene(shared_world());
  scene.create_table("orders", 100);
  scene.create_table("late", 100);
  scene.declare({"public.orders"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  scene.manifest.spec_more = "  paused: true\n";
  set_tables(scene, {"public.orders"});
  ASSERT_TRUE(scene.reaches("Paused"));
  set_tables(scene, {"public.orders", "public.late"});
  ASSERT_TRUE(scene.dev.wait_for_field(scene.pipe, ".status.observedGeneration", "3"));
  EXPECT_FALSE(scene.target_exists("late"));
  EXPECT_EQ(published(scene), "orders");
  scene.exec("UPDATE late SET v = 'while paused'; UPDATE orders SET v = 'while paused'");
  scene.pause(false);
  ASSERT_TRUE(scene.table_reaches("late", "Streaming"));
  EXPECT_EQ(scene.differences({"orders", "late"}), "");
}

TEST(AddTable, PausedInMidLoadGoesOnWhereItWas) {
  Scene scene(shared_world());
  scene.create_table("orders", 100);
  scene.create_table("late", 20000);
  scene.declare({"public.orders"});
  scene.manifest.spec_more =
      "  snapshot: {rowsPerPartition: 1000, workersPerTable: 1}\n  sync: {batchRows: 500}\n";
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  set_tables(scene, {"public.orders", "public.late"});
  ASSERT_NO_FATAL_FAILURE(scene.slow_down("late"));
  ASSERT_TRUE(test::eventually([&] { return scene.number(".status.tables[1].rowsLoaded") > 0; }, 30s));
  scene.pause(true);
  ASSERT_TRUE(scene.reaches("Paused"));
  scene.speed_up();
  const auto loaded = scene.number(".status.tables[1].rowsLoaded");
  ASSERT_LT(loaded, 20000);
  ASSERT_TRUE(scene.idle());
  scene.exec("UPDATE late SET v = 'meanwhile' WHERE id % 7 = 0; SELECT pg_stat_reset()");
  scene.pause(false);
  ASSERT_TRUE(scene.table_reaches("late", "Streaming"));
  EXPECT_EQ(scene.differences({"orders", "late"}), "");
}

TEST(AddTable, TogetherWithAFullResync) {
  Scene scene(shared_world());
  scene.create_table("orders", 1000);
  scene.create_table("late", 1000);
  scene.create_table("gone", 10);
  scene.declare({"public.orders", "public.gone"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  Reader reader(scene.engine, scene.database, "SELECT count() FROM orders FINAL");
  scene.manifest.spec_more = "  resyncGeneration: 1\n";
  set_tables(scene, {"public.late", "public.orders"});
  ASSERT_TRUE(scene.dev.wait_for_field(scene.pipe, ".status.observedResyncGeneration", "1", 60s));
  ASSERT_TRUE(scene.table_reaches("late", "Streaming"));
  ASSERT_TRUE(scene.reaches("Running"));
  EXPECT_EQ(reader.answers(), States{"1000"});
  scene.exec("UPDATE late SET v = 'x'; UPDATE orders SET v = 'x'");
  EXPECT_EQ(scene.differences({"orders", "late"}), "");
  EXPECT_EQ(published(scene), "late,orders");
  EXPECT_EQ(scene.target_tables(), "gone,late,orders");
  EXPECT_EQ(scene.leftovers(1), "");
}

TEST(AddTable, ToACompletedSnapshotIsLoadedToo) {
  Scene scene(shared_world());
  scene.create_table("orders", 1000);
  scene.create_table("late", 500);
  scene.declare({"public.orders"});
  scene.manifest.spec_more = "  mode: SnapshotOnly\n";
  scene.apply();
  ASSERT_TRUE(scene.reaches("Completed"));
  const auto watch = scene.dev.watch(scene.pipe);
  set_tables(scene, {"public.orders", "public.late"});
  ASSERT_TRUE(scene.table_reaches("late", "Completed"));
  EXPECT_EQ(scene.differences({"orders", "late"}), "");
  EXPECT_TRUE(watch.saw({"Completed", "Snapshot", "Completed"}, 10s))
      << testing::PrintToString(watch.states());
  EXPECT_EQ(conditions_of(scene), "Ready=True");
  EXPECT_EQ(scene.field(".status.tablesReady"), "2/2");
  EXPECT_EQ(scene.slots() + scene.publications(), 0);
  set_tables(scene, {"public.late"});
  EXPECT_TRUE(test::eventually([&] { return scene.field(".status.tablesReady") == "1/1"; }));
  EXPECT_TRUE(scene.reaches("Completed"));
}

TEST(AddTable, ToACdcOnlyPipeStreamsItsChangesFromThenOn) {
  Scene scene(shared_world());
  scene.create_table("orders", 100);
  scene.create_table("late", 100);
  scene.declare({"public.orders"});
  scene.manifest.spec_more = "  mode: CDCOnly\n";
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  scene.exec("UPDATE orders SET v = 'streamed' WHERE id = 1; UPDATE late SET v = 'too early' WHERE id = 1");
  set_tables(scene, {"public.orders", "public.late"});
  ASSERT_TRUE(scene.table_reaches("late", "Streaming"));
  scene.exec("UPDATE late SET v = 'streamed' WHERE id = 2; UPDATE orders SET v = 'streamed' WHERE id = 2");
  ASSERT_TRUE(scene.caught_up());
  EXPECT_EQ(scene.target_value("SELECT id, v FROM late FINAL ORDER BY id"), "2\tstreamed");
  EXPECT_EQ(scene.target_value("SELECT id, v FROM orders FINAL ORDER BY id"), "1\tstreamed\n2\tstreamed");
  EXPECT_EQ(scene.dev.state(scene.pipe), "Running");
  // Put back, it goes on in the target that is there: nothing is loaded that could fill a new one.
  set_tables(scene, {"public.orders"});
  ASSERT_TRUE(test::eventually([&] { return scene.field(".status.tablesReady") == "1/1"; }));
  scene.exec("UPDATE late SET v = 'in between' WHERE id = 3");
  set_tables(scene, {"public.orders", "public.late"});
  ASSERT_TRUE(scene.table_reaches("late", "Streaming"));
  scene.exec("UPDATE late SET v = 'again' WHERE id = 4");
  ASSERT_TRUE(scene.caught_up());
  EXPECT_EQ(scene.target_value("SELECT id, v FROM late FINAL ORDER BY id"), "2\tstreamed\n4\tagain");
}

TEST(AddTable, ToALogOfChangesHasEveryChangeExactlyOnce) {
  Scene scene(shared_world());
  scene.create_table("orders", 100);
  scene.create_table("log", 5000);
  scene.exec("ALTER TABLE log REPLICA IDENTITY FULL");
  scene.declare({"public.orders"});
  scene.manifest.spec_more = "  sync: {interval: 20ms, maxInsertsPerSecond: 1000}\n";
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  // Each change raises n by one: at the end a row that was changed k times has, from the value that was
  // loaded on, every value once.
  scene.exec("UPDATE log SET n = 0");
  std::atomic<bool> busy{true};
  std::thread writer([&] {
    auto session = scene.postgres.session(scene.database);
    auto slow = scene.postgres.session(scene.database);
    for (int at = 0; busy.load(); ++at) {
      if (at % 20 == 0) slow.exec("BEGIN; UPDATE log SET n = n + 1 WHERE id BETWEEN 4001 AND 4010");
      session.exec(
          fmt::format("UPDATE log SET n = n + 1 WHERE id BETWEEN {0} AND {0} + 9", 1 + at % 300 * 10));
      if (at % 20 == 15) slow.exec("COMMIT");  // it commits later than others that began after it
      std::this_thread::sleep_for(3ms);
    }
  });
  set_tables(scene, {"public.orders", "{source: public.log, engine: MergeTree}"});
  EXPECT_TRUE(scene.table_reaches("log", "Streaming"));
  std::this_thread::sleep_for(500ms);  // changes after the addition
  busy.store(false);
  writer.join();
  ASSERT_TRUE(scene.caught_up());
  EXPECT_EQ(scene.target_value("SELECT uniqExact(id) FROM log"), "5000");
  EXPECT_EQ(scene.target_value("SELECT id, n, count() FROM log GROUP BY id, n HAVING count() > 1 LIMIT 5"),
            "");
  EXPECT_EQ(
      scene.target_value(
          "SELECT id, min(n), max(n), count() FROM log GROUP BY id HAVING count() != max(n) - min(n) + 1 "
          "LIMIT 5"),
      "");
  EXPECT_EQ(scene.target_value("SELECT sum(m) FROM (SELECT max(n) AS m FROM log GROUP BY id)"),
            scene.value("SELECT sum(n) FROM log"));
}

TEST(AddTable, ToThePublicationAloneIsToldOnceAndPassedOver) {
  Scene scene(shared_world());
  scene.create_table("orders", 100);
  scene.create_table("audit", 100);
  scene.declare({"public.orders"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  scene.exec("ALTER PUBLICATION \"" + scene.field(".status.replication.publication") + "\" ADD TABLE audit");
  const auto told = [&] {
    const auto warnings = scene.dev.events(scene.pipe, "Warning");
    return std::count(warnings.begin(), warnings.end(), "PublicationHasOthers");
  };
  ASSERT_TRUE(test::eventually([&] { return told() == 1; }, 40s));
  EXPECT_NE(scene.dev.describe(scene.pipe).find("table public.audit is in publication"), std::string::npos);
  scene.exec("UPDATE audit SET v = 'passed over'; UPDATE orders SET v = 'streamed'");
  EXPECT_TRUE(scene.caught_up());
  EXPECT_EQ(scene.differences({"orders"}), "");
  EXPECT_EQ(scene.field(R"(.status.conditions[?(@.type=="Ready")].status)"), "True");
}

}  // namespace
}  // namespace penstock
