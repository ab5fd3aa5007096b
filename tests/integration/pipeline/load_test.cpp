// Loads of tables that are not simply a heap with rows.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "dataplane/pipeline/load_run.hpp"
#include "dataplane/pipeline/setup.hpp"
#include "tests/integration/pipeline/pipe_world.hpp"
#include "tests/support/process.hpp"
#include "tests/support/row_diff.hpp"

namespace penstock::pipeline {
namespace {

using namespace std::chrono_literals;

/// The load of a job whose tables have been set up.
LoadRequest request_of(const PipeJob& job, const SetupReport& report) {
  EXPECT_TRUE(make_publication(job));
  auto slot = penstock::postgres::create_slot(job.source, job.slot).value();
  const Lsn version = slot.consistent_point;
  return {job, report.system, version, {}, std::move(slot), {}};
}

LoadFacts facts_at_the_end(const LoadRun& run) {
  EXPECT_TRUE(test::eventually([&] { return run.facts().run.ended; }, 60s)) << "the load hangs";
  return run.facts();
}

/// Sets up and loads; the facts when the load has ended.
LoadFacts load(const PipeJob& job) {
  const auto report = set_up(job);
  EXPECT_TRUE(report) << report.error().text();
  if (!report) return {};
  return facts_at_the_end(LoadRun(request_of(job, *report)));
}

TEST(Load, OfATableWithoutPartitionsIsDoneAtOnce) {
  const auto database = world_postgres().create_database();
  world_postgres().exec("CREATE TABLE t (id int PRIMARY KEY, a int) PARTITION BY RANGE (id)", database);
  const auto facts = load(job_for(database, {"t"}));
  EXPECT_FALSE(facts.run.error);
  ASSERT_EQ(facts.tables.size(), 1u);
  EXPECT_TRUE(facts.tables[0].finished);
}

TEST(Load, OfAPartitionedTableReadsEveryLeafOnce) {
  const auto database = world_postgres().create_database();
  world_postgres().exec(
      "CREATE TABLE t (id int, a text, PRIMARY KEY (id)) PARTITION BY RANGE (id);"
      "CREATE TABLE t_low PARTITION OF t FOR VALUES FROM (0) TO (1000) PARTITION BY HASH (id);"
      "CREATE TABLE t_low_0 PARTITION OF t_low FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
      "CREATE TABLE t_low_1 PARTITION OF t_low FOR VALUES WITH (MODULUS 2, REMAINDER 1);"
      "CREATE TABLE t_rest PARTITION OF t DEFAULT;"
      "INSERT INTO t SELECT i, repeat('x', 50) FROM generate_series(0, 4999) i",
      database);
  const auto facts = load(job_for(database, {"t"}));
  EXPECT_FALSE(facts.run.error);
  ASSERT_EQ(facts.tables.size(), 1u);
  EXPECT_TRUE(facts.tables[0].finished);
  EXPECT_EQ(facts.tables[0].rows, 5000);
  EXPECT_EQ(test::row_diff(world_postgres(), database, "t", test::shared_engine(), database, "t"), "");
}

TEST(Load, NeverTakesATableForEmptyThatWasRewrittenAfterTheSnapshot) {
  const auto database = world_postgres().create_database();
  const auto exec = [&](const char* sql) { world_postgres().exec(sql, database); };
  exec(
      "CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t SELECT i, i FROM generate_series(1, 100) i");
  const auto job = job_for(database, {"t"});
  const auto report = set_up(job);
  ASSERT_TRUE(report) << report.error().text();
  ASSERT_TRUE(make_publication(job));
  auto slot = penstock::postgres::create_slot(job.source, job.slot);
  ASSERT_TRUE(slot) << slot.error().text();
  const Lsn version = slot->consistent_point;
  exec("ALTER TABLE t ALTER a TYPE int USING a * 2");
  LoadRun outdated({job, report->system, version, {}, *std::move(slot), {}});
  const auto facts = facts_at_the_end(outdated);
  EXPECT_FALSE(facts.run.error);
  ASSERT_TRUE(facts.tables.at(0).error);
  EXPECT_EQ(facts.tables[0].error->reason, "TableChanged");
  EXPECT_FALSE(facts.tables[0].finished);
}

TEST(Load, MakesOnePartOfAPartition) {
  const auto database = world_postgres().create_database();
  world_postgres().exec(
      "CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t SELECT i, repeat('x', 100) FROM "
      "generate_series(1, 200000) i; ANALYZE t",
      database);
  auto job = job_for(database, {"t"});
  job.rows_per_partition = 1'000'000;
  job.workers_per_table = 1;
  const auto facts = load(job);
  ASSERT_FALSE(facts.run.error) << facts.run.error->text();
  EXPECT_EQ(facts.tables.at(0).rows, 200'000);
  EXPECT_EQ(test::shared_engine().value(
                fmt::format("SELECT groupArray((rows, min_block_number, max_block_number)) FROM "
                            "system.parts WHERE database = '{}' AND table = 't'",
                            database)),
            "[(200000,1,1)]")
      << "20 MB, in five pieces on the wire";
}

TEST(Load, OfManyPartitionsOfTheTargetIsWrittenAsAnyOther) {
  const auto database = world_postgres().create_database();
  world_postgres().exec(
      "CREATE TABLE t (id int, day date, PRIMARY KEY (id, day)); INSERT INTO t SELECT g, '2000-01-15'::date "
      "+ "
      "g * 31 FROM generate_series(1, 200) g; ANALYZE t",
      database);
  auto job = job_for(database, {"t"});
  job.rows_per_partition = 1'000'000;
  job.tables[0].partition_by = "toYYYYMM(day)";
  const auto facts = load(job);
  ASSERT_FALSE(facts.run.error) << facts.run.error->text();
  EXPECT_EQ(test::row_diff(world_postgres(), database, "t", test::shared_engine(), database, "t"), "");
}

TEST(Load, ReadsAPartitionAgainWhoseInsertFailedHalfway) {
  const auto database = world_postgres().create_database();
  world_postgres().exec(
      "CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t SELECT i, repeat('x', 100) FROM "
      "generate_series(1, 10000) i; ANALYZE t",
      database);
  auto job = job_for(database, {"t"});
  test::EngineServer engine;
  engine.query("CREATE DATABASE " + database);
  job.destination.url = engine.url();
  job.rows_per_partition = 1'000'000;
  job.batch_rows = 1000;  // ten parts
  const auto report = set_up(job);
  ASSERT_TRUE(report) << report.error().text();
  engine.slow_down(database, "t", 0.3);
  LoadRun run(request_of(job, *report));
  ASSERT_TRUE(
      test::eventually([&] { return engine.value("SELECT count() FROM " + database + ".t") != "0"; }, 30s));
  engine.kill9();
  ASSERT_TRUE(test::eventually([&] { return run.facts().run.retrying.has_value(); }, 30s));
  engine.start();
  EXPECT_LT(std::stoi(engine.value("SELECT count() FROM " + database + ".t")), 10'000);
  engine.speed_up(database, "t");
  const auto facts = facts_at_the_end(run);
  ASSERT_FALSE(facts.run.error) << facts.run.error->text();
  EXPECT_EQ(facts.tables.at(0).rows, 10'000) << "each row is counted once";
  EXPECT_EQ(test::row_diff(world_postgres(), database, "t", engine, database, "t"), "");
}

TEST(Load, TakesUpMoreWorkersWhileItRuns) {
  if (const auto lack = lacks_ranges(); !lack.empty()) GTEST_SKIP() << lack;
  const auto database = world_postgres().create_database();
  world_postgres().exec(
      "CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t SELECT i, repeat('x', 100) FROM "
      "generate_series(1, 10000) i; ANALYZE t",
      database);
  auto job = job_for(database, {"t"});
  job.rows_per_partition = 500;
  job.workers_per_table = 1;
  const auto report = set_up(job);
  ASSERT_TRUE(report) << report.error().text();
  auto& engine = test::shared_engine();
  engine.slow_down(database, "t", 1);
  LoadRun run(request_of(job, *report));
  const auto sessions = [&] {
    std::set<std::string> out;
    for (const auto& row : world_postgres().query("SELECT pid FROM pg_stat_activity WHERE datname = '" +
                                                  database + "' AND application_name = 'penstock'"))
      out.insert(row[0]);
    return out;
  };
  ASSERT_TRUE(
      test::eventually([&] { return engine.value("SELECT count() FROM `" + database + "`.t") != "0"; }, 20s));
  const auto before = sessions();
  job.workers_per_table = 3;
  run.tune(job);
  EXPECT_TRUE(test::eventually([&] { return sessions().size() == before.size() + 2; }, 20s));
  const auto after = sessions();
  EXPECT_TRUE(std::includes(after.begin(), after.end(), before.begin(), before.end()))
      << "it was begun again";
  engine.speed_up(database, "t");
  const auto facts = facts_at_the_end(run);
  ASSERT_FALSE(facts.run.error) << facts.run.error->text();
  EXPECT_EQ(facts.tables.at(0).rows, 10'000);
}

TEST(Load, OfAnEmptyTableIsDone) {
  const auto database = world_postgres().create_database();
  world_postgres().exec("CREATE TABLE t (id int PRIMARY KEY, a int)", database);
  const auto facts = load(job_for(database, {"t"}));
  EXPECT_FALSE(facts.run.error);
  ASSERT_EQ(facts.tables.size(), 1u);
  EXPECT_TRUE(facts.tables[0].finished);
  EXPECT_EQ(facts.tables[0].rows, 0);
}

}  // namespace
}  // namespace penstock::pipeline
