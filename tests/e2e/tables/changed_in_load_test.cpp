// A table that is changed while it is loaded is loaded anew by itself, and its neighbours go on.

#include "tests/e2e/tables/tables_test.hpp"

namespace penstock {
namespace {

/// A pipe of `orders`, in the middle of its load, and of `nb`.
void be_in_the_load(Scene& scene) {
  scene.create_table("orders", 20000);
  scene.create_table("nb", 1000);
  scene.exec("CREATE TABLE other (LIKE orders INCLUDING ALL); INSERT INTO other VALUES (90001, 'other', 1)");
  scene.declare({"public.orders", "public.nb"});
  ASSERT_NO_FATAL_FAILURE(scene.begin_a_slow_load("orders"));
}

void expect_equal(Scene& scene) {
  scene.speed_up();
  ASSERT_TRUE(scene.table_reaches("orders", "Streaming", 60s));
  scene.exec("UPDATE orders SET id = id + 100000 WHERE id % 10 = 0; UPDATE nb SET n = -1");
  EXPECT_EQ(scene.differences({"orders", "nb"}), "");
  EXPECT_TRUE(test::eventually([&] { return conditions_of(scene) == "Ready=True"; }, 30s));
  EXPECT_EQ(scene.leftovers(0), "");
}

/// `orders` streams into the table of its reload, whose load waits for the transaction that is `open`.
void begin_a_reload_that_waits(Scene& scene, test::PostgresSession& open) {
  scene.create_table("orders", 1000);
  scene.create_table("nb", 10);
  scene.declare({"public.orders", "public.nb"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  open.exec("BEGIN; INSERT INTO nb VALUES (11, 'open', 1)");
  set_tables(scene, {"{source: public.orders, resyncGeneration: 1}", "public.nb"});
  ASSERT_TRUE(test::eventually([&] { return scene.target_exists("orders_resync"); }));
  ASSERT_TRUE(test::eventually([&] { return scene.of_table("orders", "making") == "false"; }));
}

TEST(ChangedInLoad, ATableWhoseNameAnotherTook) {
  Scene scene(shared_world());
  ASSERT_NO_FATAL_FAILURE(be_in_the_load(scene));
  scene.exec("UPDATE orders SET v = 'before' WHERE id < 100");
  scene.exec("BEGIN; ALTER TABLE orders RENAME TO former; ALTER TABLE other RENAME TO orders; COMMIT");
  scene.exec("INSERT INTO orders VALUES (90002, 'after', 2)");
  ASSERT_NO_FATAL_FAILURE(expect_equal(scene));
  EXPECT_EQ(scene.target_value("SELECT count() FROM orders FINAL"), "2");
}

TEST(ChangedInLoad, AColumnThatWasReplacedAndRowsThatWereRewritten) {
  Scene scene(shared_world());
  ASSERT_NO_FATAL_FAILURE(be_in_the_load(scene));
  // The stream still has these, of columns that are no more.
  scene.exec("UPDATE orders SET n = 5, v = 'before' WHERE id < 100");
  scene.exec("ALTER TABLE orders DROP n, ADD n int, ALTER v TYPE text USING v || '!'");
  ASSERT_NO_FATAL_FAILURE(expect_equal(scene));
}

TEST(ChangedInLoad, RowsThatWereStreamedBeforeItBeganAndWereRewrittenThen) {
  Scene scene(shared_world());
  auto open = scene.postgres.session(scene.database);
  ASSERT_NO_FATAL_FAILURE(begin_a_reload_that_waits(scene, open));
  scene.exec("UPDATE orders SET n = -1 WHERE id <= 50");
  ASSERT_TRUE(test::eventually([&] { return scene.target_count("orders_resync") == 50; }, 30s));
  scene.pause(true);
  ASSERT_TRUE(scene.reaches("Paused"));
  scene.exec("ALTER TABLE orders ADD r text DEFAULT random()::text");
  open.exec("ROLLBACK");
  scene.pause(false);
  ASSERT_TRUE(scene.table_reaches("orders", "Streaming"));
  EXPECT_EQ(scene.differences({"orders", "nb"}), "");
  EXPECT_TRUE(test::eventually([&] { return conditions_of(scene) == "Ready=True"; }, 30s));
  EXPECT_EQ(scene.leftovers(0), "");
}

TEST(ChangedInLoad, WhatPassedByInTheStreamBeforeItBeganIsNamedAfterAPauseToo) {
  Scene scene(shared_world());
  auto open = scene.postgres.session(scene.database);
  ASSERT_NO_FATAL_FAILURE(begin_a_reload_that_waits(scene, open));
  scene.exec(
      "BEGIN; ALTER TABLE orders ADD passing int; UPDATE orders SET passing = id WHERE id <= 50;"
      "ALTER TABLE orders RENAME passing TO stays; COMMIT");
  ASSERT_TRUE(test::eventually([&] { return scene.target_count("orders_resync") == 50; }, 30s));
  scene.pause(true);
  ASSERT_TRUE(scene.reaches("Paused"));
  open.exec("ROLLBACK");
  scene.pause(false);
  ASSERT_TRUE(scene.table_reaches("orders", "Streaming"));
  EXPECT_TRUE(
      test::eventually([&] { return scene.dev.reason(scene.pipe, "Ready") == "SourceDiffers"; }, 30s));
  EXPECT_NE(scene.field(".status.message").find("public.orders"), std::string::npos);
  set_tables(scene, {"{source: public.orders, resyncGeneration: 2}", "public.nb"});
  EXPECT_TRUE(test::eventually([&] { return conditions_of(scene) == "Ready=True"; }, 60s));
  EXPECT_EQ(scene.differences({"orders", "nb"}), "");
}

// Up to PostgreSQL 16 a slot that is restored may stand at an earlier place than it was confirmed to.
TEST(ChangedInLoad, WhatWasStreamedBeforeAReloadIsNotTakenUpAgainAfterARestart) {
  Scene scene(shared_world());
  scene.create_table("orders", 100);
  scene.declare({"public.orders"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  scene.exec("UPDATE orders SET n = 11 WHERE id <= 50");
  ASSERT_TRUE(scene.caught_up());
  scene.exec("ALTER TABLE orders ALTER n TYPE int USING n * 100");
  set_tables(scene, {"{source: public.orders, resyncGeneration: 1}"});
  ASSERT_TRUE(test::eventually([&] { return scene.of_table("orders", "observedResyncGeneration") == "1"; }));
  ASSERT_TRUE(scene.table_reaches("orders", "Streaming"));
  ASSERT_EQ(scene.differences({"orders"}), "");
  scene.postgres.restart();
  scene.exec("INSERT INTO orders VALUES (101, 'after', 1)");
  ASSERT_TRUE(test::eventually([&] { return scene.target_count("orders") == 101; }, 60s));
  EXPECT_EQ(scene.differences({"orders"}), "");
}

}  // namespace
}  // namespace penstock
