// Which partitions that join or leave a source table are told of, asked of a real catalog.

#include "tests/integration/pipeline/source_partitions.hpp"

namespace penstock::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(SourcePartitions, ThatAreMadeEmptyAreNotToldOf) {
  exec("CREATE TABLE p3 PARTITION OF t FOR VALUES FROM (200) TO (300)");
  expect_untold();
}

TEST_F(SourcePartitions, ThatAreFilledBeforeTheNextLookAreNotToldOf) {
  exec("CREATE TABLE p3 PARTITION OF t FOR VALUES FROM (200) TO (300)");
  exec("INSERT INTO t VALUES (250, 'streamed')");
  expect_untold();
}

TEST_F(SourcePartitions, WithRowsAreToldOfThoughTheseWereRewrittenBeforeTheLook) {
  make_beside(3);
  exec(kAttach);
  exec("ALTER TABLE b SET UNLOGGED; ALTER TABLE b SET LOGGED");
  expect_told("public.b was attached");
}

TEST_F(SourcePartitions, WithRowsAreToldOfThoughAnAlterRewroteAllBeforeTheLook) {
  make_beside(3);
  exec(kAttach);
  exec("ALTER TABLE t ALTER v TYPE int USING length(v)");
  EXPECT_THAT(look(), HasSubstr("public.b was attached"));
}

TEST_F(SourcePartitions, ThatWereUnloggedForAWhileBeforeTheLookAreToldOf) {
  exec(
      "CREATE TABLE p3 PARTITION OF t FOR VALUES FROM (200) TO (300); INSERT INTO t VALUES (250, "
      "'streamed')");
  exec("ALTER TABLE p3 SET UNLOGGED; INSERT INTO t VALUES (251, 'in no WAL'); ALTER TABLE p3 SET LOGGED");
  expect_told("public.p3 was attached");
}

TEST_F(SourcePartitions, ThatWereEmptiedOrMovedBeforeTheLookAreNotToldOf) {
  make_beside(3);
  exec("TRUNCATE b");
  exec(kAttach);
  exec("INSERT INTO t VALUES (250, 'streamed')");
  exec("VACUUM FULL b");
  rows_are_ = RowsAre::Equal;
  expect_untold();
}

TEST_F(SourcePartitions, ThatAreMadeAndFilledInOneTransactionAreNotToldOf) {
  exec(
      "BEGIN; CREATE TABLE p3 PARTITION OF t FOR VALUES FROM (200) TO (300);"
      "INSERT INTO t VALUES (250, 'streamed'); COMMIT");
  expect_untold();
}

TEST_F(SourcePartitions, ThatAreFilledByATransactionThatIsOlderThanTheyAreNotToldOf) {
  auto older = world_postgres().session(database_);
  older.exec("BEGIN; SELECT txid_current()");
  exec("CREATE TABLE p4 PARTITION OF t FOR VALUES FROM (200) TO (300)");
  older.exec("INSERT INTO t VALUES (250, 'streamed'); COMMIT");
  expect_untold();
}

TEST_F(SourcePartitions, ThatAreAttachedEmptyAreNotToldOf) {
  make_beside(0);
  exec(kAttach);
  exec("INSERT INTO t VALUES (250, 'streamed')");
  expect_untold();
}

TEST_F(SourcePartitions, ThatAnOlderTransactionAttachesWithRowsAreUnproven) {
  auto older = world_postgres().session(database_);
  older.exec("BEGIN; SELECT txid_current()");
  make_beside(3);
  older.exec(std::string(kAttach) + "; COMMIT");
  expect_unproven("b");
}

TEST_F(SourcePartitions, ThatAreAttachedWithRowsOfASavepointAreUnproven) {
  exec(
      "BEGIN; CREATE TABLE b (id int PRIMARY KEY, v text); SAVEPOINT s; INSERT INTO b VALUES (200, 'b');"
      "RELEASE s; ALTER TABLE t ATTACH PARTITION b FOR VALUES FROM (200) TO (300); COMMIT");
  expect_unproven("b");
}

