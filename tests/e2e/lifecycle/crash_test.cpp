// kill -9 of `penstock dev`, at any moment: what was promised holds.

#include <fmt/format.h>

#include <atomic>
#include <cstdlib>
#include <exception>
#include <random>
#include <thread>

#include "tests/e2e/lifecycle/lifecycle_test.hpp"
#include "tests/support/workload.hpp"
#include "tests/support/writers.hpp"

namespace penstock {
namespace {

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

class Crash : public testing::Test {
 protected:
  Crash() : world{shared_world().postgres, shared_world().engine, &dev}, scene(world) {}

  test::DevServer dev;
  World world;
  Scene scene;
};

/// PENSTOCK_KILLS and PENSTOCK_SEED: how many kills, and at which moments, of which statements.
TEST_F(Crash, RandomKillsInLoadAndStreamEndRowByRowEqual) {
  const auto kills = from_environment("PENSTOCK_KILLS", 12);
  const auto seed = from_environment("PENSTOCK_SEED", std::random_device{}());
  RecordProperty("seed", std::to_string(seed));
  SCOPED_TRACE(fmt::format("repeat with PENSTOCK_SEED={} PENSTOCK_KILLS={}", seed, kills));
  std::mt19937_64 random(seed);
  test::Workload workload(seed, random() % 2 == 0);
  auto session = scene.postgres.session(scene.database);
  workload.create(session, 2500);
  auto beside = workload.beside(seed + 1);
  test::Writers writers;
  for (auto* one : {&workload, &beside})
    writers.start(scene.postgres, scene.database, [one](auto& its) { one->step(its); });

  scene.declare({"public.items", "public.pairs", "public.whole"});
  scene.manifest.spec_more =
      "  sync: {interval: 20ms, maxInsertsPerSecond: 1000, batchRows: 100}\n"
      "  snapshot: {rowsPerPartition: 1000, workersPerTable: 1, parallelTables: 2}\n";
  scene.apply();
  std::string states;
  for (std::uint64_t at = 0; at < kills; ++at) {
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % (at % 4 == 3 ? 2500 : 600)));
    states += dev.state(scene.pipe) + " ";
    dev.kill9();
    dev.start();
  }
  RecordProperty("killed_in", states);
  EXPECT_TRUE(scene.reaches("Running", 60s)) << states;
  std::this_thread::sleep_for(std::chrono::milliseconds(random() % 500));
  writers.stop();
  ASSERT_TRUE(scene.caught_up(60s)) << states;
  EXPECT_EQ(scene.differences(test::Workload::tables(), 0ms), "") << states;
  EXPECT_EQ(scene.slots(), 1);
  EXPECT_EQ(scene.publications(), 1);
}

TEST_F(Crash, InMidLoadLoadsNoPartitionAgainThatTheStatusCounts) {
  constexpr std::int64_t kRows = 40000;
  scene.create_table("orders", kRows);
  scene.declare({"public.orders"});
  ASSERT_NO_FATAL_FAILURE(scene.begin_a_slow_load("orders"));
  dev.kill9();
  scene.speed_up();
  ASSERT_TRUE(scene.idle());
  scene.exec("SELECT pg_stat_reset()");
  // Nothing is read until it is known what was counted.
  auto lock = scene.postgres.session(scene.database);
  lock.exec("BEGIN; LOCK TABLE orders");
  dev.start();
  const auto loaded = scene.number(".status.tables[0].rowsLoaded");
  ASSERT_GT(loaded, 0);
  EXPECT_NE(scene.field(".status.tables[0].load.done"), "");
  lock.exec("COMMIT");
  ASSERT_TRUE(scene.reaches("Running", 60s));
  // To the row: all that was not counted is read, and nothing else.
  EXPECT_EQ(scene.rows_read("orders"), kRows - loaded);
  EXPECT_EQ(scene.number(".status.tables[0].rowsLoaded"), kRows);
  EXPECT_EQ(scene.differences({"orders"}), "");
}

/// By the target's partitioning: one INSERT makes a part in each partition, one after the other.
class CrashOfALog : public Crash, public testing::WithParamInterface<std::string> {};

