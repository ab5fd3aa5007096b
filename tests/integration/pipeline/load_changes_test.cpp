// Tables that are changed between two partitions of their load.

#include <gmock/gmock.h>

#include "tests/integration/pipeline/loading.hpp"
#include "tests/support/process.hpp"

namespace penstock::pipeline {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

struct Change {
  const char* name;
  const char* sql;
  const char* told;
};

std::ostream& operator<<(std::ostream& out, const Change& change) {
  return out << change.name;
}

class LoadChanges : public Loading {};
class OneChange : public LoadChanges, public testing::WithParamInterface<Change> {};

TEST_P(OneChange, BeginsTheLoadOfThatTableAgainAndOfNoOther) {
  create_table("t");
  create_table("nb");
  exec(
      "CREATE TABLE other (id int PRIMARY KEY, v int, pad text); INSERT INTO other SELECT 1000 + i FROM "
      "generate_series(1, 98) i");
  ASSERT_NO_FATAL_FAILURE(prepare({"t", "nb"}));
  slow_down("t");
  ASSERT_NO_FATAL_FAILURE(begin_and_see_rows_of("t"));
  exec(GetParam().sql);
  ASSERT_FALSE(facts_of(run_->facts(), "t").finished) << "too late";
  speed_up();
  const auto facts = end();
  EXPECT_FALSE(facts.run.error) << facts.run.error->text();
  const auto table = facts_of(facts, "t");
  EXPECT_FALSE(table.finished);
  ASSERT_TRUE(table.error);
  EXPECT_EQ(table.error->reason, "TableChanged");
  EXPECT_EQ(table.error->kind, ErrorKind::Transient);
  EXPECT_THAT(table.error->message, ContainsRegex(GetParam().told));
  EXPECT_EQ(target("countIf(id > 1000)"), "0") << "rows of another table were read";
  EXPECT_TRUE(facts_of(facts, "nb").finished);
  EXPECT_EQ(differences("nb"), "");
}

INSTANTIATE_TEST_SUITE_P(
    Of, OneChange,
    testing::Values(
        Change{"NamesTraded", "BEGIN; ALTER TABLE t RENAME TO x; ALTER TABLE other RENAME TO t; COMMIT",
               "another table has its name"},
        Change{"TableMadeAnew",
               "BEGIN; DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY, v int, pad text); COMMIT",
               "another table has its name"},
        Change{"TableDropped", "DROP TABLE t",
               "public.t is not there any more|another table has its name, or none"},
        Change{"SchemaMoved", "CREATE SCHEMA s; ALTER TABLE t SET SCHEMA s",
               "public.t is not there any more|another table has its name, or none"},
        Change{"RowsMoved", "VACUUM FULL t", "rewritten or emptied"},
        Change{"RowsTruncated", "TRUNCATE t", "rewritten or emptied"},
        Change{"RowsRewritten", "ALTER TABLE t ALTER v TYPE int USING v * 2", "rewritten or emptied"},
        Change{"VolatileDefault", "ALTER TABLE t ADD r float8 DEFAULT random()", "rewritten or emptied"},
        Change{"ColumnDropped", "ALTER TABLE t DROP v", "column v was dropped or renamed"},
        Change{"ColumnRenamed", "ALTER TABLE t RENAME v TO w", "column v was dropped or renamed"},
        Change{"ColumnReplaced", "ALTER TABLE t DROP v, ADD v int", "column v was replaced"},
        Change{"TypeAltered", "ALTER TABLE t ALTER v TYPE bigint", "column v was altered"}),
    [](const auto& change) { return change.param.name; });

TEST_F(LoadChanges, OfAPartitionThatIsDetachedBeginTheLoadAgain) {
  if (const auto lack = lacks_ranges(); !lack.empty()) GTEST_SKIP() << lack;
  exec(
      "CREATE TABLE t (id int PRIMARY KEY, v int, pad text) PARTITION BY RANGE (id);"
      "CREATE TABLE t_a PARTITION OF t FOR VALUES FROM (0) TO (100);"
      "CREATE TABLE t_b PARTITION OF t FOR VALUES FROM (100) TO (200);"
      "INSERT INTO t SELECT i, i, repeat('x', 1000) FROM generate_series(0, 199) i; ANALYZE t");
  ASSERT_NO_FATAL_FAILURE(prepare({"t"}));
  slow_down("t");
  ASSERT_NO_FATAL_FAILURE(begin_and_see_rows_of("t"));
  exec("ALTER TABLE t DETACH PARTITION t_b");
  speed_up();
  const auto error = facts_of(end(), "t").error;
  ASSERT_TRUE(error);
  EXPECT_EQ(error->reason, "TableChanged");
  EXPECT_THAT(error->message, HasSubstr("public.t_b was attached or detached"));
}

TEST_F(LoadChanges, OfANewColumnOrPartitionLeaveTheLoadAlone) {
  exec(
      "CREATE TABLE t (id int PRIMARY KEY, v int, pad text) PARTITION BY RANGE (id);"
      "CREATE TABLE t_a PARTITION OF t FOR VALUES FROM (0) TO (100);"
      "INSERT INTO t SELECT i, i, repeat('x', 1000) FROM generate_series(0, 99) i; ANALYZE t");
  ASSERT_NO_FATAL_FAILURE(prepare({"t"}));
  slow_down("t");
  ASSERT_NO_FATAL_FAILURE(begin_and_see_rows_of("t"));
  exec("ALTER TABLE t ADD late text DEFAULT 'x'; ALTER TABLE t ALTER v SET DEFAULT 1");
  exec("CREATE TABLE t_b PARTITION OF t FOR VALUES FROM (100) TO (200)");
  speed_up();
  const auto facts = end();
  ASSERT_FALSE(facts.run.error) << facts.run.error->text();
  EXPECT_TRUE(facts_of(facts, "t").finished);
  EXPECT_EQ(target("(count(), sum(v))"), "(100,4950)");
}

// The stream's TRUNCATE would find no row yet, and the load's rows would outlive it.
TEST_F(LoadChanges, OfRowsThatAreOnTheirWayBeginTheLoadAgain) {
  create_table("t", 5);
  ASSERT_NO_FATAL_FAILURE(prepare({"t"}));
  test::shared_engine().slow_down(database_, "t", 2);
  brakes_.push_back("t");
  begin();
  const auto inserting =
      "SELECT count() FROM system.processes WHERE query LIKE 'INSERT INTO%' AND current_database = '" +
      database_ + "'";
  ASSERT_TRUE(test::eventually([&] { return test::shared_engine().value(inserting) == "1"; }));
  exec("TRUNCATE t");
  ASSERT_EQ(test::shared_engine().value(inserting), "1") << "too late";
  const auto error = facts_of(end(), "t").error;
  ASSERT_TRUE(error);
  EXPECT_EQ(error->reason, "TableChanged");
}

TEST_F(LoadChanges, BeforeALoadThatGoesOnBeginItAgain) {
  if (const auto lack = lacks_ranges(); !lack.empty()) GTEST_SKIP() << lack;
  create_table("t");
  ASSERT_NO_FATAL_FAILURE(prepare({"t"}));
  slow_down("t");
  ASSERT_NO_FATAL_FAILURE(begin_and_see_rows_of("t"));
  run_->stop(StopMode::AfterPartitions);
  auto former = end();
  ASSERT_FALSE(facts_of(former, "t").finished);
  exec("BEGIN; ALTER TABLE t RENAME TO x; CREATE TABLE t (id int PRIMARY KEY, v int, pad text); COMMIT");
  speed_up();
  request_ = {job_, system_, Lsn{1}, former.tables, std::nullopt, {}};
  begin();
  const auto error = facts_of(end(), "t").error;
  ASSERT_TRUE(error);
  EXPECT_EQ(error->reason, "TableChanged");
}

}  // namespace
}  // namespace penstock::pipeline
