// The source's tables change under a running stream.

#include <gtest/gtest.h>

#include "dataplane/pipeline/setup.hpp"
#include "dataplane/pipeline/stream_run.hpp"
#include "tests/integration/pipeline/pipe_world.hpp"
#include "tests/support/process.hpp"
#include "tests/support/row_diff.hpp"

namespace penstock::pipeline {
namespace {

using namespace std::chrono_literals;

/// One table t(id, a) with a row, set up, its slot made and its stream running.
class SourceChanges : public testing::Test {
 protected:
  void SetUp() override {
    database_ = world_postgres().create_database();
    exec("CREATE TABLE t (id int PRIMARY KEY, a int)");
    job_ = job_for(database_, {"t"});
    auto report = set_up(job_);
    ASSERT_TRUE(report) << report.error().text();
    system_ = report->system;
    ASSERT_TRUE(make_publication(job_));
    auto slot = penstock::postgres::create_slot(job_.source, job_.slot);
    ASSERT_TRUE(slot) << slot.error().text();
    exec("INSERT INTO t VALUES (1, 1)");
    begin();
  }

  void begin() { run_ = std::make_unique<StreamRun>(StreamRequest{job_, system_, {}}); }
  void exec(const std::string& sql) { world_postgres().exec(sql, database_); }
  std::string target(const std::string& what) {
    return test::shared_engine().value("SELECT " + what + " FROM `" + database_ + "`.t FINAL");
  }
  /// Everything that the source holds by now is in the target.
  void catch_up() {
    const auto end = penstock::postgres::current_wal_lsn(job_.source);
    ASSERT_TRUE(end);
    exec("SELECT pg_logical_emit_message(true, 'test', 'end')");
    ASSERT_TRUE(
        test::eventually([&] { return run_->facts().confirmed >= *end || run_->facts().run.ended; }, 30s));
    const auto facts = run_->facts();
    ASSERT_FALSE(facts.run.error) << facts.run.error->text();
    ASSERT_FALSE(facts.run.ended);
  }

  std::string database_;
  PipeJob job_;
  SourceSystem system_;
  std::unique_ptr<StreamRun> run_;
};

TEST_F(SourceChanges, AnAddedColumnIsFollowedWithTheDefaultOfOldRows) {
  exec(
      "ALTER TABLE t ADD COLUMN note text NOT NULL DEFAULT 'none', ADD COLUMN n numeric(10,2) DEFAULT 1.5, "
      "ADD COLUMN ok bool DEFAULT true, ADD COLUMN at timestamptz DEFAULT '2024-02-03 04:05:06.7+00', ADD "
      "COLUMN free int");
  exec("INSERT INTO t VALUES (2, 2, 'two', 2.25, false, NULL, 7)");
  catch_up();
  EXPECT_EQ(test::row_diff(world_postgres(), database_, "t", test::shared_engine(), database_, "t"), "");
}

TEST_F(SourceChanges, AColumnThatCameAndWentBetweenIsPassedOver) {
  catch_up();
  run_.reset();
  exec("ALTER TABLE t ADD COLUMN fleeting int");
  exec("INSERT INTO t VALUES (2, 2, 3)");
  exec("ALTER TABLE t DROP COLUMN fleeting");
  exec("INSERT INTO t VALUES (3, 3)");
  begin();
  catch_up();
  EXPECT_EQ(target("count()"), "3");
  EXPECT_EQ(test::row_diff(world_postgres(), database_, "t", test::shared_engine(), database_, "t"), "");
}

TEST_F(SourceChanges, ADroppedColumnStaysAndReadsAsNullFromThenOn) {
  exec("ALTER TABLE t DROP COLUMN a");
  exec("INSERT INTO t VALUES (2)");
  catch_up();
  EXPECT_EQ(target("arraySort(groupArray((id, a)))"), "[(1,1),(2,NULL)]");
}

TEST_F(SourceChanges, AnAlteredTypeNeverMakesAnotherValue) {
  exec("ALTER TABLE t ADD COLUMN v bigint");
  exec("INSERT INTO t VALUES (2, 2, 4607182418800017408)");  // as the bits of a float8: 1.0
  catch_up();
  run_.reset();
  exec("UPDATE t SET v = 42 WHERE id = 2");
  exec("ALTER TABLE t ALTER COLUMN v TYPE float8");
  exec("INSERT INTO t VALUES (3, 3, 7.0)");
  begin();
  catch_up();
  EXPECT_EQ(target("arraySort(groupArray((id, v)))"), "[(1,NULL),(2,42),(3,7)]");
}

TEST_F(SourceChanges, ATypeWithoutABinaryFormPutsTheStreamIntoText) {
  exec("ALTER TABLE t ADD COLUMN v text");
  exec("INSERT INTO t VALUES (2, 2, '10.0.0.1')");
  catch_up();
  exec("ALTER TABLE t ALTER COLUMN v TYPE inet USING v::inet");
  exec("INSERT INTO t VALUES (3, 3, '10.0.0.2')");
  catch_up();
  EXPECT_EQ(target("arraySort(groupArray((id, v)))"), "[(1,NULL),(2,'10.0.0.1'),(3,'10.0.0.2')]");
}

TEST_F(SourceChanges, ATruncateBuriesEveryRow) {
  exec("INSERT INTO t SELECT i, i FROM generate_series(2, 1000) i");
  exec("BEGIN; INSERT INTO t VALUES (2000, 1); TRUNCATE t; INSERT INTO t VALUES (5, 55); COMMIT");
  catch_up();
  EXPECT_EQ(target("arraySort(groupArray((id, a)))"), "[(5,55)]");
}

}  // namespace
}  // namespace penstock::pipeline
