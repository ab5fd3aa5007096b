// ALTER TABLE that rewrites the rows of a table, asked of a real catalog and of a real load.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "dataplane/pipeline/load_run.hpp"
#include "dataplane/pipeline/probe.hpp"
#include "tests/integration/pipeline/streaming.hpp"

namespace penstock::pipeline {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

/// Table t(id, v) with rows, a look at it taken.
class Rewrites : public Streaming {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(prepare("CREATE TABLE t (id int PRIMARY KEY, v int)", {"t"}));
    exec("INSERT INTO t SELECT i, i FROM generate_series(1, 100) i");
    begin();
    ASSERT_NO_FATAL_FAILURE(catch_up());
    ASSERT_EQ(look(), "");
  }
  /// What a look finds, which remembers as the status does.
  std::string look() {
    const auto report = probe(job_, system_);
    if (!report) return report.error().text();
    const auto& table = report->tables.at("public.t");
    job_.tables[0].partitions = table.partitions;
    job_.tables[0].definition = table.definition;
    std::string out = table.changes + table.partition_changes;
    for (const auto& one : table.differences)
      out += one;
    return out;
  }
  void expect_told(const std::string& what) {
    EXPECT_THAT(look(), HasSubstr(what));
    EXPECT_THAT(look(), HasSubstr(what));
  }
  /// A row comes by, so that the stream follows what was altered.
  void follow() {
    exec("INSERT INTO t (id) SELECT max(id) + 1 FROM t");
    catch_up();
  }
};

TEST_F(Rewrites, ByAColumnWithAVolatileDefaultAreToldOf) {
  exec("ALTER TABLE t ADD COLUMN r double precision DEFAULT random()");
  expect_told("column r was added or altered in a way that rewrote the rows");
  follow();
  expect_told("column r was");
}

TEST_F(Rewrites, ByAnIdentityColumnAreToldOf) {
  exec("ALTER TABLE t ADD COLUMN n int GENERATED ALWAYS AS IDENTITY");
  expect_told("column n was");
}

TEST_F(Rewrites, IntoTheSameTypeAreToldOf) {
  exec("ALTER TABLE t ALTER v TYPE int USING v * 100");
  expect_told("column v was");
  exec("GRANT SELECT ON t TO PUBLIC");
  exec("UPDATE t SET v = v + 1 WHERE id < 50");
  exec("VACUUM FULL t");
  expect_told("column v was");
}

TEST_F(Rewrites, IntoAWiderTypeAreNotToldOfWhereTheValuesAreTheSame) {
  exec("ALTER TABLE t ALTER v TYPE bigint");
  EXPECT_EQ(look(), "");
  exec(
      "INSERT INTO t VALUES (1000, 3000000000); DELETE FROM t WHERE id = 1; UPDATE t SET v = 7 WHERE id = 2");
  ASSERT_NO_FATAL_FAILURE(catch_up());
  EXPECT_EQ(differences(), "");
  exec("ALTER TABLE t ALTER v TYPE numeric(20,2) USING CASE id WHEN 50 THEN 0 ELSE v END");
  expect_told("column v was");
}

TEST_F(Rewrites, AreToldOfWhereRowsMayNotBeRead) {
  exec("CREATE ROLE poor_" + database_ + " LOGIN REPLICATION PASSWORD 'poor'");
  job_.source.user = "poor_" + database_;
  job_.source.password = Secret("poor");
  exec("ALTER TABLE t ALTER v TYPE int USING v * 100");
  expect_told("column v was");
}

TEST_F(Rewrites, AndTruncatesArePassedOverByNoGrantOfColumnsAlone) {
  run_.reset();
  ASSERT_NO_FATAL_FAILURE(
      prepare("CREATE TABLE t (id int PRIMARY KEY, v int) PARTITION BY RANGE (id);"
              "CREATE TABLE p1 PARTITION OF t FOR VALUES FROM (0) TO (100);"
              "CREATE TABLE p2 PARTITION OF t FOR VALUES FROM (100) TO (200)",
              {"t"}));
  exec("INSERT INTO t SELECT i, i FROM generate_series(1, 150) i");
  begin();
  ASSERT_NO_FATAL_FAILURE(catch_up());
  exec("CREATE ROLE poor_" + database_ + " LOGIN REPLICATION PASSWORD 'poor'");
  exec("GRANT SELECT (id, v) ON t, p1, p2 TO poor_" + database_);
  job_.source.user = "poor_" + database_;
  job_.source.password = Secret("poor");
  ASSERT_EQ(look(), "");
  exec("VACUUM FULL p2");
  EXPECT_EQ(look(), "");
  exec("TRUNCATE p1; INSERT INTO t VALUES (5, 5)");
  ASSERT_NO_FATAL_FAILURE(catch_up());
  expect_told("public.p1 has a new file, and the target has other rows");
}

