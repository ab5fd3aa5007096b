// A user's publication that has some rows and some columns of a table.

#include <gmock/gmock.h>

#include "tests/integration/pipeline/loading.hpp"
#include "tests/integration/pipeline/streaming.hpp"

namespace penstock::pipeline {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

bool filters_rows() {
  return world_postgres().version() >= 150000;
}
constexpr const char* kTooOld = "row filters and column lists came with PostgreSQL 15";

class LoadOfAPart : public Loading {
 protected:
  void SetUp() override {
    if (!filters_rows()) GTEST_SKIP() << kTooOld;
  }
  /// Loads table t, and expects it to be finished.
  void load() {
    ASSERT_NO_FATAL_FAILURE(prepare({"t"}));
    begin();
    const auto facts = end();
    ASSERT_FALSE(facts.run.error) << facts.run.error->text();
    const auto table = facts_of(facts, "t");
    ASSERT_FALSE(table.error) << table.error->text();
    EXPECT_TRUE(table.finished);
  }
  [[nodiscard]] std::string columns() const {
    return test::shared_engine().value(
        "SELECT arrayStringConcat(groupArray(name), ' ') FROM (SELECT name FROM system.columns WHERE "
        "database "
        "= '" +
        database_ + "' AND table = 't' AND NOT startsWith(name, '_penstock') ORDER BY position)");
  }
  /// The load of t is to begin again, for this.
  void expect_changed(const std::string& why) {
    const auto table = facts_of(end(), "t");
    EXPECT_FALSE(table.finished);
    ASSERT_TRUE(table.error);
    EXPECT_EQ(table.error->reason, "TableChanged");
    EXPECT_THAT(table.error->message, HasSubstr(why));
  }
};

TEST_F(LoadOfAPart, ReadsItInEveryRangeOfBlocks) {
  create_table("t", 400);
  published_ = "TABLE t (id, v) WHERE (id > 100 AND id % 2 = 0 OR id = 7)";
  load();
  EXPECT_EQ(columns(), "id v");
  EXPECT_EQ(target("concat(toString(count()), ' ', toString(sum(v)))"), "151 37657");
}

TEST_F(LoadOfAPart, ReadsItOfEveryLeafByTheFilterOfTheRoot) {
  exec(
      "CREATE TABLE t (id int PRIMARY KEY, pad text, v int) PARTITION BY RANGE (id);"
      "CREATE TABLE t_a PARTITION OF t FOR VALUES FROM (0) TO (100);"
      "CREATE TABLE t_b (v int, gone int, pad text, id int NOT NULL PRIMARY KEY); ALTER TABLE t_b DROP gone;"
      "ALTER TABLE t ATTACH PARTITION t_b FOR VALUES FROM (100) TO (1000);"
      "INSERT INTO t SELECT i, 'secret', i * 2 FROM generate_series(0, 199) i; ANALYZE t");
  published_ =
      "TABLE t (id, v) WHERE (id > 90 AND id < 110), t_b WHERE (id < 105) WITH (publish_via_partition_root = "
      "true)";
  load();
  EXPECT_EQ(columns(), "id v");
  EXPECT_EQ(target("concat(toString(min(id)), ' ', toString(max(id)), ' ', toString(sum(v)))"),
            "91 109 3800");
}

TEST_F(LoadOfAPart, ReadsItOfEachChildByItsOwnFilter) {
  exec(
      "CREATE TABLE t (id int PRIMARY KEY, v int); CREATE TABLE child (more int, PRIMARY KEY (id)) INHERITS "
      "(t);"
      "INSERT INTO t SELECT i FROM generate_series(1, 10) i;"
      "INSERT INTO child SELECT i FROM generate_series(11, 20) i");
  order_by_ = {"id"};
  published_ = "TABLE ONLY t WHERE (id > 8), child WHERE (id < 13)";
  load();
  EXPECT_EQ(target("toString(arraySort(groupArray(id)))"), "[9,10,11,12]");
}

TEST_F(LoadOfAPart, BeginsAgainWhereThePublicationWasAlteredAfterItsSnapshot) {
  create_table("t");
  published_ = "TABLE t WHERE (id > 50)";
  ASSERT_NO_FATAL_FAILURE(prepare({"t"}));
  exec("ALTER PUBLICATION " + job_.publication + " SET TABLE t WHERE (id > 20)");
  begin();
  expect_changed("its publication was altered");
}

TEST_F(LoadOfAPart, BeginsAgainWhereThePublicationIsAlteredMeanwhile) {
  create_table("t");
  published_ = "TABLE t WHERE (id > 0)";
  ASSERT_NO_FATAL_FAILURE(prepare({"t"}));
  slow_down("t");
  ASSERT_NO_FATAL_FAILURE(begin_and_see_rows_of("t"));
  exec("ALTER PUBLICATION " + job_.publication + " SET TABLE t");
  ASSERT_FALSE(facts_of(run_->facts(), "t").finished) << "too late";
  speed_up();
  expect_changed("its publication was altered");
}

constexpr const char* kLarge = "(SELECT string_agg(md5(s::text), '') FROM generate_series(1, 300) s)";

class StreamOfAPart : public Streaming {
 protected:
  void SetUp() override {
    if (!filters_rows()) GTEST_SKIP() << kTooOld;
  }
  [[nodiscard]] std::string rows() const {
    return target("toString(arraySort(groupArrayIf((id, length(v)), _penstock_deleted = 0)))");
  }
};

TEST_F(StreamOfAPart, FollowsRowsIntoItAndOutOfIt) {
  published_ = "TABLE t WHERE (id > 10)";
  ASSERT_NO_FATAL_FAILURE(prepare(
      "CREATE TABLE t (id int PRIMARY KEY, v text, n int); ALTER TABLE t ALTER v SET STORAGE EXTERNAL",
      {"t"}));
  begin();
  exec(std::string("INSERT INTO t SELECT g, ") + kLarge + " FROM generate_series(1, 20) g WHERE g % 5 = 0");
  catch_up();
  EXPECT_EQ(rows(), "[(15,9600),(20,9600)]");
  // Neither change brings the large value, which it does not change.
  exec("UPDATE t SET id = 100 WHERE id = 5; UPDATE t SET id = 1 WHERE id = 15");
  catch_up();
  EXPECT_EQ(rows(), "[(20,9600),(100,9600)]");
  exec("UPDATE t SET id = 2 WHERE id = 100; DELETE FROM t WHERE id IN (10, 20)");
  catch_up();
  EXPECT_EQ(rows(), "[]");
}

TEST_F(StreamOfAPart, KeepsColumnsOutsideOfTheListOut) {
  published_ = "TABLE t (id, v)";
  ASSERT_NO_FATAL_FAILURE(prepare("CREATE TABLE t (id int PRIMARY KEY, secret text, v text)", {"t"}));
  begin();
  exec("INSERT INTO t VALUES (1, 'secret', 'a')");
  catch_up();
  exec(
      "ALTER TABLE t RENAME secret TO open; ALTER TABLE t ADD later text DEFAULT 'later'; INSERT INTO t "
      "VALUES (2, 'secret', 'bb')");
  catch_up();
  EXPECT_EQ(rows(), "[(1,1),(2,2)]");
  const auto all = target("toString(groupArray(tuple(*)))");
  EXPECT_THAT(all, testing::Not(HasSubstr("secret")));
  EXPECT_THAT(all, testing::Not(HasSubstr("later")));
  EXPECT_THAT(run_->facts().tables[0].differences, testing::IsEmpty());
}

class NewlyPublished : public Loading {
 protected:
  /// What Setup finds of t, which was `former` when it was loaded.
  bool is_found(const std::string& former) {
    job_.tables[0].former_definition = former;
    const auto report = set_up(job_, false);
    EXPECT_TRUE(report) << report.error().text();
    definition_ = report ? report->tables[0].definition : "";
    return report && report->tables[0].newly_published;
  }
  std::string definition_;  ///< of the last look
};

TEST_F(NewlyPublished, IsWhatThePublicationDidNotHaveInTheSameWayBefore) {
  create_table("t");
  exec("CREATE PUBLICATION theirs FOR TABLE t");
  job_ = job_for(database_, {"t"});
  job_.publication = "theirs";
  job_.owns_publication = false;
  EXPECT_TRUE(is_found(""));
  EXPECT_FALSE(is_found(definition_));
  exec("ALTER PUBLICATION theirs DROP TABLE t; ALTER PUBLICATION theirs ADD TABLE t");
  EXPECT_TRUE(is_found(definition_));
  EXPECT_FALSE(is_found(definition_));
}

}  // namespace
}  // namespace penstock::pipeline
