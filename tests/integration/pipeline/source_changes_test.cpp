// The source's tables change under a running stream.

#include <gmock/gmock.h>

#include "tests/integration/pipeline/streaming.hpp"

namespace penstock::pipeline {
namespace {

using namespace std::chrono_literals;

/// One table t(id, a) with a row, its stream running.
class SourceChanges : public Streaming {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(prepare("CREATE TABLE t (id int PRIMARY KEY, a int)", {"t"}));
    exec("INSERT INTO t VALUES (1, 1)");
    begin();
  }
};

TEST_F(SourceChanges, AnAddedColumnIsFollowedWithTheDefaultOfOldRows) {
  exec(
      "ALTER TABLE t ADD COLUMN note text NOT NULL DEFAULT 'none', ADD COLUMN n numeric(10,2) DEFAULT 1.5, "
      "ADD COLUMN ok bool DEFAULT true, ADD COLUMN at timestamptz DEFAULT '2024-02-03 04:05:06.7+00', ADD "
      "COLUMN free int");
  exec("INSERT INTO t VALUES (2, 2, 'two', 2.25, false, NULL, 7)");
  catch_up();
  EXPECT_EQ(differences(), "");
}

TEST_F(SourceChanges, ThatCameAfterTheRunBeganAndBeforeTheFirstChangeAreFollowed) {
  catch_up();
  run_.reset();
  begin();
  ASSERT_TRUE(test::eventually([&] { return run_->facts().streaming; }));
  exec("ALTER TABLE t ADD COLUMN note text, ALTER COLUMN a TYPE bigint");
  exec("INSERT INTO t VALUES (2, 3000000000, 'two')");
  catch_up();
  EXPECT_EQ(differences(), "");
}

/// A partitioned table t(id, a) with a row in each of two partitions, its stream running.
class PartitionedSourceChanges : public Streaming {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(
        prepare("CREATE TABLE t (id int PRIMARY KEY, a int) PARTITION BY RANGE (id);"
                "CREATE TABLE t_low PARTITION OF t FOR VALUES FROM (0) TO (10) PARTITION BY RANGE (id);"
                "CREATE TABLE t_low_0 PARTITION OF t_low FOR VALUES FROM (0) TO (10);"
                "CREATE TABLE t_high PARTITION OF t FOR VALUES FROM (10) TO (20)",
                {"t"}));
    exec("INSERT INTO t VALUES (1, 1), (11, 11)");
    begin();
    catch_up();
  }
};

TEST_F(PartitionedSourceChanges, AnAddedColumnIsFollowedWithTheDefaultOfOldRows) {
  exec("ALTER TABLE t ADD c varchar(20) DEFAULT 'dflt', ADD n int NOT NULL DEFAULT 7, ADD free int");
  exec(
      "CREATE TABLE t_new PARTITION OF t FOR VALUES FROM (20) TO (30); ALTER TABLE t ALTER c SET DEFAULT "
      "'next'");
  exec("INSERT INTO t (id, a) VALUES (21, 21); UPDATE t SET a = 12 WHERE id = 11");
  catch_up();
  EXPECT_EQ(target("arraySort(groupArray((id, c, n, free)))"),
            "[(1,'dflt',7,NULL),(11,'dflt',7,NULL),(21,'next',7,NULL)]");
  EXPECT_EQ(differences(), "");
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
  EXPECT_EQ(differences(), "");
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

/// Tables t and nb side by side; what nb's target cannot take is not t's concern, and the other way round.
class SourceNames : public Streaming {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(prepare(
        "CREATE TABLE t (id int PRIMARY KEY, a int); CREATE TABLE nb (id int PRIMARY KEY)", {"t", "nb"}));
    begin({std::chrono::seconds(1)});
  }
  std::optional<Error> fault_of(const std::string& table) const {
    for (const auto& one : run_->facts().tables)
      if (one.source == "public." + table) return one.error;
    return std::nullopt;
  }
  void expect_set_apart(const std::string& name) {
    exec("INSERT INTO t VALUES (1, 1, 1); INSERT INTO nb VALUES (1)");
    EXPECT_TRUE(test::eventually([&] { return target("count()", "nb") == "1"; }, 30s)) << name;
    ASSERT_TRUE(test::eventually([&] { return fault_of("t").has_value() || run_->facts().run.ended; }, 30s));
    EXPECT_FALSE(run_->facts().run.ended) << run_->facts().run.error.value_or(Error{}).text();
    EXPECT_EQ(fault_of("t")->reason, "TargetColumnReserved") << fault_of("t")->text();
    EXPECT_THAT(fault_of("t")->message, testing::HasSubstr(name));
    EXPECT_THAT(fault_of("t")->cure, testing::HasSubstr("Rename"));
    EXPECT_FALSE(fault_of("nb"));
    EXPECT_EQ(target("count()"), "0") << "rows with a column that is not what it says";
    exec("INSERT INTO nb VALUES (2)");
    EXPECT_TRUE(test::eventually([&] { return target("count()", "nb") == "2"; }, 30s));
  }
};

TEST_F(SourceNames, ThatClickHouseKeepsForItselfSetApartTheirTableAlone) {
  exec("ALTER TABLE t ADD \"_row_exists\" int");
  expect_set_apart("_row_exists");
}

TEST_F(SourceNames, ThatPenstockKeepsForItselfSetApartTheirTableAlone) {
  exec("ALTER TABLE t ADD _penstock_version bigint");
  expect_set_apart("_penstock_version");
}

TEST_F(SourceNames, ThatPenstockKeepsForItselfAreNotWrittenByARunThatBeginsWithThem) {
  catch_up();
  run_.reset();
  exec("ALTER TABLE t ADD _penstock_deleted int");
  begin({std::chrono::seconds(1)});
  expect_set_apart("_penstock_deleted");
}

TEST_F(SourceNames, OfVirtualColumnsAreColumnsLikeOthers) {
  exec(
      "ALTER TABLE t ADD _part text, ADD _part_offset int, ADD _sign int, ADD _partition_id text, ADD "
      "_version int");
  exec("INSERT INTO t VALUES (1, 1, 'p', 2, 3, 'i', 4)");
  catch_up();
  EXPECT_EQ(target("(_part, _part_offset, _sign, _partition_id, _version)"), "('p',2,3,'i',4)");
  EXPECT_EQ(differences(), "");
}

TEST_F(SourceNames, ThatAreReservedAreRefusedInSetup) {
  exec("CREATE TABLE late (id int PRIMARY KEY, \"_block_number\" int)");
  run_.reset();
  auto job = job_;
  job.tables = {job.tables[0]};
  job.tables[0].source = {"public", "late"};
  job.tables[0].source_text = "public.late";
  job.tables[0].target = "late";
  const auto report = set_up(job);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().reason, "TargetColumnReserved");
  EXPECT_THAT(report.error().message, testing::HasSubstr("_block_number"));
  job.tables[0].excluded_columns = {"_block_number"};
  EXPECT_TRUE(set_up(job));
}

}  // namespace
}  // namespace penstock::pipeline
