// The stream's and the load's connections to the source: that stall, that must be answered while we are busy,
// and that must be left when the source shuts down.

#include <signal.h>

#include <chrono>

#include "dataplane/pipeline/load_run.hpp"
#include "tests/integration/pipeline/streaming.hpp"
#include "tests/support/stalling_proxy.hpp"

namespace penstock::pipeline {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

std::chrono::milliseconds since(Steady::time_point begin) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Steady::now() - begin);
}

class Link : public Streaming {
 protected:
  /// The walsender's process: another one where the stream was begun again.
  std::string walsender() {
    return world_postgres().value(
        "SELECT coalesce(max(active_pid), 0) FROM pg_replication_slots WHERE slot_name = '" + job_.slot +
        "'");
  }
};

TEST_F(Link, ThatStallsEndsTheStream) {
  ASSERT_NO_FATAL_FAILURE(prepare("CREATE TABLE t (id int PRIMARY KEY)", {"t"}));
  test::StallingProxy proxy(world_postgres().port());
  job_.source.port = proxy.port();
  job_.source.silence_limit = 1s;
  begin();
  exec("INSERT INTO t VALUES (1)");
  ASSERT_TRUE(test::eventually([&] { return target("count()") == "1"; }, 20s));
  proxy.stall();
  const auto begun = Steady::now();
  ASSERT_TRUE(test::eventually([&] { return run_->facts().run.ended; }, 20s));
  EXPECT_LT(since(begun), 10s);
  const auto error = run_->facts().run.error;
  ASSERT_TRUE(error);
  EXPECT_EQ(error->reason, "SourceUnreachable") << error->text();
  EXPECT_EQ(error->kind, ErrorKind::Transient);
}

TEST_F(Link, ThatStallsEndsALoad) {
  ASSERT_NO_FATAL_FAILURE(prepare("CREATE TABLE t (id int PRIMARY KEY, v text)", {"t"}));
  exec("INSERT INTO t SELECT g, repeat('x', 1000) FROM generate_series(1, 100000) g; ANALYZE t");
  test::StallingProxy proxy(world_postgres().port());
  job_.source.port = proxy.port();
  job_.source.silence_limit = 1s;
  job_.rows_per_partition = 1'000'000;
  job_.workers_per_table = 1;
  auto& engine = test::shared_engine();
  job_.batch_rows = 1000;
  engine.slow_down(database_, "t", 0.2);
  LoadRun load({job_, system_, Lsn{1}, {}, std::nullopt, {}});
  ASSERT_TRUE(test::eventually(
      [&] { return engine.value("SELECT count() FROM `" + database_ + "`.t") != "0"; }, 30s));
  proxy.stall();
  engine.speed_up(database_, "t");
  ASSERT_TRUE(test::eventually([&] { return load.facts().run.ended; }, 30s));
  const auto error = load.facts().run.error;
  ASSERT_TRUE(error);
  EXPECT_EQ(error->reason, "SourceUnreachable") << error->text();
}

/// The stream's connection is given so long by both sides, and answered all the same.
TEST_F(Link, IsAnsweredWhileValuesAreReadBack) {
  ASSERT_NO_FATAL_FAILURE(prepare(
      "CREATE TABLE t (id int PRIMARY KEY, big text, n int); ALTER TABLE t ALTER big SET STORAGE EXTERNAL",
      {"t"}));
  exec("INSERT INTO t VALUES (1, repeat('x', 50000), 0)");
  job_.source.silence_limit = 2s;
  begin();
  catch_up();
  auto change = world_postgres().session(database_);
  auto holder = world_postgres().session(database_);
  change.exec("BEGIN; UPDATE t SET n = 1");
  change.exec("SAVEPOINT a");
  // The lock is asked for before the commit, and had the moment it is done: before anybody can read.
  std::thread lock([&] { holder.exec("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE"); });
  ASSERT_TRUE(test::eventually([&] {
    return world_postgres().value(
               "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock' "
               "AND database = (SELECT oid FROM pg_database WHERE datname = '" +
               database_ + "')") == "1";
  }));
  change.exec("COMMIT");
  lock.join();
  // The table is held, and tried again; the source never finds us silent meanwhile.
  const auto begun = Steady::now();
  const auto said = world_postgres().log().size();
  while (since(begun) < 6s)
    std::this_thread::sleep_for(100ms);
  EXPECT_EQ(world_postgres().log().find("due to replication timeout", said), std::string::npos);
  holder.exec("COMMIT");
  ASSERT_TRUE(test::eventually([&] { return target("n") == "1"; }, 30s));
  EXPECT_EQ(differences(), "");
}

TEST_F(Link, IsAnsweredWhileABatchIsWritten) {
  ASSERT_NO_FATAL_FAILURE(prepare("CREATE TABLE t (id int PRIMARY KEY)", {"t"}));
  test::EngineServer engine;
  engine.query("CREATE DATABASE " + database_);
  job_.destination.url = engine.url();
  job_.source.silence_limit = 2s;
  ASSERT_TRUE(set_up(job_));
  begin();
  exec("INSERT INTO t VALUES (0)");
  const auto count = "SELECT count() FROM `" + database_ + "`.t";
  ASSERT_TRUE(test::eventually([&] { return engine.value(count) == "1"; }, 20s));
  const auto before = walsender();
  ::kill(engine.pid(), SIGSTOP);
  const auto begun = Steady::now();
  for (int at = 1; since(begun) < 6s; ++at) {
    exec("INSERT INTO t VALUES (" + std::to_string(at) + ")");
    ASSERT_EQ(walsender(), before) << "after " << since(begun).count() << " ms";
    std::this_thread::sleep_for(100ms);
  }
  ::kill(engine.pid(), SIGCONT);
  const auto rows = world_postgres().value("SELECT count(*) FROM t", database_);
  EXPECT_TRUE(test::eventually([&] { return engine.value(count) == rows; }, 20s));
  EXPECT_EQ(walsender(), before);
}

