// The source's tables change under a running stream.

#include "tests/integration/pipeline/streaming.hpp"

namespace penstock::pipeline {
namespace {

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

}  // namespace
}  // namespace penstock::pipeline
