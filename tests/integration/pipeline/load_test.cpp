// Loads of tables that are not simply a heap with rows.

#include <fmt/format.h>
#include <gtest/gtest.h>

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
  const Lsn version = slot.restart_lsn;
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
  const Lsn version = slot->restart_lsn;
  exec("ALTER TABLE t ALTER a TYPE int USING a * 2");
  const auto ended = [&](LoadRun& run) {
    return test::eventually([&] { return run.facts().run.ended; }, 60s);
  };
  LoadRun outdated({job, report->system, version, {}, *std::move(slot), {}});
  ASSERT_TRUE(ended(outdated));
  const auto facts = outdated.facts();
  ASSERT_TRUE(facts.run.error);
  EXPECT_EQ(facts.run.error->reason, "SnapshotOutdated");
  EXPECT_EQ(facts.run.error->kind, ErrorKind::Transient);
  LoadRun anew({job, report->system, version, facts.tables, std::nullopt, {}});
  ASSERT_TRUE(ended(anew));
  EXPECT_FALSE(anew.facts().run.error);
  EXPECT_EQ(anew.facts().tables.at(0).rows, 100);
  EXPECT_EQ(test::row_diff(world_postgres(), database, "t", test::shared_engine(), database, "t"), "");
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
  const auto brake = database + ".brake";
  engine.query(fmt::format("CREATE MATERIALIZED VIEW {} ENGINE = Null AS SELECT sleep(0.3) FROM {}.t", brake,
                           database));
  LoadRun run(request_of(job, *report));
  ASSERT_TRUE(
      test::eventually([&] { return engine.value("SELECT count() FROM " + database + ".t") != "0"; }, 30s));
  engine.kill9();
  ASSERT_TRUE(test::eventually([&] { return run.facts().run.retrying.has_value(); }, 30s));
  engine.start();
  EXPECT_LT(std::stoi(engine.value("SELECT count() FROM " + database + ".t")), 10'000);
  engine.query("DROP VIEW " + brake + " SYNC");
  const auto facts = facts_at_the_end(run);
  ASSERT_FALSE(facts.run.error) << facts.run.error->text();
  EXPECT_EQ(facts.tables.at(0).rows, 10'000) << "each row is counted once";
  EXPECT_EQ(test::row_diff(world_postgres(), database, "t", engine, database, "t"), "");
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
