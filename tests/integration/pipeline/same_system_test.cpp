// A source that is restored behind the pipe's place, or fails over, with a slot of that name still there.

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "dataplane/pipeline/probe.hpp"
#include "tests/integration/pipeline/streaming.hpp"

namespace penstock::pipeline {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
namespace fs = std::filesystem;

/// A server of its own with table t and a slot, in a copy of which they are, too.
class SameSystem : public testing::Test {
 protected:
  void SetUp() override {
    job_ = job_for(server_.create_database() + "_own", {"t"});
    server_.exec("CREATE DATABASE " + job_.source.database);
    job_.source.port = server_.port();
    exec("CREATE TABLE t (id int PRIMARY KEY, a int)");
    const auto report = set_up(job_);
    ASSERT_TRUE(report) << report.error().text();
    system_ = report->system;
    ASSERT_TRUE(make_publication(job_));
    const auto slot = penstock::postgres::create_slot(job_.source, job_.slot);
    ASSERT_TRUE(slot) << slot.error().text();
  }
  void TearDown() override { fs::remove_all(backup()); }

  void exec(const std::string& sql) { server_.exec(sql, job_.source.database); }
  [[nodiscard]] fs::path backup() const { return server_.data_directory() + ".backup"; }
  void back_up() {
    server_.stop();
    ASSERT_TRUE(test::run("cp", {.arguments = {"-a", server_.data_directory(), backup()}}).ok());
    server_.start();
  }
  void restore() {
    server_.stop();
    fs::remove_all(server_.data_directory());
    fs::rename(backup(), server_.data_directory());
    server_.start();
  }
  /// Rows that come now are in the target, and the source knows.
  void stream_rows() {
    StreamRun run({job_, system_, {}});
    exec("INSERT INTO t SELECT i, i FROM generate_series(1, 1000) i");
    const auto end = penstock::postgres::current_wal_lsn(job_.source);
    ASSERT_TRUE(end);
    exec("SELECT pg_logical_emit_message(true, 'test', 'end')");
    ASSERT_TRUE(test::eventually([&] { return run.facts().confirmed >= *end; }, 30s));
    system_.confirmed = run.facts().confirmed;
    system_.last = run.facts().last;
    ASSERT_TRUE(system_.last);
  }

  test::PostgresServer server_;
  PipeJob job_;
  SourceSystem system_;
};

TEST_F(SameSystem, RestoredToBeforeWhatWasStreamedIsNeverStreamedFrom) {
  back_up();
  stream_rows();
  ASSERT_TRUE(check_same_system(job_, system_));
  server_.restart();
  ASSERT_TRUE(check_same_system(job_, system_)) << "a restart is no restore";
  restore();
  const auto looked = probe(job_, system_);
  ASSERT_FALSE(looked);
  EXPECT_EQ(looked.error().reason, "SourceChanged");
  EXPECT_EQ(looked.error().kind, ErrorKind::Terminal);
  EXPECT_THAT(looked.error().message, HasSubstr("replicated it up to " + system_.confirmed.text()));
  EXPECT_THAT(looked.error().cure, HasSubstr("raise spec.resyncGeneration"));
  StreamRun run({job_, system_, {}});
  ASSERT_TRUE(test::eventually([&] { return run.facts().run.ended; }, 30s));
  ASSERT_TRUE(run.facts().run.error);
  EXPECT_EQ(run.facts().run.error->reason, "SourceChanged");
}

TEST_F(SameSystem, RestoredAndWrittenToBeyondWhatWasStreamedIsToldByItsReplay) {
  back_up();
  stream_rows();
  server_.restart();
  {
    StreamRun again({job_, system_, {}});
    exec("INSERT INTO t VALUES (2000, 1)");
    ASSERT_TRUE(test::eventually([&] { return again.facts().last.lsn > system_.last.lsn; }, 30s));
    EXPECT_FALSE(again.facts().run.error) << again.facts().run.error->text();
  }
  restore();
  exec("INSERT INTO t SELECT i, -i FROM generate_series(1, 5) i");
  exec(
      "CREATE TABLE other (v text); INSERT INTO other SELECT repeat('x', 100) FROM generate_series(1, "
      "20000)");
  exec("INSERT INTO t SELECT i, -i FROM generate_series(10, 15) i");
  ASSERT_TRUE(check_same_system(job_, system_)) << "its WAL has grown beyond our place";
  StreamRun run({job_, system_, {}});
  ASSERT_TRUE(test::eventually([&] { return run.facts().run.ended; }, 30s));
  ASSERT_TRUE(run.facts().run.error);
  EXPECT_EQ(run.facts().run.error->reason, "SourceChanged") << run.facts().run.error->text();
  EXPECT_EQ(run.facts().run.error->kind, ErrorKind::Terminal);
}

TEST_F(SameSystem, PromotedBelowWhatWasStreamedIsNeverStreamedFrom) {
  back_up();
  stream_rows();
  restore();
  std::ofstream(server_.data_directory() + "/standby.signal").flush();
  server_.restart();
  server_.exec("SELECT pg_promote()");
  exec(
      "CREATE TABLE other (v text); INSERT INTO other SELECT repeat('x', 100) FROM generate_series(1, "
      "20000)");
  const auto looked = check_same_system(job_, system_);
  ASSERT_FALSE(looked);
  EXPECT_EQ(looked.error().reason, "SourceChanged");
  EXPECT_THAT(looked.error().message, HasSubstr("left timeline 1 at"));
}

TEST_F(SameSystem, OnALaterTimelineIsTheSameAndOnAnEarlierOneIsNot) {
  stream_rows();
  back_up();
  std::ofstream(server_.data_directory() + "/standby.signal").flush();
  server_.restart();
  server_.exec("SELECT pg_promote()");
  const auto promoted = check_same_system(job_, system_);
  ASSERT_TRUE(promoted) << promoted.error().text();
  EXPECT_EQ(promoted->timeline, system_.timeline + 1);
  restore();
  const auto left_behind =
      check_same_system(job_, {promoted->identifier, promoted->timeline, promoted->database});
  ASSERT_FALSE(left_behind);
  EXPECT_EQ(left_behind.error().reason, "SourceChanged");
  EXPECT_THAT(left_behind.error().message, HasSubstr("is on timeline"));
}

}  // namespace
}  // namespace penstock::pipeline
