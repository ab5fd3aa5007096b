// The destination's disk is full: nothing is lost and nobody asks for help but the disk.

#include <fmt/format.h>

#include "core/lsn.hpp"
#include "tests/e2e/lifecycle/lifecycle_test.hpp"

namespace penstock {
namespace {

constexpr std::size_t kDiskBytes = 128u << 20;

/// Waits for room, and says so with the cure.
void expect_to_wait_for_room(Scene& scene, const std::string& state) {
  ASSERT_TRUE(
      test::eventually([&] { return scene.dev.reason(scene.pipe, "Ready") == "ProgressingWithRetry"; }, 20s));
  EXPECT_EQ(scene.dev.state(scene.pipe), state);
  EXPECT_EQ(conditions_of(scene), "Ready=False Reconciling=True");
  EXPECT_NE(scene.field(".status.message").find("Free or add disk space"), std::string::npos)
      << scene.field(".status.message");
  EXPECT_TRUE(scene.warned_of(States{"DestinationDiskFull"}));
}

void expect_exact(Scene& scene) {
  EXPECT_TRUE(test::eventually([&] { return conditions_of(scene) == "Ready=True"; }, 60s));
  EXPECT_EQ(scene.differences({"orders"}), "");
  ASSERT_TRUE(scene.caught_up());
  // Of a log of changes every row is there once.
  EXPECT_EQ(scene.target_value("SELECT count(), uniqExact(id), sum(id) FROM log"),
            scene.value("SELECT concat_ws(E'\\t', count(*), count(*), sum(id)) FROM log"));
}

TEST(DiskFull, IsWaitedOutByStreamAndLoadWithNoRowLostOrDoubled) {
  if (const auto why = test::why_no_disk(); !why.empty()) GTEST_SKIP() << why;
  test::EngineServer engine({.disk_bytes = kDiskBytes});
  World world{shared_world().postgres, &engine, shared_world().dev};
  Scene stream(world), load(world);
  for (auto* scene : {&stream, &load}) {
    scene->create_table("log", 100);
    scene->exec("ALTER TABLE log REPLICA IDENTITY FULL");
    scene->declare({"public.orders", "{source: public.log, engine: MergeTree}"});
  }
  stream.create_table("orders", 1000);
  load.create_table("orders", 20000);
  stream.apply();
  ASSERT_TRUE(stream.reaches("Running"));
  ASSERT_NO_FATAL_FAILURE(load.begin_a_slow_load("orders"));

  engine.fill_disk();
  auto session = stream.postgres.session(stream.database);
  session.exec(
      "UPDATE orders SET v = 'on the full disk' WHERE id % 2 = 0; DELETE FROM orders WHERE id % 10 = 1;"
      "INSERT INTO log SELECT i, 'on the full disk', 0 FROM generate_series(101, 600) i");
  const auto written = Lsn::parse(session.value("SELECT pg_current_wal_insert_lsn()"));
  expect_to_wait_for_room(stream, "Running");
  expect_to_wait_for_room(load, "Snapshot");
  for (auto* scene : {&stream, &load})
    scene->exec("INSERT INTO log SELECT i, 'while it is full', 0 FROM generate_series(1001, 1100) i");
  const auto confirmed = Lsn::parse(stream.value(
      "SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE database = current_database()"));
  EXPECT_LT(*confirmed, *written) << "the source may forget what was never written";

  engine.make_room();
  load.speed_up();
  ASSERT_TRUE(load.reaches("Running"));
  expect_exact(stream);
  expect_exact(load);
  EXPECT_EQ(stream.of_table("orders", "rowsLoaded"), "1000");
  EXPECT_EQ(load.of_table("orders", "rowsLoaded"), "20000");
}

}  // namespace
}  // namespace penstock
