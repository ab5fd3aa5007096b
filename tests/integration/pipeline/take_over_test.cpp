// Targets that are there already and that Penstock did not make.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <functional>

#include "dataplane/pipeline/load_run.hpp"
#include "dataplane/pipeline/release.hpp"
#include "tests/integration/pipeline/streaming.hpp"

namespace penstock::pipeline {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

/// Source table t with three rows, and a target of the same name that the user made.
class TakeOver : public testing::Test {
 protected:
  void SetUp() override {
    database_ = world_postgres().create_database();
    world_postgres().exec(
        "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, NULL)",
        database_);
    job_ = job_for(database_, {"t"});
  }

  void make_target(const std::string& rest =
                       "ENGINE = ReplacingMergeTree(_penstock_version, _penstock_deleted) ORDER BY id") {
    query(
        "CREATE TABLE t (id Int32, v Nullable(String), _penstock_version UInt128, _penstock_deleted UInt8, "
        "_penstock_synced_at DateTime64(3) DEFAULT now64(3)) " +
        rest);
  }
  void make_others_target(const std::string& flags) {
    make_target(
        "ENGINE = ReplacingMergeTree(_penstock_version, _penstock_deleted) ORDER BY id COMMENT 'penstock "
        "pipe=other generation=0 load=5 name=data/shop" +
        flags + "'");
    query("INSERT INTO t (id, v, _penstock_version) VALUES (7, 'theirs', 9)");
  }
  std::string query(const std::string& sql) {
    return test::shared_engine().value(sql, {{"database", database_}});
  }
  /// Sets up and loads, up to an exchange where one is due.
  Status load() {
    PENSTOCK_ASSIGN(const auto report, set_up(job_));
    job_.tables[0].staged = report.tables[0].staged;
    job_.tables[0].load = report.tables[0].load;
    PENSTOCK_TRY(make_publication(job_));
    PENSTOCK_ASSIGN(auto slot, penstock::postgres::create_slot(job_.source, job_.slot));
    between();
    const Lsn version = slot.restart_lsn;
    LoadRun run({job_, report.system, version, {}, std::move(slot), {}});
    if (!test::eventually([&] { return run.facts().run.ended; }, 30s))
      return fail(ErrorKind::Internal, "Hangs", "");
    if (run.facts().run.error) return fail(*run.facts().run.error);
    if (!job_.tables[0].staged) return {};
    PENSTOCK_ASSIGN(kept_, swap_tables(job_));
    return {};
  }

  std::string database_;
  PipeJob job_;
  std::vector<std::string> kept_;
  std::function<void()> between = [] {};  ///< after Setup and before the load
};

TEST_F(TakeOver, OfRowsIsRefusedByNameAndWithWhatHelps) {
  make_target();
  query("INSERT INTO t (id, v) VALUES (7, 'mine')");
  const auto report = set_up(job_);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().reason, "TargetNotEmpty");
  EXPECT_EQ(report.error().kind, ErrorKind::NeedsUser);
  EXPECT_THAT(report.error().text(), HasSubstr("TRUNCATE TABLE `" + database_ + "`.`t`"));
  EXPECT_THAT(report.error().text(), HasSubstr("spec.takeOver: true"));
  EXPECT_THAT(report.error().text(), HasSubstr("t_before_1"));
  EXPECT_EQ(query("SELECT count(), any(v) FROM t"), "1\tmine");
  query("TRUNCATE TABLE t");
  EXPECT_TRUE(set_up(job_));
}

TEST_F(TakeOver, OfRowsLoadsBesideThemAndKeepsThem) {
  make_target();
  query("INSERT INTO t (id, v) VALUES (7, 'mine')");
  job_.take_over = true;
  const auto done = load();
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(test::row_diff(world_postgres(), database_, "t", test::shared_engine(), database_, "t"), "");
  EXPECT_EQ(query("SELECT id, v FROM t_before_1"), "7\tmine");
  EXPECT_THAT(kept_, testing::ElementsAre("t as t_before_1"));
}

TEST_F(TakeOver, OfATableThatDoesNotFitLoadsBesideItToo) {
  query("CREATE TABLE t (x String) ENGINE = MergeTree ORDER BY x");
  EXPECT_EQ(set_up(job_).error().reason, "TargetEngine");
  job_.take_over = true;
  const auto done = load();
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(query("SELECT count() FROM t FINAL"), "3");
  EXPECT_EQ(query("SELECT count() FROM t_before_1"), "0");
}

TEST_F(TakeOver, OfALivingPipesTableIsNoneAndSaysWhose) {
  make_others_target("");
  job_.take_over = true;
  job_.others = {{"other", "data/shop", {"t"}}};
  const auto report = set_up(job_);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().reason, "TargetNotOurs");
  EXPECT_THAT(report.error().text(), HasSubstr("belongs to Pipe data/shop. "));
  EXPECT_EQ(query("SELECT id, v FROM t"), "7\ttheirs");
}