TEST_P(CrashOfALog, GetsEveryChangeExactlyOnce) {
  scene.create_table("log", 500);
  scene.exec("ALTER TABLE log REPLICA IDENTITY FULL");
  scene.declare({"{source: public.log, engine: MergeTree" + GetParam() + "}"});
  scene.manifest.spec_more = "  sync: {interval: 20ms, maxInsertsPerSecond: 1000, batchRows: 300}\n";
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  std::atomic<bool> busy{true};
  std::atomic<std::int64_t> changes{0};
  std::thread beside([&] {
    auto session = scene.postgres.session(scene.database);
    for (int at = 0; busy.load(); ++at, ++changes)
      session.exec(fmt::format("UPDATE log SET v = '{}' WHERE id = {}", at, at % 7 + 1));
  });
  std::thread writer([&] {
    auto session = scene.postgres.session(scene.database);
    for (int at = 0; busy.load(); ++at) {
      const int rows = at % 10 == 0 ? 400 : 7;  // now and then more than a batch holds
      session.exec(fmt::format("UPDATE log SET n = {} WHERE id <= {}", at, rows));
      changes += rows;
      std::this_thread::sleep_for(3ms);
    }
  });
  std::mt19937 random(7);
  for (int kill = 0; kill < 5; ++kill) {
    std::this_thread::sleep_for(std::chrono::milliseconds(200 + random() % 600));
    dev.kill9();
    dev.start();
  }
  std::this_thread::sleep_for(500ms);
  busy.store(false);
  writer.join();
  beside.join();
  ASSERT_TRUE(scene.caught_up(60s));
  EXPECT_EQ(scene.target_count("log"), 500 + changes.load());
  EXPECT_EQ(
      scene.target_value(
          "SELECT count() FROM (SELECT id, _penstock_version FROM log GROUP BY ALL HAVING count() > 1)"),
      "0");
}

INSTANTIATE_TEST_SUITE_P(By, CrashOfALog, testing::Values("", ", partitionBy: 'id % 16'"),
                         [](const auto& partition) {
                           return partition.param.empty() ? "Nothing" : "Remainder";
                         });

TEST_F(Crash, AnAppendOnlyLoadBeginsAgainAndIsStillExact) {
  constexpr std::int64_t kRows = 40000;
  scene.create_table("log", kRows);
  scene.exec("ALTER TABLE log REPLICA IDENTITY FULL");
  scene.declare({"{source: public.log, engine: MergeTree}"});
  ASSERT_NO_FATAL_FAILURE(scene.begin_a_slow_load("log"));
  for (int kill = 0; kill < 2; ++kill) {
    std::this_thread::sleep_for(300ms);
    dev.kill9();
    if (kill == 1) scene.speed_up();
    scene.exec("UPDATE log SET n = n + 1 WHERE id <= 10");
    dev.start();
  }
  ASSERT_TRUE(scene.reaches("Running", 60s));
  scene.exec("UPDATE log SET n = n + 1 WHERE id <= 10");
  ASSERT_TRUE(scene.caught_up(60s));
  // The last load's snapshot, and every change after it: 40,000 rows, and between 10 and 30 changes of ten
  // rows.
  EXPECT_EQ(scene.target_value("SELECT uniqExact(id) FROM log"), std::to_string(kRows));
  EXPECT_EQ(scene.target_value("SELECT argMax(n, _penstock_version) FROM log WHERE id = 5"),
            scene.value("SELECT n FROM log WHERE id = 5"));
  EXPECT_EQ(scene.target_value("SELECT count() FROM log WHERE id > 10"), std::to_string(kRows - 10));
}

TEST_F(Crash, ALoadThatBeginsAgainWaitsForWhatTheFormerOneHasSent) {
  constexpr std::int64_t kRows = 20000;
  scene.create_table("log", kRows);
  scene.exec("ALTER TABLE log REPLICA IDENTITY FULL");
  scene.declare({"{source: public.log, engine: MergeTree}"});
  ASSERT_NO_FATAL_FAILURE(scene.begin_a_slow_load("log"));
  // In front of the rows; the other brake comes behind them.
  const auto alter = "ALTER TABLE " + scene.database + ".log ";
  for (const char* column : {"slow", "slower"})
    scene.engine.query(fmt::format("{}ADD COLUMN {} UInt8 MATERIALIZED sleep(3)", alter, column));
  ASSERT_TRUE(test::eventually(
      [&] {
        return scene.engine.value(
                   "SELECT count() FROM system.processes WHERE query LIKE 'INSERT INTO %' AND elapsed > 2") !=
               "0";
      },
      30s));
  dev.kill9();
  for (const char* column : {"slow", "slower"})
    scene.engine.query(fmt::format("{}MODIFY COLUMN {} UInt8 MATERIALIZED 0", alter, column));
  dev.start();
  scene.speed_up();  // waits for that insert, as dropping a view does
  ASSERT_TRUE(scene.reaches("Running", 60s));
  EXPECT_EQ(scene.target_value("SELECT count(), uniqExact(id) FROM log"), fmt::format("{0}\t{0}", kRows));
}

}  // namespace
}  // namespace penstock
