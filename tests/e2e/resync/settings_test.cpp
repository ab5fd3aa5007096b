// What a resync takes up, carries over, leaves alone and is refused for.

#include <fmt/format.h>

#include <algorithm>

#include "tests/e2e/resync/resync_test.hpp"

namespace penstock {
namespace {

std::string target_columns(Scene& scene) {
  return scene.target_value(
      "SELECT arrayStringConcat(groupArray(concat(name, ' ', type)), ', ') FROM system.columns WHERE "
      "database "
      "= currentDatabase() AND table = 'orders' AND NOT startsWith(name, '_penstock')");
}

std::string sorting_key(Scene& scene) {
  return scene.target_value(
      "SELECT replaceRegexpAll(sorting_key, '[()]', '') FROM system.tables WHERE database = "
      "currentDatabase() AND name = 'orders'");
}

/// The message of a condition; empty where it is absent.
std::string told(Scene& scene, const std::string& condition) {
  return scene.field(".status.conditions[?(@.type==\"" + condition + "\")].message");
}

TEST(ResyncSettings, ThatOnlyANewTableCanCarryAreAskedForAndTakenUp) {
  Scene scene(shared_world());
  scene.create_table("orders", 2000);
  scene.exec("ALTER TABLE orders ALTER COLUMN n SET NOT NULL, REPLICA IDENTITY FULL");
  scene.declare({"public.orders"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  EXPECT_EQ(scene.dev.condition(scene.pipe, "ResyncRequired"), "");
  ASSERT_EQ(sorting_key(scene), "id");
  scene.declare(
      {"{source: public.orders, orderBy: ['n', id], excludedColumns: [v], columns: [{name: 'n', type: "
       "Int64}]}"});
  scene.apply();
  ASSERT_TRUE(test::eventually([&] { return scene.dev.condition(scene.pipe, "ResyncRequired") == "True"; }));
  EXPECT_EQ(told(scene, "ResyncRequired"),
            "Taken up by the next resync (raise spec.resyncGeneration): public.orders: excludedColumns, "
            "orderBy, columns");
  EXPECT_EQ(conditions_of(scene), "Ready=True");
  // As it was, it goes on.
  scene.exec("UPDATE orders SET v = 'still there' WHERE id = 5");
  EXPECT_EQ(scene.differences({"orders"}), "");
  EXPECT_EQ(sorting_key(scene), "id");

  scene.resync(1);
  ASSERT_TRUE(carried_out(scene, 1));
  ASSERT_TRUE(scene.reaches("Running"));
  EXPECT_EQ(scene.dev.condition(scene.pipe, "ResyncRequired"), "");
  EXPECT_EQ(sorting_key(scene), "n, id");
  EXPECT_EQ(target_columns(scene), "id Int64, n Int64");
  scene.exec("UPDATE orders SET n = -1 WHERE id <= 10; DELETE FROM orders WHERE id = 11");
  ASSERT_TRUE(scene.caught_up());
  EXPECT_EQ(scene.target_value("SELECT count(), sum(id), countIf(n = -1) FROM orders FINAL"),
            scene.value("SELECT concat_ws(E'\\t', count(*), sum(id), count(*) FILTER (WHERE n = -1)) FROM "
                        "orders"));
}

TEST(ResyncSettings, ChangedBackAskForNothingAnyMore) {
  Scene scene(shared_world());
  scene.create_table("orders", 10);
  scene.declare({"{source: public.orders, excludedColumns: [v]}"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  scene.declare({"{source: public.orders, excludedColumns: [v, 'n']}"});
  scene.apply();
  ASSERT_TRUE(test::eventually([&] { return scene.dev.condition(scene.pipe, "ResyncRequired") == "True"; }));
  scene.declare({"{source: public.orders, excludedColumns: [v]}"});
  scene.apply();
  EXPECT_TRUE(test::eventually([&] { return scene.dev.condition(scene.pipe, "ResyncRequired").empty(); }));
}

TEST(ResyncSettings, TakeUpTheSourcesPresentDefinition) {
  Scene scene(shared_world());
  scene.create_table("orders", 500);
  scene.declare({"public.orders"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  scene.exec("ALTER TABLE orders DROP COLUMN n, ALTER COLUMN v TYPE int USING length(v), ADD COLUMN t date");
  scene.resync(1);
  ASSERT_TRUE(carried_out(scene, 1));
  ASSERT_TRUE(scene.reaches("Running"));
  EXPECT_EQ(target_columns(scene), "id Int64, v Nullable(Int32), t Nullable(Date32)");
  scene.exec("UPDATE orders SET t = '2026-11-20'");
  EXPECT_EQ(scene.differences({"orders"}), "");
}

TEST(ResyncCarry, SoftDeletedRowsStaySoftDeletedAndReturnedOnesAreAlive) {
  Scene scene(shared_world());
  scene.create_table("orders", 100);
  scene.declare({"public.orders"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  scene.exec("DELETE FROM orders WHERE id <= 30");
  scene.exec("INSERT INTO orders SELECT i, 'back', 0 FROM generate_series(1, 10) i");
  ASSERT_TRUE(scene.caught_up());
  scene.pause(true);
  ASSERT_TRUE(scene.reaches("Paused"));
  // Of these the present target knows nothing: they come back, or go, with the load alone.
  scene.exec(
      "INSERT INTO orders SELECT i, 'back later', 0 FROM generate_series(11, 15) i; DELETE FROM orders "
      "WHERE id = 100");
  scene.pause(false);
  for (const int generation : {1, 2}) {  // a tombstone that was carried is carried again
    scene.resync(generation);
    ASSERT_TRUE(carried_out(scene, generation));
    ASSERT_TRUE(scene.reaches("Running"));
    EXPECT_EQ(scene.differences({"orders"}), "");
    EXPECT_EQ(scene.target_value("SELECT id FROM orders WHERE id BETWEEN 14 AND 17 AND _penstock_deleted = 1 "
                                 "ORDER BY id"),
              "16\n17");
    EXPECT_EQ(scene.target_value("SELECT count(), min(id), max(id), max(_penstock_version) FROM orders WHERE "
                                 "_penstock_deleted = 1 AND id <= 30"),
              "15\t16\t30\t0");
    EXPECT_EQ(scene.target_value("SELECT count() FROM orders FINAL WHERE id BETWEEN 16 AND 30"), "0");
    EXPECT_EQ(scene.target_value("SELECT groupUniqArray(v) FROM orders FINAL WHERE id <= 10"), "['back']");
  }
  // A carried tombstone is older than whatever comes.
  scene.exec("INSERT INTO orders VALUES (20, 'back at last', 0)");
  EXPECT_EQ(scene.differences({"orders"}), "");
}

TEST(ResyncObstacle, ATableOfTheUsersIsNeverTouchedAndNamed) {
  Scene scene(shared_world());
  scene.create_table("orders", 100);
  scene.declare({"public.orders"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  scene.engine.query("CREATE TABLE " + scene.database +
                     ".orders_resync (x Int32) ENGINE = MergeTree ORDER BY x");
  scene.engine.query("INSERT INTO " + scene.database + ".orders_resync VALUES (42)");
  const auto watch = scene.dev.watch(scene.pipe);
  const auto slot = scene.field(".status.replication.slot");
  scene.resync(1);
  ASSERT_TRUE(test::eventually([&] { return scene.dev.condition(scene.pipe, "ResyncBlocked") == "True"; }));
  EXPECT_EQ(scene.dev.reason(scene.pipe, "ResyncBlocked"), "ResyncTableExists");
  EXPECT_NE(told(scene, "ResyncBlocked").find("orders_resync"), std::string::npos);
  // As if nothing had been asked for.
  scene.exec("UPDATE orders SET v = 'meanwhile'");
  EXPECT_EQ(scene.differences({"orders"}), "");
  EXPECT_EQ(conditions_of(scene), "Ready=True");
  EXPECT_EQ(scene.field(".status.replication.slot"), slot);
  EXPECT_EQ(scene.field(".status.observedResyncGeneration"), "0");
  EXPECT_EQ(watch.states(), States{"Running"});
  EXPECT_TRUE(scene.warned_of(States{"ResyncBlocked"}));
  EXPECT_EQ(scene.target_value("SELECT x FROM orders_resync"), "42");

  // Out of the way, it is tried on the next change of the spec.
  scene.engine.query("RENAME TABLE " + scene.database + ".orders_resync TO " + scene.database + ".mine");
  scene.dev.patch(scene.pipe, R"({"spec":{"sync":{"interval":"100ms"}}})");
  ASSERT_TRUE(carried_out(scene, 1));
  ASSERT_TRUE(scene.reaches("Running"));
  EXPECT_EQ(scene.dev.condition(scene.pipe, "ResyncBlocked"), "");
  EXPECT_EQ(scene.target_value("SELECT x FROM mine"), "42");
  EXPECT_EQ(scene.leftovers(1), "");
}

TEST(ResyncObstacle, AMissingSourceTableBlocksItUntilItIsThereAndThePipeGoesOn) {
  Scene scene(shared_world());
  scene.create_table("orders", 100);
  scene.create_table("customers", 100);
  scene.declare({"public.orders", "public.customers"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  scene.exec("ALTER TABLE customers RENAME TO clients");
  scene.resync(1);
  ASSERT_TRUE(test::eventually([&] { return scene.dev.condition(scene.pipe, "ResyncBlocked") == "True"; }));
  EXPECT_NE(told(scene, "ResyncBlocked").find("public.customers"), std::string::npos);
  scene.exec("UPDATE orders SET v = 'meanwhile'");
  EXPECT_EQ(scene.differences({"orders"}), "");
  EXPECT_EQ(scene.target_tables(), "customers,orders");
  EXPECT_EQ(scene.field(".status.observedResyncGeneration"), "0");
  // Cured in the source, it is carried out with nothing more said.
  scene.exec("ALTER TABLE clients RENAME TO customers; UPDATE customers SET v = 'meanwhile'");
  ASSERT_TRUE(carried_out(scene, 1));
  EXPECT_EQ(scene.dev.condition(scene.pipe, "ResyncBlocked"), "");
  EXPECT_EQ(scene.field(".metadata.generation"), "2");
  EXPECT_EQ(scene.differences({"orders", "customers"}), "");
}

TEST(ResyncKeeps, ATargetThatAUserMadeUnderAnotherName) {
  Scene scene(shared_world());
  scene.create_table("orders", 100);
  scene.engine.query("CREATE DATABASE " + scene.database);
  scene.engine.query(
      "CREATE TABLE " + scene.database +
      ".orders (id Int64, v Nullable(String), n Nullable(Int32), mine String DEFAULT 'x', _penstock_version "
      "UInt128, _penstock_deleted UInt8, _penstock_synced_at DateTime64(3)) ENGINE = "
      "ReplacingMergeTree(_penstock_version, _penstock_deleted) ORDER BY id");
  scene.declare({"public.orders"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  Reader reader(scene.engine, scene.database, "SELECT count() FROM orders FINAL");
  scene.resync(1);
  ASSERT_TRUE(carried_out(scene, 1));
  ASSERT_TRUE(scene.reaches("Running"));
  EXPECT_EQ(reader.answers(), States{"100"});
  const auto tables = scene.target_tables();
  ASSERT_TRUE(tables.starts_with("orders,orders_before_")) << tables;
  EXPECT_EQ(scene.target_value("SELECT count(), any(mine) FROM " + tables.substr(7)), "100\tx");
  const auto told_of_it = [&] {
    const auto events = scene.dev.events(scene.pipe, "Normal");
    return std::count(events.begin(), events.end(), "TableKept");
  };
  EXPECT_TRUE(test::eventually([&] { return told_of_it() == 1; }));
  EXPECT_NE(scene.dev.describe(scene.pipe).find("is kept: orders as " + tables.substr(7)), std::string::npos);
  EXPECT_EQ(scene.differences({"orders"}), "");
  scene.resync(2);
  ASSERT_TRUE(carried_out(scene, 2));
  EXPECT_EQ(scene.target_tables(), tables);
  EXPECT_EQ(told_of_it(), 1) << "what is kept already is not told of again";
}

}  // namespace
}  // namespace penstock
