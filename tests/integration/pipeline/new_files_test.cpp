// What became of the rows of partitions that have another file, asked of a real catalog.

#include "tests/integration/pipeline/source_partitions.hpp"

namespace penstock::pipeline {
namespace {

TEST_F(SourcePartitions, ThatAreTruncatedByThemselvesAreToldOfUntilTheWholeTableIs) {
  rows_are_ = RowsAre::Different;
  exec("TRUNCATE p1");
  expect_told("public.p1 has a new file, and the target has other rows");
  exec("INSERT INTO t VALUES (1, 'streamed')");
  exec("GRANT SELECT ON p1 TO PUBLIC");
  rows_are_ = RowsAre::Unknown;
  exec("VACUUM FULL p1");
  expect_told("public.p1 has a new file");
  truncate_and_fill();
  EXPECT_EQ(look(), "");
  EXPECT_EQ(look(), "");
}

TEST_F(SourcePartitions, ThatAreTruncatedAreToldOfThoughAllAreMovedLater) {
  exec("TRUNCATE p1");
  EXPECT_EQ(look(), "");
  expect_told("public.p1 has a new file without a row of before");
  exec("INSERT INTO t VALUES (1, 'x'), (101, 'x')");
  exec("VACUUM FULL t");
  exec("GRANT SELECT ON p1 TO PUBLIC");
  rows_are_ = RowsAre::TooLong;
  expect_told("public.p1 has a new file without a row of before");
}

TEST_F(SourcePartitions, ThatAreTruncatedBesideTheTruncateOfTheStreamAreToldOf) {
  truncate_and_fill();
  exec("TRUNCATE p1");
  rows_are_ = RowsAre::Different;
  expect_told("public.p1 has a new file, and the target has other rows");
  exec("VACUUM FULL p1");
  expect_told("public.p1 ");
}

TEST_F(SourcePartitions, ThatAreTruncatedWithinTheTruncateOfTheStreamAreToldOf) {
  truncate_and_fill();
  rows_are_ = RowsAre::Different;
  expect_told("public.p1 has a new file, and the target has other rows");
}

TEST_F(SourcePartitions, ThatAreTruncatedFilledAndGrantedAreToldOf) {
  exec("TRUNCATE p1; INSERT INTO t VALUES (1, 'streamed'); GRANT SELECT ON p1 TO PUBLIC");
  EXPECT_EQ(look(), "");
  expect_told("public.p1 has a new file without a row of before");
}

TEST_F(SourcePartitions, ThatAreTruncatedAndFilledByAnOlderTransactionAreToldOf) {
  auto older = world_postgres().session(database_);
  older.exec("BEGIN; SELECT txid_current()");
  exec("TRUNCATE p1");
  older.exec("INSERT INTO t VALUES (1, 'streamed'); COMMIT");
  EXPECT_EQ(look(), "");
  expect_told("public.p1 has a new file without a row of before");
}

TEST_F(SourcePartitions, WhoseRowsAreAllNewAreNotToldOfWhereTheTargetHasThem) {
  exec("CREATE TABLE p3 PARTITION OF t FOR VALUES FROM (200) TO (300)");
  ASSERT_EQ(look(), "");
  exec("INSERT INTO t VALUES (250, 'streamed')");
  exec("VACUUM FULL p3");
  exec("VACUUM FULL p2");
  rows_are_ = RowsAre::Equal;
  EXPECT_EQ(look(), "");
  rows_are_ = RowsAre::Different;
  EXPECT_EQ(look(), "") << "compared once";
}

TEST_F(SourcePartitions, ThatAreWrittenAnewRowByRowAreNotToldOfWhereTheTableIsTooLargeToCompare) {
  exec("CREATE TABLE anew (LIKE p1); INSERT INTO anew SELECT * FROM p1");
  // As pg_repack does.
  exec(
      "SET allow_system_table_mods = on; UPDATE pg_class p SET relfilenode = n.relfilenode FROM pg_class n "
      "WHERE p.relname = 'p1' AND "
      "n.relname "
      "= 'anew'");
  rows_are_ = RowsAre::Different;
  const auto known = known_;
  expect_told("public.p1 has a new file, and the target has other rows");
  known_ = known;
  rows_are_ = RowsAre::TooLong;
  EXPECT_EQ(look(), "");
  EXPECT_EQ(look(), "");
}

TEST_F(SourcePartitions, WithRowsOfBeforeTheLastLookButOneAreSeenToBeMoved) {
  exec("CREATE TABLE p3 PARTITION OF t FOR VALUES FROM (200) TO (300)");
  ASSERT_EQ(look(), "");
  exec("INSERT INTO t VALUES (250, 'streamed')");
  for (int at = 0; at < 120; ++at)
    exec("SELECT pg_current_xact_id()");
  ASSERT_EQ(look(), "");
  exec("VACUUM FULL p3");
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
  rows_are_ = RowsAre::Equal;
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
  exec("TRUNCATE p1; INSERT INTO t VALUES (1, 'streamed')");
  rows_are_ = RowsAre::TooLong;
  EXPECT_EQ(look(), "");
  EXPECT_EQ(look(), "");
  exec("TRUNCATE p1; INSERT INTO t VALUES (1, 'not streamed')");
  rows_are_ = RowsAre::Different;
  expect_told("public.p1 has a new file, and the target has other rows");
}

TEST_F(SourcePartitions, OfALogThatHaveANewFileWithRowsAreToldOf) {
  truncates_ = false;
  appends_ = true;
  exec("TRUNCATE p1");
  exec("INSERT INTO t SELECT i, 'streamed' FROM generate_series(1, 50) i");
  EXPECT_EQ(look(), "");
  EXPECT_EQ(look(), "");
  exec("ALTER TABLE p1 SET UNLOGGED; INSERT INTO t VALUES (99, 'in no WAL'); ALTER TABLE p1 SET LOGGED");
  EXPECT_EQ(look(), "");
  expect_told("public.p1 has a new file without a row of before");
  exec("UPDATE t SET v = 'streamed'");
  exec("VACUUM FULL p1");
  exec("GRANT SELECT ON p1 TO PUBLIC");
  expect_told("public.p1 has a new file without a row of before");
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
  truncate_and_fill();
  EXPECT_EQ(look(), "");
}

}  // namespace
}  // namespace penstock::pipeline