TEST_F(TakeOver, OfATableOfAPipeThatIsNotKnownLoadsBesideItAndKeepsIt) {
  make_others_target("");
  const auto refused = set_up(job_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "TargetNotOurs");
  EXPECT_THAT(refused.error().text(), HasSubstr("Pipe data/shop, which is not known here"));
  EXPECT_THAT(refused.error().text(), HasSubstr("spec.takeOver: true"));
  EXPECT_THAT(refused.error().text(), HasSubstr("t_before_1"));
  job_.take_over = true;
  const auto done = load();
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(test::row_diff(world_postgres(), database_, "t", test::shared_engine(), database_, "t"), "");
  EXPECT_EQ(query("SELECT count() FROM t WHERE id > 3"), "0") << "not even as a tombstone";
  EXPECT_EQ(query("SELECT id, v FROM t_before_1"), "7\ttheirs");
  EXPECT_THAT(kept_, testing::ElementsAre("t as t_before_1"));
}

TEST_F(TakeOver, OfATableThatThisPipeLostIsNone) {
  make_others_target("");
  job_.take_over = true;
  job_.tables[0].load = 2;
  job_.tables[0].staged = true;
  const auto report = set_up(job_);
  ASSERT_FALSE(report) << "two that take over would take it from one another for ever";
  EXPECT_EQ(report.error().reason, "TargetNotOurs");
}

TEST_F(TakeOver, IsNotNeededOfATableThatWasGivenBack) {
  make_others_target(" released");
  query("INSERT INTO t (id, v, _penstock_version, _penstock_deleted) VALUES (8, '', 9, 1)");
  job_.others = {{"other", "data/shop", {"t"}}};
  const auto done = load();
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(test::row_diff(world_postgres(), database_, "t", test::shared_engine(), database_, "t"), "");
  EXPECT_EQ(query("SELECT count() FROM t WHERE id > 3"), "0") << "not even as a tombstone";
  EXPECT_THAT(kept_, testing::IsEmpty());
  EXPECT_EQ(query("SELECT count() FROM system.tables WHERE database = currentDatabase()"), "1");
}

TEST_F(TakeOver, OfATableThatIsNotLoadedGoesOnFromItsRows) {
  make_others_target(" released");
  job_.loads = false;
  const auto report = set_up(job_);
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_FALSE(report->tables[0].staged);
  EXPECT_EQ(query("SELECT id, v FROM t"), "7\ttheirs");
  EXPECT_THAT(query("SELECT comment FROM system.tables WHERE database = currentDatabase()"),
              testing::StartsWith("penstock pipe=" + job_.uid + " "));
}

TEST_F(TakeOver, OfAUsersEmptyTableLeavesItTheUsers) {
  make_target("ENGINE = ReplacingMergeTree(_penstock_version, _penstock_deleted) ORDER BY id COMMENT 'mine'");
  ASSERT_TRUE(load());
  const auto comment = query("SELECT comment FROM system.tables WHERE database = currentDatabase()");
  EXPECT_THAT(comment, testing::EndsWith(" adopted; mine"));
  ASSERT_TRUE(release(job_, {.targets = {"t"}}));
  EXPECT_EQ(query("SELECT count() FROM t FINAL"), "3") << "it is not ours to drop";
  job_.uid = "the-next";
  job_.tables[0].load = 0;
  ASSERT_TRUE(set_up(job_)) << "but given back";
}

TEST_F(TakeOver, IsNotNeededOfATableThatIsEmpty) {
  make_target();
  const auto done = load();
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(test::row_diff(world_postgres(), database_, "t", test::shared_engine(), database_, "t"), "");
  EXPECT_EQ(query("SELECT count() FROM system.tables WHERE database = currentDatabase()"), "1");
}

TEST_F(TakeOver, OfRowsThatCameSinceSetupIsRefusedToo) {
  make_target();
  between = [&] { query("INSERT INTO t (id, v) VALUES (7, 'mine')"); };
  const auto done = load();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().reason, "TargetNotEmpty") << done.error().text();
  EXPECT_EQ(query("SELECT count(), any(v) FROM t"), "1\tmine");
}

TEST_F(TakeOver, OfALogThatForgetsItsBlocksIsRefusedWithTheSetting) {
  world_postgres().exec("ALTER TABLE t REPLICA IDENTITY FULL", database_);
  job_.tables[0].engine = clickhouse::Engine::MergeTree;
  make_target("ENGINE = MergeTree ORDER BY id");
  const auto report = set_up(job_);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().reason, "TargetWithoutDeduplication") << report.error().text();
  const auto& cure = report.error().cure;
  query(cure.substr(cure.find("ALTER")));
  const auto again = set_up(job_);
  EXPECT_TRUE(again) << again.error().text();
}

}  // namespace
}  // namespace penstock::pipeline
