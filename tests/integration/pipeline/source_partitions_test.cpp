// Which partitions that join or leave a source table are told of, asked of a real catalog.

#include "dataplane/pipeline/source_partitions.hpp"

#include <gmock/gmock.h>

#include "tests/integration/pipeline/pipe_world.hpp"

namespace penstock::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Table t in two partitions, p1 with rows, looked at once.
class SourcePartitions : public testing::Test {
 protected:
  void SetUp() override {
    database_ = world_postgres().create_database();
    job_ = job_for(database_, {"t"});
    exec(
        "CREATE TABLE t (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);"
        "CREATE TABLE p1 PARTITION OF t FOR VALUES FROM (0) TO (100);"
        "CREATE TABLE p2 PARTITION OF t FOR VALUES FROM (100) TO (200);"
        "INSERT INTO t SELECT i, 'x' FROM generate_series(1, 50) i");
    ASSERT_EQ(look(), "");
  }

  void exec(const std::string& sql) { world_postgres().exec(sql, database_); }
  /// Table b of the same shape, with this many rows that fit a partition from 200 to 300.
  void make_beside(int rows) {
    exec(
        "CREATE TABLE b (id int PRIMARY KEY, v text); INSERT INTO b SELECT 199 + i, 'b' FROM "
        "generate_series(1, " +
        std::to_string(rows) + ") i");
  }
  static constexpr const char* kAttach = "ALTER TABLE t ATTACH PARTITION b FOR VALUES FROM (200) TO (300)";

  /// What a look finds, which remembers as the status does.
  std::string look() {
    const auto tables = postgres::read_tables(job_.source, {job_.tables[0].source});
    if (!tables || !tables->front()) return "no table";
    PartitionQuestion question{known_, truncates_, listed_, truncated_by_, streamed_parts_};
    question.proven = proven_;
    const auto look = look_at_partitions(job_.source, *tables->front(), question);
    if (!look) return look.error().text();
    known_ = look->known;
    unproven_ = look->unproven;
    return look->drift;
  }
  /// It is told of, now and at the next look.
  void expect_told(const std::string& what) {
    EXPECT_THAT(look(), HasSubstr(what));
    EXPECT_THAT(look(), HasSubstr(what));
  }
  /// It is not, neither now nor when the stream has brought rows of it.
  void expect_untold() {
    EXPECT_EQ(look(), "");
    exec("INSERT INTO t VALUES (201, 'streamed')");
    EXPECT_EQ(look(), "");
  }

  void truncate_and_fill() {
    auto session = world_postgres().session(database_);
    session.exec("BEGIN; TRUNCATE t; INSERT INTO t VALUES (1, 'streamed')");
    truncated_by_ = {static_cast<std::uint32_t>(std::stoul(session.value("SELECT pg_current_xact_id()")))};
    session.exec("COMMIT");
  }

  std::uint32_t oid_of(const std::string& table) {
    return static_cast<std::uint32_t>(
        std::stoul(world_postgres().value("SELECT '" + table + "'::regclass::oid", database_)));
  }
  /// Those of this table are to be compared with the target's; then it is told of, or not.
  void expect_unproven(const std::string& table) {
    EXPECT_EQ(look(), "");
    ASSERT_THAT(unproven_, ElementsAre(oid_of(table)));
    proven_[oid_of(table)] = RowsAre::Different;
    expect_told("public." + table + " was attached, rows of it are not in the target");
    proven_[oid_of(table)] = RowsAre::Unknown;
    expect_told("public." + table + " was attached, and whether all of its rows are in the target cannot be");
    proven_[oid_of(table)] = RowsAre::Equal;
    EXPECT_EQ(look(), "");
    proven_.clear();
    EXPECT_EQ(look(), "");
    EXPECT_THAT(unproven_, IsEmpty());
  }

  bool listed_ = true;
  std::map<std::uint32_t, std::uint32_t> streamed_parts_;
  std::map<std::uint32_t, RowsAre> proven_;
  std::vector<std::uint32_t> unproven_;
  std::vector<std::uint32_t> truncated_by_;
  std::string database_;
  PipeJob job_;
  std::string known_;
  bool truncates_ = true;
};

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