TEST_F(SourcePartitions, OfOneThatAnOlderTransactionAttachesAreUnproven) {
  auto older = world_postgres().session(database_);
  older.exec("BEGIN; SELECT txid_current()");
  exec("CREATE TABLE m (id int PRIMARY KEY, v text) PARTITION BY RANGE (id)");
  exec("CREATE TABLE b PARTITION OF m FOR VALUES FROM (200) TO (250); INSERT INTO m VALUES (201, 'b')");
  older.exec("ALTER TABLE t ATTACH PARTITION m FOR VALUES FROM (200) TO (300); COMMIT");
  expect_unproven("b");
}

TEST_F(SourcePartitions, ThatAreMadeAsSuchAndFilledBelowASavepointAreNotToldOf) {
  exec("ALTER TABLE t ALTER v SET DEFAULT 'd'; CREATE INDEX ON t (v)");
  exec(
      "BEGIN; SAVEPOINT a; CREATE TABLE p3 PARTITION OF t FOR VALUES FROM (200) TO (300); RELEASE a;"
      "SAVEPOINT b; INSERT INTO t VALUES (250, 'streamed'); RELEASE b; COMMIT");
  EXPECT_EQ(look(), "");
  EXPECT_THAT(unproven_, IsEmpty());
  expect_untold();
}

TEST_F(SourcePartitions, ThatAreAttachedBelowASavepointAndFilledInOneTransactionAreUnproven) {
  auto writes = world_postgres().session(database_);
  writes.exec(
      "BEGIN; SAVEPOINT s; CREATE TABLE b (id int PRIMARY KEY, v text); ALTER TABLE t ATTACH PARTITION b FOR "
      "VALUES FROM (200) TO (300); RELEASE s; INSERT INTO t VALUES (250, 'x')");
  streamed_parts_[static_cast<std::uint32_t>(std::stoul(writes.value("SELECT 'b'::regclass::oid")))] =
      static_cast<std::uint32_t>(std::stoul(writes.value("SELECT pg_current_xact_id()")));
  writes.exec("COMMIT");
  expect_unproven("b");
}

TEST_F(SourcePartitions, ThatWereDetachedAndAttachedAgainBeforeTheFirstLookAreToldOf) {
  auto writes = world_postgres().session(database_);
  writes.exec(
      "CREATE TABLE p3 PARTITION OF t FOR VALUES FROM (200) TO (300); BEGIN; INSERT INTO t VALUES (250, "
      "'x')");
  streamed_parts_[static_cast<std::uint32_t>(std::stoul(writes.value("SELECT 'p3'::regclass::oid")))] =
      static_cast<std::uint32_t>(std::stoul(writes.value("SELECT pg_current_xact_id()")));
  writes.exec("COMMIT; ALTER TABLE t DETACH PARTITION p3; DELETE FROM p3");
  writes.exec("ALTER TABLE t ATTACH PARTITION p3 FOR VALUES FROM (200) TO (300)");
  expect_told("public.p3 was detached and attached again");
  streamed_parts_.clear();  // the process began anew
  expect_told("public.p3 was detached and attached again");
}

TEST_F(SourcePartitions, ThatAreAttachedWithRowsAreToldOf) {
  make_beside(5);
  exec(kAttach);
  exec("INSERT INTO t VALUES (250, 'streamed')");
  expect_told("public.b was attached, rows of it are not in the target");
}

TEST_F(SourcePartitions, ThatAreMadeFilledAndAttachedInOneTransactionAreToldOf) {
  exec(
      "BEGIN; CREATE TABLE b (id int PRIMARY KEY, v text); INSERT INTO b VALUES (200, 'b');"
      "ALTER TABLE t ATTACH PARTITION b FOR VALUES FROM (200) TO (300); COMMIT");
  expect_told("public.b was attached");
}

