// A log of changes goes on after a crash, or a pause, with every change once.

#include <fmt/format.h>

#include "tests/integration/pipeline/streaming.hpp"

namespace penstock::pipeline {
namespace {

using namespace std::chrono_literals;

class Logs : public Streaming {
 protected:
  [[nodiscard]] std::string of_target(const std::string& what) const {
    return test::shared_engine().value(fmt::format("SELECT {} FROM `{}`.t", what, database_));
  }
  void end_softly() {
    run_->stop(StopMode::AfterPartitions);
    ASSERT_TRUE(test::eventually([&] { return run_->facts().run.ended; }, 30s));
    ASSERT_FALSE(run_->facts().run.error) << run_->facts().run.error->text();
    run_.reset();
    const auto slot = fmt::format(
        "SELECT active FROM pg_replication_slots WHERE slot_name = '{}' AND NOT active", job_.slot);
    ASSERT_TRUE(test::eventually([&] { return !world_postgres().query(slot).empty(); }, 30s));
  }
};

/// A COPY writes the rows of a page in one WAL record, so that they share a version.
TEST_F(Logs, StoppedWithinACopyLackNothing) {
  constexpr int kRows = 60'000;
  ASSERT_NO_FATAL_FAILURE(
      prepare("CREATE TABLE t (id int PRIMARY KEY)", {"t"}, clickhouse::Engine::MergeTree));
  job_.batch_rows = 500;
  exec(fmt::format("COPY t FROM PROGRAM 'seq 1 {}'", kRows));
  for (int stop = 1; stop <= 3; ++stop) {
    const auto before = std::stoi(of_target("count()"));
    begin();
    ASSERT_TRUE(test::eventually([&] { return std::stoi(of_target("count()")) > before + 1000; }, 30s));
    ASSERT_NO_FATAL_FAILURE(end_softly());
  }
  EXPECT_LT(std::stoi(of_target("count()")), kRows) << "none of the stops was within the COPY";
  begin();
  ASSERT_NO_FATAL_FAILURE(catch_up());
  EXPECT_EQ(of_target("(count(), uniqExact(id))"), fmt::format("({0},{0})", kRows));
}

/// One INSERT is a part in each partition, committed one after the other. By partition key.
class LogsWithPartitions : public Logs, public testing::WithParamInterface<const char*> {
 protected:
  void prepare_log() {
    ASSERT_NO_FATAL_FAILURE(
        prepare("CREATE TABLE t (id int PRIMARY KEY, kind text, day date, v int);"
                "ALTER TABLE t REPLICA IDENTITY FULL",
                {"t"}, clickhouse::Engine::MergeTree, GetParam()));
    job_.batch_rows = 40;
    // The same changes once more, as after a crash in which nothing was confirmed.
    exec(fmt::format("SELECT pg_copy_logical_replication_slot('{0}', '{0}_again')", job_.slot));
  }
  /// 100 rows inserted, 300 copied, 50 and 40 updated, 20 deleted.
  void change() {
    exec(
        "INSERT INTO t SELECT i, (ARRAY['a', 'b', '', NULL])[1 + i % 4], date '2024-01-01' + (i % 3) * 31, i "
        "FROM generate_series(1, 100) i");
    exec(
        "COPY t FROM PROGRAM 'for i in $(seq 101 400); do echo $i,k$(($i % 3)),2024-0$((1 + $i % "
        "4))-01,0; done' CSV");
    exec("BEGIN; UPDATE t SET v = v + 1 WHERE id <= 50; UPDATE t SET kind = 'b' WHERE id % 10 = 0; COMMIT");
    exec("DELETE FROM t WHERE id % 20 = 0");
  }
  [[nodiscard]] std::string log() const {
    return test::shared_engine().value(
        fmt::format("SELECT groupArray(r) FROM (SELECT (id, kind, day, v, _penstock_deleted, "
                    "_penstock_version) AS r FROM "
                    "`{}`.t ORDER BY r)",
                    database_));
  }
  /// Takes the newest versions out, of one partition more than of the next.
  void lose_parts() {
    const auto run = [&](const std::string& sql) {
      test::shared_engine().query(sql, {{"database", database_}});
    };
    run("CREATE TABLE rest AS t");
    run("INSERT INTO rest SELECT * FROM t WHERE (_partition_id, _penstock_version) IN (SELECT p, "
        "arrayJoin(arraySlice(versions, 1, greatest(1, intDiv(length(versions) * (1 + cityHash64(p) % 3), "
        "4)))) "
        "FROM (SELECT _partition_id AS p, arraySort(groupUniqArray(_penstock_version)) AS versions FROM t "
        "GROUP BY p))");
    run("EXCHANGE TABLES t AND rest");
    run("DROP TABLE rest SYNC");
  }
};

TEST_P(LogsWithPartitions, HaveEveryChangeOnceWhicheverPartsACrashLeftOut) {
  ASSERT_NO_FATAL_FAILURE(prepare_log());
  change();
  begin();
  ASSERT_NO_FATAL_FAILURE(catch_up());
  const auto whole = log();
  EXPECT_EQ(of_target("(count(), countIf(_penstock_deleted))"), "(510,20)");
  run_.reset();
  lose_parts();
  EXPECT_NE(of_target("count()"), "510");

  job_.slot += "_again";
  begin();
  ASSERT_NO_FATAL_FAILURE(catch_up());
  EXPECT_EQ(log(), whole);
  exec("UPDATE t SET v = 7 WHERE id < 10");
  ASSERT_NO_FATAL_FAILURE(catch_up());
  EXPECT_EQ(of_target("count()"), "519");
}

TEST_P(LogsWithPartitions, HaveEveryChangeOnceWhereACrashLeftNothingOut) {
  ASSERT_NO_FATAL_FAILURE(prepare_log());
  change();
  begin();
  ASSERT_NO_FATAL_FAILURE(catch_up());
  const auto whole = log();
  run_.reset();
  job_.slot += "_again";
  begin();
  ASSERT_NO_FATAL_FAILURE(catch_up());
  EXPECT_EQ(log(), whole);
}

INSTANTIATE_TEST_SUITE_P(Keys, LogsWithPartitions,
                         testing::Values("kind", "toYYYYMM(day)", "(kind, day)",
                                         "tuple(toYYYYMM(day), id % 3)", "toYYYYMM(_penstock_synced_at)",
                                         "_penstock_deleted"));

TEST_F(Logs, WhosePartitionsNobodyCanTellAreNotWritten) {
  ASSERT_NO_FATAL_FAILURE(prepare("CREATE TABLE t (id int PRIMARY KEY, kind int)", {"t"},
                                  clickhouse::Engine::MergeTree, "(toYYYYMM(_penstock_synced_at), kind)"));
  exec("INSERT INTO t VALUES (1, 7)");
  begin({0ms, 0});
  const auto fault = [&] { return run_->facts().tables[0].error; };
  ASSERT_TRUE(test::eventually([&] { return fault().has_value() || run_->facts().run.ended; }, 30s));
  ASSERT_TRUE(fault());
  EXPECT_EQ(fault()->reason, "PartitionByInvalid");
  EXPECT_NE(fault()->message.find("_penstock_synced_at"), std::string::npos) << fault()->message;
  EXPECT_EQ(of_target("count()"), "0");
}

}  // namespace
}  // namespace penstock::pipeline
