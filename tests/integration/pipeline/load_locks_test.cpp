// A load and an application that want locks on the same tables.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/integration/pipeline/loading.hpp"
#include "tests/support/process.hpp"

namespace penstock::pipeline {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

/// A session of the application that waits for no lock longer than this.
test::PostgresSession impatient(const std::string& database) {
  auto out = world_postgres().session(database);
  out.exec("SET lock_timeout = '5s'");
  return out;
}

TEST_F(Loading, DoesNotHoldUpAnAlterOfTablesThatItIsReading) {
  if (const auto lack = lacks_ranges(); !lack.empty()) GTEST_SKIP() << lack;
  create_table("t", 400);
  create_table("u", 400);
  ASSERT_NO_FATAL_FAILURE(prepare({"t", "u"}));
  job_.parallel_tables = 2;  // two workers, a table each
  slow_down("t");
  slow_down("u");
  ASSERT_NO_FATAL_FAILURE(begin_and_see_rows_of("t"));
  ASSERT_TRUE(test::eventually([&] { return facts_of(run_->facts(), "u").rows > 0; }, 30s));
  auto application = impatient(database_);
  EXPECT_NO_THROW(application.exec("BEGIN; ALTER TABLE t ADD c int; ALTER TABLE u ADD c int; COMMIT"));
  EXPECT_NO_THROW(application.exec("UPDATE t SET c = 1 WHERE id = 1; LOCK TABLE u"));
  EXPECT_FALSE(run_->facts().run.ended) << "it was over before anything was tried";
  speed_up();
  const auto facts = end();
  ASSERT_FALSE(facts.run.error) << facts.run.error->text();
  for (const char* table : {"t", "u"}) {
    EXPECT_TRUE(facts_of(facts, table).finished);
    EXPECT_EQ(target("count()", table), "400");
  }
}

TEST_F(Loading, GoesOnWithOtherTablesWhileOneIsLockedAndSaysByWhom) {
  if (const auto lack = lacks_ranges(); !lack.empty()) GTEST_SKIP() << lack;
  create_table("t");
  create_table("u");
  ASSERT_NO_FATAL_FAILURE(prepare({"t", "u"}));
  slow_down("t");
  ASSERT_NO_FATAL_FAILURE(begin_and_see_rows_of("t"));
  auto application = world_postgres().session(database_);
  application.exec("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE");
  const auto pid = application.value("SELECT pg_backend_pid()");
  speed_up();
  EXPECT_TRUE(test::eventually([&] { return facts_of(run_->facts(), "u").finished; }, 30s));
  EXPECT_TRUE(test::eventually([&] { return run_->facts().run.retrying.has_value(); }, 30s));
  const auto why = run_->facts().run.retrying.value_or(Error{});
  EXPECT_EQ(why.reason, "WaitingForLock");
  EXPECT_EQ(why.kind, ErrorKind::Transient);
  EXPECT_THAT(why.message, HasSubstr("the load of public.t waits for a lock on public.t"));
  EXPECT_THAT(why.message, HasSubstr("pid " + pid));
  EXPECT_THAT(why.message, HasSubstr("idle in transaction"));
  EXPECT_FALSE(run_->facts().run.ended);
  application.exec("COMMIT");
  const auto facts = end();
  ASSERT_FALSE(facts.run.error) << facts.run.error->text();
  EXPECT_FALSE(facts.run.retrying);
  EXPECT_EQ(differences("t"), "");
  EXPECT_EQ(differences("u"), "");
}

TEST_F(Loading, GoesOnWithOtherPartitionsWhileOneIsLocked) {
  if (const auto lack = lacks_ranges(); !lack.empty()) GTEST_SKIP() << lack;
  exec(
      "CREATE TABLE t (id int PRIMARY KEY, v int, pad text) PARTITION BY RANGE (id);"
      "CREATE TABLE t_a PARTITION OF t FOR VALUES FROM (0) TO (100);"
      "CREATE TABLE t_b PARTITION OF t FOR VALUES FROM (100) TO (200);"
      "INSERT INTO t SELECT i, i, repeat('x', 1000) FROM generate_series(0, 199) i; ANALYZE t");
  ASSERT_NO_FATAL_FAILURE(prepare({"t"}));
  slow_down("t");
  ASSERT_NO_FATAL_FAILURE(begin_and_see_rows_of("t"));
  auto application = world_postgres().session(database_);
  application.exec(
      "BEGIN; LOCK TABLE ONLY t IN ACCESS EXCLUSIVE MODE; LOCK TABLE t_a IN ACCESS EXCLUSIVE MODE");
  speed_up();
  EXPECT_TRUE(test::eventually([&] { return target("countIf(id >= 100)") == "100"; }, 30s));
  EXPECT_FALSE(run_->facts().run.ended);
  application.exec("COMMIT");
  ASSERT_FALSE(end().run.error);
  EXPECT_EQ(differences(), "");
}

TEST_F(Loading, MakesWayInTheMiddleOfAPartitionThatTakesLong) {
  exec(
      "CREATE TABLE t (id int PRIMARY KEY, pad text); ALTER TABLE t ALTER pad SET STORAGE EXTERNAL;"
      "INSERT INTO t SELECT i, repeat('x', 10000) FROM generate_series(1, 4000) i; ANALYZE t");
  ASSERT_NO_FATAL_FAILURE(prepare({"t"}));
  job_.rows_per_partition = 1'000'000;
  job_.batch_rows = 100;  // forty blocks of a megabyte, each of which waits
  slow_down("t");
  begin();
  ASSERT_TRUE(test::eventually([&] { return target("count()") != "0"; }, 30s));
  auto application = impatient(database_);
  EXPECT_NO_THROW(application.exec("BEGIN; LOCK TABLE t; COMMIT"));
  EXPECT_FALSE(run_->facts().run.ended) << "it was over before anything was tried";
  speed_up();
  const auto facts = end();
  ASSERT_FALSE(facts.run.error) << facts.run.error->text();
  EXPECT_EQ(facts.tables.at(0).rows, 4000);
  EXPECT_EQ(differences(), "");
}

TEST_F(Loading, LetsGoOfALogOfChangesWhileItsTargetIsAway) {
  create_table("t", 200);
  world_postgres().exec("ALTER TABLE t REPLICA IDENTITY FULL", database_);
  job_ = job_for(database_, {"t"});
  test::EngineServer engine;
  engine.query("CREATE DATABASE " + database_);
  job_.destination.url = engine.url();
  job_.tables[0].engine = clickhouse::Engine::MergeTree;
  job_.rows_per_partition = 1'000'000;
  job_.batch_rows = 50;  // four blocks
  const auto report = set_up(job_);
  ASSERT_TRUE(report) << report.error().text();
  ASSERT_TRUE(make_publication(job_));
  auto slot = penstock::postgres::create_slot(job_.source, job_.slot);
  ASSERT_TRUE(slot) << slot.error().text();
  request_ = {job_, report->system, slot->restart_lsn, {}, *std::move(slot), {}};
  engine.slow_down(database_, "t", 0.5);
  begin();
  const auto rows = "SELECT count() FROM " + database_ + ".t";
  ASSERT_TRUE(test::eventually([&] { return engine.value(rows) != "0"; }, 30s));
  engine.kill9();
  ASSERT_TRUE(test::eventually([&] { return run_->facts().run.retrying.has_value(); }, 30s));
  EXPECT_NO_THROW(impatient(database_).exec("BEGIN; LOCK TABLE t; COMMIT"));
  engine.start();
  engine.speed_up(database_, "t");
  const auto facts = end();
  ASSERT_FALSE(facts.run.error) << facts.run.error->text();
  EXPECT_EQ(facts.tables.at(0).rows, 200);
  EXPECT_EQ(engine.value("SELECT (count(), uniqExact(id)) FROM " + database_ + ".t"), "(200,200)");
}

}  // namespace
}  // namespace penstock::pipeline