/// A source and an engine of the test's own.
class Shutdown : public testing::Test {
 protected:
  Shutdown() {
    postgres.exec("CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE other (id int PRIMARY KEY)", database);
    engine.query("CREATE DATABASE " + database);
    job = job_for(database, {"t", "other"});
    job.source.port = postgres.port();
    job.destination.url = engine.url();
    const auto report = set_up(job);
    EXPECT_TRUE(report);
    EXPECT_TRUE(make_publication(job));
    EXPECT_TRUE(penstock::postgres::create_slot(job.source, job.slot));
    if (report) system = report->system;
  }
  void begin() {
    run = std::make_unique<StreamRun>(StreamRequest{job, system, {}, {}, {10min, 1u << 30}, {}});
    postgres.exec("INSERT INTO t VALUES (0)", database);
    ASSERT_TRUE(test::eventually([&] { return count("t") == "1"; }, 20s));
  }
  std::string count(const std::string& table) {
    return engine.value("SELECT count() FROM `" + database + "`." + table);
  }
  void expect_the_source_to_stop_in_time() {
    const auto begun = Steady::now();
    postgres.stop();
    EXPECT_LT(since(begun), 10s);
    ASSERT_TRUE(test::eventually([&] { return run->facts().run.ended; }, 20s));
    ASSERT_TRUE(run->facts().run.error);
    EXPECT_EQ(run->facts().run.error->kind, ErrorKind::Transient) << run->facts().run.error->text();
  }
  void expect_all_to_arrive_afterwards() {
    postgres.start();
    postgres.exec("INSERT INTO t VALUES (1000)", database);
    run = std::make_unique<StreamRun>(StreamRequest{job, system, {}, {}, {}, {}});
    for (const auto* table : {"t", "other"})
      EXPECT_TRUE(test::eventually(
          [&] { return test::row_diff(postgres, database, table, engine, database, table).empty(); }, 20s))
          << test::row_diff(postgres, database, table, engine, database, table);
  }

  test::PostgresServer postgres;
  test::EngineServer engine;
  const std::string database = postgres.create_database();
  PipeJob job;
  SourceSystem system;
  std::unique_ptr<StreamRun> run;
};

TEST_F(Shutdown, OfTheSourceIsNotHeldUpByADestinationThatIsAway) {
  ASSERT_NO_FATAL_FAILURE(begin());
  engine.kill9();
  postgres.exec("INSERT INTO t SELECT generate_series(1, 100)", database);
  ASSERT_TRUE(test::eventually([&] { return run->facts().run.retrying.has_value(); }, 20s));
  ASSERT_NO_FATAL_FAILURE(expect_the_source_to_stop_in_time());
  engine.start();
  expect_all_to_arrive_afterwards();
}

TEST_F(Shutdown, OfTheSourceIsNotHeldUpByADestinationThatDoesNotAnswer) {
  ASSERT_NO_FATAL_FAILURE(begin());
  ::kill(engine.pid(), SIGSTOP);
  postgres.exec("INSERT INTO t SELECT generate_series(1, 100)", database);
  const auto begun = Steady::now();
  postgres.stop();
  EXPECT_LT(since(begun), 10s);
  EXPECT_TRUE(test::eventually([&] { return run->facts().run.retrying.has_value(); }, 10s))
      << "it says that all is well";
  ::kill(engine.pid(), SIGCONT);
  expect_all_to_arrive_afterwards();
}

TEST_F(Shutdown, OfTheSourceIsNotHeldUpByATableThatIsHeld) {
  ASSERT_NO_FATAL_FAILURE(begin());
  engine.query("SYSTEM STOP MERGES `" + database + "`.t");
  engine.query("ALTER TABLE `" + database + "`.t MODIFY SETTING parts_to_throw_insert = 1");
  postgres.exec("INSERT INTO t SELECT generate_series(1, 100)", database);
  postgres.exec("INSERT INTO other VALUES (1)", database);
  ASSERT_TRUE(test::eventually([&] { return count("other") == "1"; }, 30s));
  ASSERT_NO_FATAL_FAILURE(expect_the_source_to_stop_in_time());
  engine.query("ALTER TABLE `" + database + "`.t MODIFY SETTING parts_to_throw_insert = 3000");
  expect_all_to_arrive_afterwards();
}

TEST_F(Shutdown, OfTheSourceWaitsForWhatCanBeWritten) {
  ASSERT_NO_FATAL_FAILURE(begin());
  postgres.exec("INSERT INTO t SELECT generate_series(1, 20000)", database);
  postgres.stop();
  ASSERT_TRUE(test::eventually([&] { return run->facts().run.ended; }, 20s));
  EXPECT_EQ(count("t"), "20001");
}

}  // namespace
}  // namespace penstock::pipeline
