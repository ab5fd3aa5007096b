// What waiting cures: a source or a destination that goes away and comes back.

#include <algorithm>

#include "tests/e2e/lifecycle/lifecycle_test.hpp"

namespace penstock {
namespace {

/// Databases of this test's own, to be stopped and killed; the shared `penstock dev`.
class Outage : public testing::Test {
 protected:
  Outage() : world{&postgres, &engine, shared_world().dev}, scene(world) {}

  void run_a_stream() {
    scene.create_table("orders", 1000);
    scene.declare({"public.orders"});
    scene.apply();
    ASSERT_TRUE(scene.reaches("Running"));
    ASSERT_TRUE(scene.dev.wait_for_field(scene.pipe, ".status.tables[0].state", "Streaming"));
  }

  void begin_a_slow_load() {
    scene.create_table("orders", 40000);
    scene.declare({"public.orders"});
    scene.begin_a_slow_load("orders");
  }

  void expect_to_be_waiting(const std::string& state) {
    EXPECT_TRUE(test::eventually(
        [&] { return scene.dev.reason(scene.pipe, "Ready") == "ProgressingWithRetry"; }, 20s));
    EXPECT_EQ(conditions_of(scene), "Ready=False Reconciling=True");
    EXPECT_EQ(scene.dev.state(scene.pipe), state);
  }

  void expect_to_be_well() {
    EXPECT_TRUE(test::eventually([&] { return scene.dev.condition(scene.pipe, "Ready") == "True"; }, 45s));
    EXPECT_EQ(conditions_of(scene), "Ready=True");
    EXPECT_EQ(scene.differences({"orders"}), "");
  }

  test::PostgresServer postgres;
  test::EngineServer engine;
  World world;
  Scene scene;
};

TEST_F(Outage, OfTheSourceInAStreamIsWaitedOut) {
  ASSERT_NO_FATAL_FAILURE(run_a_stream());
  postgres.stop();
  expect_to_be_waiting("Running");
  // Once when the stream breaks off, and once more when nobody answers any more.
  EXPECT_TRUE(test::eventually([&] {
    const auto all = scene.dev.events(scene.pipe, "Warning");
    return std::find(all.begin(), all.end(), "SourceUnreachable") != all.end();
  }));
  postgres.start();
  scene.exec("UPDATE orders SET v = 'after the outage'");
  expect_to_be_well();
}

TEST_F(Outage, OfTheSourceInALoadIsWaitedOutAndKeepsTheProgress) {
  ASSERT_NO_FATAL_FAILURE(begin_a_slow_load());
  postgres.kill9();
  expect_to_be_waiting("Snapshot");
  const auto loaded = scene.number(".status.tables[0].rowsLoaded");
  EXPECT_GT(loaded, 0);
  scene.speed_up();
  postgres.start();
  scene.exec("UPDATE orders SET v = 'after the outage' WHERE id % 3 = 0");
  ASSERT_TRUE(test::eventually([&] { return scene.number(".status.tables[0].rowsLoaded") > loaded; }, 45s));
  ASSERT_TRUE(scene.reaches("Running", 60s));
  expect_to_be_well();
}

TEST_F(Outage, OfTheDestinationInAStreamIsWaitedOut) {
  ASSERT_NO_FATAL_FAILURE(run_a_stream());
  engine.kill9();
  scene.exec("UPDATE orders SET v = 'during the outage'");
  expect_to_be_waiting("Running");
  engine.start();
  expect_to_be_well();
}

TEST_F(Outage, OfTheDestinationInALoadIsWaitedOut) {
  ASSERT_NO_FATAL_FAILURE(begin_a_slow_load());
  engine.kill9();
  expect_to_be_waiting("Snapshot");
  engine.start();
  scene.speed_up();
  ASSERT_TRUE(scene.reaches("Running", 60s));
  expect_to_be_well();
}

TEST_F(Outage, OfTheDestinationDoesNotHoldUpAShutdownOfTheSource) {
  ASSERT_NO_FATAL_FAILURE(run_a_stream());
  engine.kill9();
  scene.exec("UPDATE orders SET v = 'during the outage'");
  expect_to_be_waiting("Running");
  const auto begun = std::chrono::steady_clock::now();
  postgres.stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 10s);
  expect_to_be_waiting("Running");
  postgres.start();
  scene.exec("UPDATE orders SET n = 7");
  expect_to_be_waiting("Running");
  engine.start();
  expect_to_be_well();
}

TEST_F(Outage, OfTheDestinationDoesNotHoldUpAPause) {
  ASSERT_NO_FATAL_FAILURE(run_a_stream());
  engine.kill9();
  scene.exec("UPDATE orders SET v = 'during the outage'");
  expect_to_be_waiting("Running");
  scene.pause(true);
  EXPECT_TRUE(scene.reaches("Paused", 10s));
  engine.start();
  scene.pause(false);
  ASSERT_TRUE(scene.reaches("Running"));
  expect_to_be_well();
}

TEST_F(Outage, IsLeftBehindByAChangeOfTheDestinationsAddress) {
  ASSERT_NO_FATAL_FAILURE(run_a_stream());
  engine.kill9();
  scene.exec("UPDATE orders SET v = 'during the outage'");
  expect_to_be_waiting("Running");
  test::EngineServer other;  // which knows nothing of the tables: that it says so shows who was asked
  scene.dev.patch(scene.pipe, R"({"spec":{"destination":{"clickhouse":{"url":")" + other.url() + R"("}}}})");
  EXPECT_TRUE(test::eventually(
      [&] { return scene.field(".status.message").find("is not there any more") != std::string::npos; }, 20s))
      << scene.field(".status.message");
}

TEST_F(Outage, OfBothAtOnceInAStreamIsWaitedOut) {
  ASSERT_NO_FATAL_FAILURE(run_a_stream());
  scene.exec("UPDATE orders SET v = 'before the outage'");
  engine.kill9();
  postgres.kill9();
  expect_to_be_waiting("Running");
  engine.start();
  postgres.start();
  scene.exec("DELETE FROM orders WHERE id % 2 = 0");
  expect_to_be_well();
}

}  // namespace
}  // namespace penstock