TEST_F(SourcePartitions, ThatAreTruncatedByThemselvesAreToldOfUntilTheWholeTableIs) {
  exec("TRUNCATE p1");
  expect_told("public.p1 was truncated, its rows are still in the target");
  exec("INSERT INTO t VALUES (1, 'streamed')");
  exec("GRANT SELECT ON p1 TO PUBLIC");
  exec("VACUUM FULL p1");
  expect_told("public.p1 was truncated");
  truncate_and_fill();
  EXPECT_EQ(look(), "");
  EXPECT_EQ(look(), "");
}

TEST_F(SourcePartitions, WithAFileThatNoTruncateOfTheStreamMadeAreToldOfAtTheSecondLook) {
  truncate_and_fill();
  const auto by = truncated_by_;
  truncated_by_ = {1};
  EXPECT_EQ(look(), "");
  expect_told("no TRUNCATE of it has come");
  truncated_by_ = by;
  EXPECT_EQ(look(), "");
}

TEST_F(SourcePartitions, ThatWereUnloggedForAWhileAreToldOf) {
  exec("ALTER TABLE p1 SET UNLOGGED; ALTER TABLE p2 SET UNLOGGED");
  exec("UPDATE t SET v = 'in no WAL'");
  exec("ALTER TABLE p1 SET LOGGED; ALTER TABLE p2 SET LOGGED");
  (void)look();
  expect_told("p1");
}

TEST_F(SourcePartitions, OfATableThatIsEmptyAreDoubtedAsLongAsItsTargetHasRows) {
  exec("CREATE TABLE u (id int PRIMARY KEY, v text); INSERT INTO u VALUES (1, 'a')");
  job_.tables[0].source.name = "u";
  listed_ = false;
  known_ = "";
  ASSERT_EQ(look(), "");
  exec("ALTER TABLE u SET UNLOGGED; DELETE FROM u; ALTER TABLE u SET LOGGED");
  EXPECT_EQ(look(), "");
  expect_told("may have been UNLOGGED");
  known_ = without_doubts(known_);
  EXPECT_EQ(look(), "");
}

TEST_F(SourcePartitions, OfATableThatNoPublicationListsAreToldOfWhenTheyWereUnlogged) {
  exec("CREATE TABLE u (id int PRIMARY KEY, v text); INSERT INTO u VALUES (1, 'a')");
  job_.tables[0].source.name = "u";
  listed_ = false;
  known_ = "";
  ASSERT_EQ(look(), "");
  exec("ALTER TABLE u SET UNLOGGED; INSERT INTO u VALUES (2, 'in no WAL'); ALTER TABLE u SET LOGGED");
  EXPECT_EQ(look(), "");
  expect_told("may have been UNLOGGED");
  exec("VACUUM FULL u");
  expect_told("may have been UNLOGGED");
}

TEST_F(SourcePartitions, ThatAreTruncatedAreNotToldOfWhereThatIsToChangeNothing) {
  truncates_ = false;
  exec("TRUNCATE p1");
  EXPECT_EQ(look(), "");
}

TEST_F(SourcePartitions, WhoseFilesAreMadeAnewWithTheirRowsAreNotToldOf) {
  exec("VACUUM FULL p1");
  EXPECT_EQ(look(), "");
  exec("CLUSTER p1 USING p1_pkey");
  EXPECT_EQ(look(), "");
  exec("VACUUM FULL");
  EXPECT_EQ(look(), "");
}

TEST_F(SourcePartitions, WhoseRowsAreRewrittenAreToldOfByTheColumn) {
  exec("ALTER TABLE t ALTER v TYPE text USING v || '!'");
  expect_told("column v was added or altered in a way that rewrote the rows");
  exec("VACUUM FULL t");
  expect_told("column v was");
  exec("TRUNCATE t");
  EXPECT_EQ(look(), "");
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
