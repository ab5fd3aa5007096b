// Tables that are changed after Setup and before a load that has its own snapshot: it was paused meanwhile,
// or the table was added to a pipe that streams. Rows that were streamed in between would hide what it loads.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/integration/pipeline/loading.hpp"
#include "tests/support/sql_text.hpp"

namespace penstock::pipeline {
namespace {

using testing::HasSubstr;

struct Change {
  const char* name;
  const char* sql;
  const char* told;  ///< empty: the load goes on
};

std::ostream& operator<<(std::ostream& out, const Change& change) {
  return out << change.name;
}

class ChangedSinceSetup : public Loading, public testing::WithParamInterface<Change> {
 protected:
  /// Of table t, where the slot's snapshot is gone.
  TableLoad load() {
    request_.slot.reset();
    begin();
    const auto facts = end();
    EXPECT_FALSE(facts.run.error) << facts.run.error->text();
    return facts_of(facts, "t");
  }
};

class APlainTable : public ChangedSinceSetup {};

TEST_P(APlainTable, IsLoadedAnewWhereStreamedRowsMayBeOld) {
  exec(
      "CREATE TABLE t (id int PRIMARY KEY, v int, w int); INSERT INTO t SELECT i, i, -i FROM "
      "generate_series(1, 20) i");
  published_ = "TABLE t";
  ASSERT_NO_FATAL_FAILURE(prepare({"t"}));
  for (const auto& statement : test::statements_of(GetParam().sql))
    exec(fmt::format(fmt::runtime(statement), job_.publication));
  const auto table = load();
  const bool goes_on = *GetParam().told == 0;
  EXPECT_EQ(table.finished, goes_on);
  ASSERT_EQ(table.error.has_value(), !goes_on) << table.error->text();
  if (goes_on) {
    EXPECT_EQ(differences(), "");
    return;
  }
  EXPECT_EQ(table.error->reason, "TableChanged");
  EXPECT_THAT(table.error->message, HasSubstr(GetParam().told));
}

INSTANTIATE_TEST_SUITE_P(
    Of, APlainTable,
    testing::Values(
        Change{"Nothing", "UPDATE t SET v = 7 WHERE id < 5; ANALYZE t; VACUUM t", ""},
        Change{"AColumnWithAConstant", "ALTER TABLE t ADD c int DEFAULT 5, ALTER v SET NOT NULL", ""},
        Change{"AnIndex", "CREATE UNIQUE INDEX ON t (v); ALTER TABLE t SET (fillfactor = 50)", ""},
        Change{"VolatileDefault", "ALTER TABLE t ADD r text DEFAULT random()::text", "rewritten"},
        Change{"RewrittenThenMoved", "ALTER TABLE t ADD r float8 DEFAULT random(); VACUUM FULL t",
               "rewritten"},
        Change{"Using", "ALTER TABLE t ALTER v TYPE int USING v * 2", "rewritten"},
        Change{"Unlogged",
               "ALTER PUBLICATION {0} DROP TABLE t; ALTER TABLE t SET UNLOGGED; UPDATE t SET v = 9; ALTER "
               "TABLE t SET LOGGED; "
               "ALTER PUBLICATION {0} ADD TABLE t",
               "rewritten"},
        Change{"ColumnReplaced", "ALTER TABLE t DROP v, ADD v int DEFAULT 5", "column v was dropped"},
        Change{"ColumnsTraded",
               "ALTER TABLE t RENAME v TO x; ALTER TABLE t RENAME w TO v; ALTER TABLE t RENAME x TO w",
               "another column has its name"},
        Change{"KeyMadeAnew",
               "ALTER TABLE t REPLICA IDENTITY FULL; ALTER TABLE t DROP CONSTRAINT t_pkey; INSERT INTO t "
               "VALUES (5, 0, 0); DELETE FROM t WHERE "
               "ctid IN "
               "(SELECT max(ctid) FROM t WHERE id = 5); ALTER TABLE t ADD PRIMARY KEY (id); ALTER TABLE t "
               "REPLICA IDENTITY DEFAULT",
               "its key was dropped"},
        Change{"NotPublishedForAWhile",
               "ALTER PUBLICATION {0} DROP TABLE t; UPDATE t SET v = 9; ALTER PUBLICATION {0} ADD TABLE t",
               "its publication was altered"}),
    [](const auto& change) { return change.param.name; });

class APartitionedTable : public ChangedSinceSetup {};

TEST_P(APartitionedTable, IsLoadedAnewWhereAPartitionMayHaveChangedUnseen) {
  exec(
      "CREATE TABLE t (id int PRIMARY KEY, v int) PARTITION BY RANGE (id);"
      "CREATE TABLE a PARTITION OF t FOR VALUES FROM (0) TO (100);"
      "CREATE TABLE b PARTITION OF t FOR VALUES FROM (100) TO (200); CREATE TABLE c (id int PRIMARY KEY, v "
      "int);"
      "INSERT INTO c VALUES (250, 1); INSERT INTO t SELECT i, i FROM generate_series(0, 199) i");
  ASSERT_NO_FATAL_FAILURE(prepare({"t"}));
  exec(GetParam().sql);
  const auto table = load();
  const bool goes_on = *GetParam().told == 0;
  EXPECT_EQ(table.finished, goes_on);
  ASSERT_EQ(table.error.has_value(), !goes_on) << table.error->text();
  if (goes_on)
    EXPECT_EQ(differences(), "");
  else
    EXPECT_THAT(table.error->message, HasSubstr(GetParam().told));
}

INSTANTIATE_TEST_SUITE_P(
    Of, APartitionedTable,
    testing::Values(
        Change{"NewPartition",
               "CREATE TABLE d PARTITION OF t FOR VALUES FROM (300) TO (400); INSERT INTO t VALUES (301, 1)",
               ""},
        Change{"AttachedWithRows", "ALTER TABLE t ATTACH PARTITION c FOR VALUES FROM (200) TO (300)", ""},
        Change{"Detached", "ALTER TABLE t DETACH PARTITION b", "detached"},
        Change{"DroppedAndMadeAgain",
               "DROP TABLE b; CREATE TABLE b PARTITION OF t FOR VALUES FROM (100) TO (200)", "detached"},
        Change{"DetachedAndBack",
               "ALTER TABLE t DETACH PARTITION b; UPDATE b SET v = 9; ALTER TABLE t ATTACH PARTITION b FOR "
               "VALUES FROM (100) TO (200)",
               "detached"},
        Change{"OneRewritten", "ALTER TABLE t ADD r text DEFAULT random()::text", "rewritten"}),
    [](const auto& change) { return change.param.name; });

}  // namespace
}  // namespace penstock::pipeline