TEST_F(SourcePartitions, AreNotToldOfAnyMoreOnceTheStreamHasBroughtTheirRows) {
  make_beside(5);
  exec(kAttach);
  expect_told("public.b was attached");
  exec("UPDATE t SET v = 'streamed' WHERE id >= 200");
  EXPECT_EQ(look(), "");
}

TEST_F(SourcePartitions, ThatArePartitionedThemselvesAreLookedInto) {
  make_beside(5);
  exec("CREATE TABLE m (id int PRIMARY KEY, v text) PARTITION BY RANGE (id)");
  exec("ALTER TABLE m ATTACH PARTITION b FOR VALUES FROM (200) TO (250)");
  exec("CREATE TABLE c PARTITION OF m FOR VALUES FROM (250) TO (300)");
  exec("ALTER TABLE t ATTACH PARTITION m FOR VALUES FROM (200) TO (300)");
  expect_told("public.b was attached");
  EXPECT_EQ(look().find("public.c"), std::string::npos);
}

TEST_F(SourcePartitions, ThatAreDetachedAreToldOfByName) {
  exec("ALTER TABLE t DETACH PARTITION p1");
  expect_told("public.p1 was detached, its rows are still in the target");
}

TEST_F(SourcePartitions, ThatAreDroppedAreCounted) {
  exec("DROP TABLE p1");
  expect_told("a partition was dropped, ");
  exec("DROP TABLE p2");
  expect_told("2 partitions were dropped, ");
}

TEST_F(SourcePartitions, ThatWereDetachedAndAttachedAgainBetweenTwoLooksAreToldOf) {
  exec("ALTER TABLE t DETACH PARTITION p1; UPDATE p1 SET v = 'unseen'");
  exec("ALTER TABLE t ATTACH PARTITION p1 FOR VALUES FROM (0) TO (100)");
  expect_told("public.p1 was detached and attached again");
}

TEST_F(SourcePartitions, WhoseRowsWereAllDeletedWhileTheyWereDetachedAreToldOf) {
  exec(
      "BEGIN; ALTER TABLE t DETACH PARTITION p1; DELETE FROM p1;"
      "ALTER TABLE t ATTACH PARTITION p1 FOR VALUES FROM (0) TO (100); COMMIT");
  expect_told("public.p1 was detached and attached again");
}

TEST_F(SourcePartitions, WhoseRowsMayNotBeReadAreJudgedByTheirSize) {
  make_beside(5);
  exec(kAttach);
  exec("CREATE TABLE p4 PARTITION OF t FOR VALUES FROM (300) TO (400); INSERT INTO t VALUES (301, 'x')");
  exec("CREATE ROLE poor_" + database_ + " LOGIN PASSWORD 'poor'");
  job_.source.user = "poor_" + database_;
  job_.source.password = Secret("poor");
  expect_told("public.b was attached");
  EXPECT_EQ(look().find("p4"), std::string::npos);
}

TEST_F(SourcePartitions, OfPlainInheritanceAreAlwaysToldOf) {
  exec("CREATE TABLE i (id int PRIMARY KEY, v text); CREATE TABLE i1 () INHERITS (i)");
  job_.tables[0].source.name = "i";
  known_ = "";
  ASSERT_EQ(look(), "");
  exec("CREATE TABLE i2 () INHERITS (i)");
  expect_told("public.i2 was attached");
  exec("ALTER TABLE i1 NO INHERIT i");
  expect_told("public.i1 was detached");
}

TEST_F(SourcePartitions, AreNoneInATableWithoutAndTheFirstOneIsSeen) {
  exec("CREATE TABLE e (id int PRIMARY KEY, v text) PARTITION BY RANGE (id)");
  job_.tables[0].source.name = "e";
  known_ = "";
  ASSERT_EQ(look(), "");
  make_beside(5);
  exec("ALTER TABLE e ATTACH PARTITION b FOR VALUES FROM (200) TO (300)");
  expect_told("public.b was attached");
}

}  // namespace
}  // namespace penstock::pipeline
