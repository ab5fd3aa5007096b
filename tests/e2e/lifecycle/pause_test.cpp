// A pause in the middle of the initial load.

#include "tests/e2e/lifecycle/lifecycle_test.hpp"

namespace penstock {
namespace {

constexpr std::int64_t kRows = 40000;

class PauseInLoad : public testing::Test {
 protected:
  PauseInLoad() : scene(shared_world()) {}

  /// Applies the pipe and pauses it as soon as the status tells of loaded rows.
  void pause_in_mid_load() {
    scene.create_table("orders", kRows);
    scene.declare({"public.orders"});
    ASSERT_NO_FATAL_FAILURE(scene.begin_a_slow_load("orders"));
    scene.pause(true);
    ASSERT_TRUE(scene.reaches("Paused"));
    loaded = scene.number(".status.tables[0].rowsLoaded");
    ASSERT_GT(loaded, 0);
    ASSERT_LT(loaded, kRows) << "the load was over before it could be paused";
    scene.speed_up();
  }

  Scene scene;
  std::int64_t loaded = 0;
};

TEST_F(PauseInLoad, FinishesThePartitionsInFlightAndGoesOnWithThoseThatAreLeft) {
  ASSERT_NO_FATAL_FAILURE(pause_in_mid_load());
  EXPECT_EQ(scene.target_count("orders"), loaded) << "a partition was left half loaded, or is not counted";
  EXPECT_EQ(scene.field(".status.tables[0].state"), "Loading");
  EXPECT_TRUE(scene.idle());
  scene.exec("SELECT pg_stat_reset()");

  scene.pause(false);
  std::int64_t seen = loaded;
  ASSERT_TRUE(test::eventually(
      [&] {
        const auto now = scene.number(".status.tables[0].rowsLoaded");
        EXPECT_GE(now, seen) << "the progress went back";
        seen = now;
        return scene.dev.state(scene.pipe) == "Running";
      },
      60s));
  EXPECT_EQ(scene.number(".status.tables[0].rowsLoaded"), kRows);
  EXPECT_EQ(scene.rows_read("orders"), kRows - loaded) << "partitions that were in have been read again";
  EXPECT_EQ(scene.differences({"orders"}), "");
}

TEST_F(PauseInLoad, EndsEqualWhenTheSourceChangesMeanwhile) {
  ASSERT_NO_FATAL_FAILURE(pause_in_mid_load());
  scene.exec(
      "UPDATE orders SET v = 'changed' WHERE id % 7 = 0; DELETE FROM orders WHERE id % 11 = 0;"
      "UPDATE orders SET id = -id WHERE id % 13 = 0; INSERT INTO orders SELECT i, 'new', 0 FROM "
      "generate_series(100001, 101000) i");
  scene.pause(false);
  ASSERT_TRUE(scene.reaches("Running", 60s));
  EXPECT_EQ(scene.differences({"orders"}), "");
  EXPECT_TRUE(scene.dev.wait_for_field(scene.pipe, ".status.tables[0].state", "Streaming"));
}

TEST_F(PauseInLoad, TellsItsStatesOnTheWay) {
  const auto watch = scene.dev.watch(scene.pipe);
  ASSERT_NO_FATAL_FAILURE(pause_in_mid_load());
  EXPECT_EQ(conditions_of(scene), "Ready=True Paused=True");
  scene.pause(false);
  ASSERT_TRUE(scene.reaches("Running", 60s));
  const States wanted{"Provisioning", "Setup", "Snapshot", "Pausing", "Paused", "Snapshot", "Running"};
  EXPECT_TRUE(watch.saw(wanted, 5s)) << testing::PrintToString(watch.states());
}

TEST(PauseInALoadOfALog, IntoATableOfTheUsersAsksForItToBeEmptied) {
  Scene scene(shared_world());
  scene.create_table("log", kRows);
  scene.exec("ALTER TABLE log REPLICA IDENTITY FULL");
  scene.engine.query("CREATE DATABASE " + scene.database);
  scene.engine.query("CREATE TABLE " + scene.database +
                     ".log (id Int64, v Nullable(String), n Nullable(Int32), _penstock_version UInt128, "
                     "_penstock_deleted UInt8, _penstock_synced_at DateTime64(3) DEFAULT now64(3)) "
                     "ENGINE = MergeTree ORDER BY id SETTINGS "
                     "non_replicated_deduplication_window = 100");
  scene.declare({"{source: public.log, engine: MergeTree}"});
  ASSERT_NO_FATAL_FAILURE(scene.begin_a_slow_load("log"));
  scene.pause(true);
  ASSERT_TRUE(scene.reaches("Paused"));
  scene.speed_up();
  scene.dev.patch(scene.pipe, R"({"spec":{"paused":false,"sync":{"batchRows":100000}}})");
  // One snapshot for all rows cannot be had any more, and half of them are in.
  ASSERT_TRUE(test::eventually([&] { return scene.dev.reason(scene.pipe, "Stalled") == "TargetNotEmpty"; }));
  const auto message = scene.field(".status.message");
  EXPECT_NE(message.find("TRUNCATE TABLE"), std::string::npos) << message;
  EXPECT_TRUE(scene.warned_of("TargetNotEmpty"));
  EXPECT_GT(scene.target_count("log"), 0) << "what the user owns was emptied";
  scene.engine.query("TRUNCATE TABLE " + scene.database + ".log SYNC");
  ASSERT_TRUE(scene.reaches("Running", 60s));
  EXPECT_EQ(scene.target_count("log"), kRows);
  EXPECT_EQ(conditions_of(scene), "Ready=True");
}

}  // namespace
}  // namespace penstock
