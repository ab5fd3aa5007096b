// TRUNCATE of tables, and of parts of them, under a running stream.

#include <gmock/gmock.h>

#include <mutex>

#include "core/log.hpp"
#include "tests/integration/pipeline/streaming.hpp"

namespace penstock::pipeline {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class Truncates : public Streaming {
 protected:
  /// Table t in three heaps, with rows in each and in table other, all of them in the targets.
  void inherited() {
    order_by_ = {"id"};  // no two of them hold one key
    ASSERT_NO_FATAL_FAILURE(
        prepare("CREATE TABLE t (id int PRIMARY KEY, a int); CREATE TABLE t1 (PRIMARY KEY (id)) INHERITS (t);"
                "CREATE TABLE t2 (PRIMARY KEY (id)) INHERITS (t1); CREATE TABLE other (id int PRIMARY KEY)",
                {"t", "other"}));
    exec(
        "INSERT INTO t VALUES (1, 1); INSERT INTO t1 VALUES (2, 2); INSERT INTO t2 VALUES (3, 3);"
        "INSERT INTO other VALUES (1)");
    begin({0ms, 0});
    catch_up();
    ASSERT_EQ(target("count()"), "3");
  }
  /// The table is set apart, with its rows as they were, and the other goes on.
  void expect_set_apart(const std::string& emptied) {
    exec("INSERT INTO other VALUES (2)");
    const auto fault = [&] { return run_->facts().tables[0].error; };
    ASSERT_TRUE(test::eventually([&] { return fault().has_value() || run_->facts().run.ended; }, 30s));
    ASSERT_TRUE(fault());
    EXPECT_EQ(fault()->reason, "TruncatedInPart");
    EXPECT_THAT(fault()->message, HasSubstr("only " + emptied + " was emptied"));
    EXPECT_EQ(target("count()"), "3");
    // The source keeps what the table lacks until a stream begins without it.
    EXPECT_TRUE(test::eventually([&] { return target("count()", "other") == "2"; }, 30s));
  }
};

TEST_F(Truncates, BuryEveryRow) {
  ASSERT_NO_FATAL_FAILURE(prepare("CREATE TABLE t (id int PRIMARY KEY, a int)", {"t"}));
  begin();
  exec("INSERT INTO t SELECT i, i FROM generate_series(2, 1000) i");
  exec("BEGIN; INSERT INTO t VALUES (2000, 1); TRUNCATE t; INSERT INTO t VALUES (5, 55); COMMIT");
  catch_up();
  EXPECT_EQ(target("arraySort(groupArray((id, a)))"), "[(5,55)]");
}

TEST_F(Truncates, OfATableInManyPartitionsBuryEveryRow) {
  ASSERT_NO_FATAL_FAILURE(prepare("CREATE TABLE t (id int, day date, PRIMARY KEY (id, day))", {"t"},
                                  clickhouse::Engine::ReplacingMergeTree, "toYYYYMM(day)"));
  exec("INSERT INTO t SELECT g, '2000-01-15'::date + g * 31 FROM generate_series(1, 200) g");
  begin();
  catch_up();
  EXPECT_EQ(target("count()"), "200");
  exec("TRUNCATE t; INSERT INTO t VALUES (1, '2024-01-01')");
  catch_up();
  EXPECT_EQ(target("groupArray((id, day))"), "[(1,'2024-01-01')]");
}

TEST_F(Truncates, HoldTheirOwnTableAloneWhereItsTargetTakesNoMoreParts) {
  ASSERT_NO_FATAL_FAILURE(prepare(
      "CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE other (id int PRIMARY KEY)", {"t", "other"}));
  begin({10min, 1u << 30});
  exec("INSERT INTO t VALUES (1), (2)");
  catch_up();
  auto& engine = test::shared_engine();
  const auto name = "`" + database_ + "`.t";
  engine.query("SYSTEM STOP MERGES " + name);
  engine.query("ALTER TABLE " + name + " MODIFY SETTING parts_to_throw_insert = 1");
  exec("TRUNCATE t");
  exec("INSERT INTO other VALUES (1)");
  EXPECT_TRUE(test::eventually([&] { return target("count()", "other") == "1"; }, 30s))
      << "the other table waits with it";
  ASSERT_TRUE(run_->facts().run.retrying);
  EXPECT_EQ(target("count()"), "2");
  engine.query("ALTER TABLE " + name + " MODIFY SETTING parts_to_throw_insert = 3000");
  EXPECT_TRUE(test::eventually([&] { return target("count()") == "0"; }, 40s));
}

TEST_F(Truncates, OfATableAndAllThatInheritBuryEveryRow) {
  ASSERT_NO_FATAL_FAILURE(inherited());
  exec("TRUNCATE t; INSERT INTO t2 VALUES (4, 4)");
  catch_up();
  EXPECT_EQ(target("groupArray(id)"), "[4]");
}

TEST_F(Truncates, OfOneThatInheritsBuryNoRowOfTheOthers) {
  ASSERT_NO_FATAL_FAILURE(inherited());
  exec("TRUNCATE t2");
  expect_set_apart("public.t2");
}

TEST_F(Truncates, OfOneTableOnlyBuryNoRowOfThoseThatInherit) {
  ASSERT_NO_FATAL_FAILURE(inherited());
  exec("TRUNCATE ONLY t");
  expect_set_apart("public.t");
}

std::mutex logged_mutex;
std::string logged;

TEST_F(Truncates, LeaveNoTraceInALogOfChangesButAWarning) {
  log::set_sink([](log::Level level, std::string_view, std::string_view message) {
    const std::lock_guard lock(logged_mutex);
    if (level == log::Level::Warn) logged += message;
  });
  ASSERT_NO_FATAL_FAILURE(
      prepare("CREATE TABLE t (id int PRIMARY KEY, a int)", {"t"}, clickhouse::Engine::MergeTree));
  begin();
  exec("INSERT INTO t VALUES (1, 1)");
  exec("TRUNCATE t; INSERT INTO t VALUES (1, 2)");
  catch_up();
  run_.reset();
  log::set_sink(nullptr);
  EXPECT_EQ(test::shared_engine().value("SELECT arraySort(groupArray((id, a))) FROM `" + database_ + "`.t"),
            "[(1,1),(1,2)]");
  EXPECT_THAT(logged, HasSubstr("public.t was truncated"));
}

TEST_F(Truncates, OfAPartitionedTableBuryEveryRow) {
  ASSERT_NO_FATAL_FAILURE(
      prepare("CREATE TABLE t (id int PRIMARY KEY, a int) PARTITION BY RANGE (id);"
              "CREATE TABLE p1 PARTITION OF t FOR VALUES FROM (0) TO (100);"
              "CREATE TABLE p2 PARTITION OF t FOR VALUES FROM (100) TO (200)",
              {"t"}));
  begin();
  exec("INSERT INTO t SELECT i, i FROM generate_series(1, 199) i; TRUNCATE t; INSERT INTO t VALUES (7, 7)");
  catch_up();
  EXPECT_EQ(target("groupArray(id)"), "[7]");
}

}  // namespace
}  // namespace penstock::pipeline
