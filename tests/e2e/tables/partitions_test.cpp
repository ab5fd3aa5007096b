// Partitions that come and go at the source, of which the stream says nothing.

#include <fmt/format.h>

#include "tests/e2e/tables/tables_test.hpp"

namespace penstock {
namespace {

/// Table `name` in two partitions of 10,000 ids each, with a row for every `step`th of them.
void create_partitioned(Scene& scene, const std::string& name, int step) {
  scene.exec(
      fmt::format("CREATE TABLE {0} (id bigint PRIMARY KEY, v text, n int) PARTITION BY RANGE (id);"
                  "CREATE TABLE {0}_1 PARTITION OF {0} FOR VALUES FROM (0) TO (10000);"
                  "CREATE TABLE {0}_2 PARTITION OF {0} FOR VALUES FROM (10000) TO (20000);"
                  "INSERT INTO {0} SELECT i, 'old', 0 FROM generate_series(0, 19999, {1}) i; ANALYZE {0}",
                  name, step));
}

/// A third partition, which has so many rows before it becomes one.
void attach(Scene& scene, const std::string& name, int rows) {
  scene.exec(
      fmt::format("CREATE TABLE {0}_3 (LIKE {0} INCLUDING ALL);"
                  "INSERT INTO {0}_3 SELECT i, 'brought along', 0 FROM generate_series(20000, 19999 + {1}) i;"
                  "ALTER TABLE {0} ATTACH PARTITION {0}_3 FOR VALUES FROM (20000) TO (30000)",
                  name, rows));
}

std::string asked_for(Scene& scene) {
  return scene.field(R"(.status.conditions[?(@.type=="ResyncRequired")].message)");
}

bool asks_for(Scene& scene, const std::string& what) {
  return test::eventually([&] { return asked_for(scene).find(what) != std::string::npos; }, 40s);
}

void expect_cured_by_a_resync(Scene& scene, int generation, const std::vector<std::string>& tables) {
  ASSERT_TRUE(scene.dev.wait_for_field(scene.pipe, ".status.observedResyncGeneration",
                                       std::to_string(generation), 60s));
  ASSERT_TRUE(scene.reaches("Running"));
  EXPECT_EQ(asked_for(scene), "");
  EXPECT_EQ(scene.differences(tables), "");
}

/// A look is made each 20 s, and at once by a process that begins.
void look_at_once(test::DevServer& dev) {
  dev.kill9();
  dev.start();
}

TEST(Partitions, ThatJoinWithRowsOrLeaveAskForAResyncAndEmptyOnesDoNot) {
  test::DevServer dev;
  World world{shared_world().postgres, shared_world().engine, &dev};
  Scene scene(world), loading(world);
  for (const auto* table : {"moved", "kept"})
    create_partitioned(scene, table, 10);
  create_partitioned(loading, "orders", 2);
  scene.declare({"public.moved", "public.kept"});
  loading.declare({"public.orders"});
  scene.apply();
  loading.apply();
  ASSERT_TRUE(loading.reaches("Running"));
  loading.dev.patch(loading.pipe, R"({"spec":{"resyncGeneration":1,"sync":{"batchRows":100}}})");
  ASSERT_NO_FATAL_FAILURE(loading.slow_down("orders_resync"));
  ASSERT_TRUE(loading.table_reaches("orders", "Loading"));
  attach(loading, "orders", 10);
  ASSERT_EQ(loading.of_table("orders", "state"), "Loading");
  loading.speed_up();
  ASSERT_TRUE(scene.reaches("Running"));
  ASSERT_EQ(scene.differences({"moved", "kept"}), "");

  scene.exec("ALTER TABLE moved DETACH PARTITION moved_2");
  attach(scene, "moved", 10);
  attach(scene, "kept", 0);
  scene.exec(
      "CREATE TABLE kept_4 PARTITION OF kept FOR VALUES FROM (30000) TO (40000);"
      "INSERT INTO kept SELECT i, 'streamed', 0 FROM generate_series(29000, 31000) i");
  ASSERT_EQ(scene.differences({"kept"}), "");
  ASSERT_TRUE(loading.reaches("Running"));
  look_at_once(dev);
  EXPECT_TRUE(asks_for(scene,
                       "public.moved: public.moved_2 was detached, its rows are still in the target; "
                       "public.moved_3 was attached, rows of it are not in the target"));
  EXPECT_EQ(asked_for(scene).find("public.kept"), std::string::npos) << asked_for(scene);
  EXPECT_EQ(conditions_of(scene), "Ready=False Stalled=True");
  EXPECT_TRUE(asks_for(loading, "public.orders_3 was attached"));

  // What is known by now stays so.
  scene.exec("DROP TABLE kept_1");
  look_at_once(dev);
  EXPECT_TRUE(asks_for(scene, "public.kept: a partition was dropped"));
  for (const auto* part : {"public.moved_2 was", "public.moved_3 was"})
    EXPECT_NE(asked_for(scene).find(part), std::string::npos) << asked_for(scene);
  EXPECT_EQ(asked_for(scene).find("public.kept_"), std::string::npos) << asked_for(scene);

  scene.resync(1);
  loading.dev.patch(loading.pipe, R"({"spec":{"resyncGeneration":2,"sync":{"batchRows":100000}}})");
  expect_cured_by_a_resync(scene, 1, {"moved", "kept"});
  expect_cured_by_a_resync(loading, 2, {"orders"});
}

}  // namespace
}  // namespace penstock
