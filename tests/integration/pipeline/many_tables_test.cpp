// What is asked of either server does not grow with the number of tables.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <set>
#include <thread>

#include "dataplane/pipeline/probe.hpp"
#include "dataplane/pipeline/setup.hpp"
#include "tests/integration/pipeline/pipe_world.hpp"

namespace penstock::pipeline {
namespace {

constexpr int kFew = 3, kMany = 40;

/// Statements sent to ClickHouse, and sessions opened in the source.
struct Asked {
  long statements = 0, sessions = 0;
};

class ManyTables : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto lack = lacks_ranges(); !lack.empty()) GTEST_SKIP() << "sessions are not counted: " << lack;
  }
  void make(int tables) {
    database_ = world_postgres().create_database();
    std::vector<std::string> names;
    for (int at = 0; at < tables; ++at) {
      names.push_back(fmt::format("t{}", at));
      world_postgres().exec(fmt::format("CREATE TABLE {} (id int PRIMARY KEY, v text)", names.back()),
                            database_);
    }
    job_ = job_for(database_, names);
  }
  [[nodiscard]] long statements() const {
    return std::stol(test::shared_engine().value("SELECT value FROM system.events WHERE event = 'Query'"));
  }
  /// Told by each session at its end.
  [[nodiscard]] long sessions() const {
    EXPECT_TRUE(test::eventually([&] {
      return world_postgres().value("SELECT count(*) FROM pg_stat_activity WHERE datname = '" + database_ +
                                    "'") == "0";
    }));
    return std::stol(
        world_postgres().value("SELECT sessions FROM pg_stat_database WHERE datname = '" + database_ + "'"));
  }
  template <typename What>
  Asked asked_by(What&& what) {
    const Asked before{statements(), sessions()};
    what();
    const auto sent = statements() - before.statements;
    return {sent, sessions() - before.sessions};
  }
  Asked set_up_of(int tables) {
    make(tables);
    return asked_by([&] {
      report_ = set_up(job_);
      ASSERT_TRUE(report_) << report_.error().text();
    });
  }
  Asked probe_of(int tables) {
    make(tables);
    report_ = set_up(job_);
    EXPECT_TRUE(report_) << report_.error().text();
    for (std::size_t at = 0; at < job_.tables.size(); ++at) {
      job_.tables[at].definition = report_->tables[at].definition;
      job_.tables[at].partitions = report_->tables[at].partitions;
      job_.tables[at].load = 1;
    }
    EXPECT_TRUE(make_publication(job_));
    EXPECT_TRUE(penstock::postgres::create_slot(job_.source, job_.slot));
    const auto asked = asked_by([&] {
      const auto report = probe(job_, report_->system);
      ASSERT_TRUE(report) << report.error().text();
      EXPECT_EQ(report->tables.size(), static_cast<std::size_t>(tables));
      EXPECT_THAT(report->faults, testing::IsEmpty());
    });
    EXPECT_TRUE(penstock::postgres::drop_slot(job_.source, job_.slot));
    return asked;
  }

  std::string database_;
  PipeJob job_;
  Result<SetupReport> report_;
};

TEST_F(ManyTables, AreSetUpByOneStatementEachBesideWhatFewTake) {
  const auto few = set_up_of(kFew), many = set_up_of(kMany);
  // The engine may count one statement as more than one.
  const auto nothing = asked_by([] {}).statements;
  const auto create = asked_by([&] {
    test::shared_engine().query(
        fmt::format("CREATE TABLE {}.alone (id Int32) ENGINE = MergeTree ORDER BY id", database_));
  });
  EXPECT_LE(many.statements - few.statements, (create.statements - nothing) * (kMany - kFew));
  EXPECT_EQ(many.sessions, few.sessions);
  for (int at = 0; at < kMany; ++at)
    EXPECT_EQ(test::shared_engine().value(fmt::format("EXISTS TABLE {}.t{}", database_, at)), "1");
}

TEST_F(ManyTables, AreSetUpAgainByWhatFewTake) {
  const auto again = [&](int tables) {
    set_up_of(tables);
    return asked_by([&] { ASSERT_TRUE(set_up(job_)); });
  };
  const auto few = again(kFew), many = again(kMany);
  EXPECT_EQ(many.statements, few.statements);
  EXPECT_EQ(many.sessions, few.sessions);
}

TEST_F(ManyTables, AreLookedAtByWhatFewTake) {
  const auto few = probe_of(kFew), many = probe_of(kMany);
  EXPECT_EQ(many.statements, few.statements);
  EXPECT_EQ(many.sessions, few.sessions);
}

TEST_F(ManyTables, ThatTwoPipesWantAtOneMomentAreAllOfOne) {
  make(kMany);
  auto another = job_;
  another.uid = "another";
  Result<SetupReport> theirs;
  std::thread beside([&] { theirs = set_up(another); });
  const auto ours = set_up(job_);
  beside.join();
  ASSERT_NE(ours.has_value(), theirs.has_value()) << (ours ? "both have them" : ours.error().text());
  EXPECT_EQ((ours ? theirs : ours).error().reason, "TargetNotOurs");
  EXPECT_EQ(test::shared_engine().value(
                fmt::format("SELECT uniqExact(comment) FROM system.tables WHERE database = '{}'", database_)),
            "1");
  EXPECT_EQ(test::shared_engine().value(
                fmt::format("SELECT count() FROM system.tables WHERE database = '{}'", database_)),
            std::to_string(kMany));
}

TEST_F(ManyTables, ThatCannotAllBeMadeInTimeAreMadeByTheNextCalls) {
  make(kMany);
  int calls = 0;
  std::set<std::string> made;
  do {
    auto rest = job_;
    std::erase_if(rest.tables, [&](const auto& table) { return made.contains(table.source_text); });
    const auto report = set_up(rest, true, std::chrono::milliseconds(0));
    ASSERT_TRUE(report) << report.error().text();
    ASSERT_GT(report->tables.size(), 0U) << "it never ends";
    for (const auto& table : report->tables)
      EXPECT_TRUE(made.insert(table.source).second) << table.source;
    EXPECT_EQ(report->complete, made.size() == kMany);
    ++calls;
  } while (made.size() < kMany);
  EXPECT_GT(calls, 3);
  EXPECT_EQ(test::shared_engine().value(
                fmt::format("SELECT count() FROM system.tables WHERE database = '{}'", database_)),
            std::to_string(kMany));
}

}  // namespace
}  // namespace penstock::pipeline