TEST_F(Rewrites, AreNotSeenInAPartThatWasMovedWhileOthersAreWrittenTo) {
  run_.reset();
  ASSERT_NO_FATAL_FAILURE(
      prepare("CREATE TABLE t (id int PRIMARY KEY, v int) PARTITION BY RANGE (id);"
              "CREATE TABLE p1 PARTITION OF t FOR VALUES FROM (0) TO (1000000);"
              "CREATE TABLE p2 PARTITION OF t FOR VALUES FROM (1000000) TO (1000100)",
              {"t"}));
  begin();
  ASSERT_NO_FATAL_FAILURE(catch_up());
  ASSERT_EQ(look(), "");
  std::atomic<bool> writing{true};
  std::thread writer([&] {
    auto session = world_postgres().session(database_);
    session.exec("SET synchronous_commit = off");
    for (int id = 1; writing.load(); ++id)
      session.exec(
          fmt::format("INSERT INTO t VALUES ({0}, {0}); UPDATE t SET v = -1 WHERE id = {0} / 2;"
                      "DELETE FROM t WHERE id = {0} / 3",
                      id));
  });
  for (int round = 0; round < 5; ++round) {
    exec("VACUUM FULL p2");
    EXPECT_THAT(look(), testing::Not(HasSubstr("other rows")));
  }
  writing.store(false);
  writer.join();
  ASSERT_NO_FATAL_FAILURE(catch_up());
  EXPECT_EQ(look(), "");
}

TEST_F(Rewrites, AreNotToldOfOnceEveryRowIsGone) {
  exec("ALTER TABLE t ALTER v TYPE int USING v * 100");
  expect_told("column v was");
  exec("BEGIN; TRUNCATE t; INSERT INTO t VALUES (1, 1); COMMIT");
  EXPECT_EQ(look(), "");
}

TEST_F(Rewrites, AreNotMadeByWhatIsFollowedOrStreamed) {
  exec("ALTER TABLE t ADD COLUMN c int DEFAULT 7");
  follow();
  exec("VACUUM FULL t");
  EXPECT_EQ(look(), "");
  exec("BEGIN; ALTER TABLE t ADD COLUMN d int; UPDATE t SET d = id; COMMIT");
  exec("ALTER TABLE t ADD COLUMN e timestamptz");
  exec("ALTER TABLE t ALTER e SET DEFAULT now()");
  exec("ALTER TABLE t ADD COLUMN s varchar(10)");
  exec("ALTER TABLE t ALTER s TYPE varchar(20)");
  EXPECT_EQ(look(), "");
}

TEST_F(Rewrites, OfAColumnWhoseDefaultWasNotFollowedInTimeAreToldOf) {
  exec("ALTER TABLE t ADD COLUMN c int DEFAULT 7");
  exec("VACUUM FULL t");
  EXPECT_THAT(look(), HasSubstr("column c was added, and what earlier rows hold in it cannot be told"));
}

TEST_F(Rewrites, AreNotMadeByTruncatesAndMovedRows) {
  exec("VACUUM FULL t");
  exec("CLUSTER t USING t_pkey");
  EXPECT_EQ(look(), "");
  exec("BEGIN; TRUNCATE t; INSERT INTO t SELECT i, i FROM generate_series(1, 10) i; COMMIT");
  EXPECT_EQ(look(), "");
  exec("ALTER TABLE t ALTER v SET NOT NULL");
  exec("VACUUM FULL t");
  EXPECT_EQ(look(), "");
}

TEST_F(Rewrites, ThatCannotBeLookedAtForALockAreSaidToBeUnseen) {
  exec("ALTER TABLE t ALTER v TYPE int USING v * 100");
  auto locking = world_postgres().session(database_);
  locking.exec("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE");
  const auto locked = probe(job_, system_);
  ASSERT_TRUE(locked);
  ASSERT_TRUE(locked->unseen);
  EXPECT_EQ(locked->unseen->reason, "LockTimeout");
  EXPECT_THAT(locked->unseen->message, HasSubstr("public.t cannot be looked at"));
  EXPECT_TRUE(locked->tables.empty());
  locking.exec("COMMIT");
  const auto open = probe(job_, system_);
  ASSERT_TRUE(open);
  EXPECT_FALSE(open->unseen);
  expect_told("column v was");
}

TEST_F(Rewrites, OfColumnsThatAreNotReplicatedAreNotToldOf) {
  job_.tables[0].excluded_columns = {"r"};
  exec("ALTER TABLE t ADD COLUMN r double precision DEFAULT random()");
  exec("ALTER TABLE t ADD COLUMN g int GENERATED ALWAYS AS (id * 2) STORED");
  EXPECT_EQ(look(), "");
}

TEST_F(Rewrites, BeforeALoadOfAColumnThatTheTargetLacksAreLoaded) {
  exec("ALTER TABLE t ADD COLUMN r double precision DEFAULT random()");
  job_.tables[0].partitions.clear();  // nothing was streamed into the target before
  LoadRun run({job_, system_, Lsn{1}, {}, std::nullopt, {}});
  ASSERT_TRUE(test::eventually([&] { return run.facts().run.ended; }, 30s));
  ASSERT_FALSE(run.facts().run.error);
  ASSERT_FALSE(run.facts().tables.at(0).error);
  job_.tables[0].partitions = run.facts().tables.at(0).partitions;
  EXPECT_EQ(look(), "");
}

TEST_F(Rewrites, AreNotNeededForADefaultThatTheTargetCannotTakeToBeToldOf) {
  exec("ALTER TABLE t ADD COLUMN b int[] DEFAULT '{1}'");
  follow();
  expect_told("column b was added with a default that earlier rows lack in the target");
}

TEST_F(Rewrites, AreNotNeededForAFollowedColumnToBeMissed) {
  exec("ALTER TABLE t ADD COLUMN c int DEFAULT 7, ADD COLUMN d int DEFAULT 8");
  follow();
  EXPECT_EQ(look(), "");
  exec("ALTER TABLE t DROP COLUMN c");
  expect_told("column c is gone");
  exec("ALTER TABLE t RENAME COLUMN d TO dd");
  follow();
  expect_told("column d is gone");
}

}  // namespace
}  // namespace penstock::pipeline
