// One partition of a real table, block by block.

#include "dataplane/pipeline/partition_reader.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "tests/integration/pipeline/pipe_world.hpp"
#include "tests/support/process.hpp"

namespace penstock::pipeline {
namespace {

using namespace std::chrono_literals;

constexpr BlockLimits kNone{1'000'000, 1u << 30};

class Reading : public testing::Test {
 protected:
  Reading() {
    world_postgres().exec(
        "CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t SELECT i, repeat('x', 100) FROM "
        "generate_series(1, 1000) i; ANALYZE t",
        database_);
    EXPECT_TRUE(set_up(job_));
    clickhouse::Client client(job_.destination);
    bound_ = bind_tables(job_, client).value();
    block_ = Block(bound_.tables.at(0).binding.fields);
    exported_ = postgres::export_snapshot(job_.source).value();
    context_.snapshot = exported_.snapshot;
    session_ = postgres::connect(job_.source).value();
  }

  PartitionReader all() {
    return *PartitionReader::start(session_.get(), context_, bound_.tables.at(0), Partition{}, 1s);
  }

  /// Of an application that waits for the table's lock, until the reader's session is ended.
  void be_in_the_way() {
    std::jthread application(
        [&] { world_postgres().exec("SET lock_timeout = '20s'; LOCK TABLE t", database_); });
    ASSERT_TRUE(test::eventually([&] {
      watch_.look();
      return watch_.has_ended(postgres::backend_of(session_.get()));
    }));
  }

  std::size_t next(PartitionReader& reader, const BlockLimits& limits = kNone) {
    const auto filled = reader.fill(block_, limits);
    EXPECT_TRUE(filled) << filled.error().text();
    return block_.rows();
  }

  std::string database_ = world_postgres().create_database();
  PipeJob job_ = job_for(database_, {"t"});
  StopFlags stop_;
  postgres::PresentCatalog present_{job_.source};
  LockWatch watch_{present_};
  LoadContext context_{job_, "", {}, {Lsn{7}, {}}, {}, "1", 1u << 20, stop_, present_, watch_};
  BoundTables bound_;
  postgres::ExportedSnapshot exported_;
  postgres::Connection session_;
  Block block_{{}};
};

TEST_F(Reading, EndsWithABlockWithoutRows) {
  auto reader = all();
  EXPECT_EQ(next(reader), 1000u);
  EXPECT_EQ(next(reader), 0u);
  EXPECT_EQ(next(reader), 0u);
  EXPECT_EQ(reader.rows(), 1000);
}

TEST_F(Reading, HandsABlockOutAtItsLimitOfRows) {
  auto reader = all();
  EXPECT_EQ(next(reader, {300, kNone.bytes}), 300u);
  EXPECT_EQ(next(reader, {300, kNone.bytes}), 300u);
  EXPECT_EQ(next(reader), 400u);
}

TEST_F(Reading, HandsABlockOutAtItsLimitOfBytes) {
  auto reader = all();
  const auto rows = next(reader, {kNone.rows, 10'000});
  EXPECT_GE(block_.bytes(), 10'000u);
  EXPECT_LT(rows, 200u) << "a row has about 110 bytes";
}

TEST_F(Reading, CountsNoMoreLargeRowsIntoABlockThanItHolds) {
  world_postgres().exec("UPDATE t SET a = repeat('x', 1000000) WHERE id <= 20; ANALYZE t", database_);
  exported_ = postgres::export_snapshot(job_.source).value();
  context_.snapshot = exported_.snapshot;
  auto reader = all();
  std::size_t largest = 0;
  while (next(reader, {kNone.rows, 4'000'000}) > 0)
    largest = std::max(largest, block_.bytes());
  EXPECT_LT(largest, 5'200'000u);
  EXPECT_EQ(reader.rows(), 1000);
}

TEST_F(Reading, DoesNotLetRowsWaitForASlowSource) {
  auto reader = all();
  EXPECT_EQ(next(reader, {kNone.rows, kNone.bytes, 0ms}), 1u);
  EXPECT_EQ(next(reader), 999u);
}

TEST_F(Reading, LocksItsTableUntilTheEndOfThePartitionAndNoLonger) {
  auto application = world_postgres().session(database_);
  application.exec("SET lock_timeout = '100ms'");
  auto reader = all();
  EXPECT_EQ(next(reader, {300, kNone.bytes}), 300u);
  EXPECT_ANY_THROW(application.exec("LOCK TABLE t"));
  EXPECT_EQ(next(reader), 700u);
  EXPECT_NO_THROW(application.exec("BEGIN; LOCK TABLE t; COMMIT"));
}

TEST_F(Reading, MakesWayForWhoeverHasWaitedForItsTable) {
  world_postgres().exec("UPDATE t SET a = repeat(md5(id::text), 1000)",
                        database_);  // more than a socket holds
  exported_ = postgres::export_snapshot(job_.source).value();
  context_.snapshot = exported_.snapshot;
  auto reader = all();
  ASSERT_EQ(next(reader, {10, kNone.bytes}), 10u);
  ASSERT_NO_FATAL_FAILURE(be_in_the_way());
  Status filled;
  while ((filled = reader.fill(block_, kNone)) && block_.rows() > 0) {
  }
  ASSERT_FALSE(filled) << "half a table passed for a whole one";
  EXPECT_EQ(filled.error().reason, kWaitingForLock);
}

TEST_F(Reading, MakesWayWhenItsLastRowsAreOnTheirWay) {
  world_postgres().exec("UPDATE t SET a = 'x'", database_);
  exported_ = postgres::export_snapshot(job_.source).value();
  context_.snapshot = exported_.snapshot;
  auto reader = all();  // a socket holds all of them: the server is done, but for the COMMIT
  ASSERT_EQ(next(reader, {10, kNone.bytes}), 10u);
  ASSERT_NO_FATAL_FAILURE(be_in_the_way());
  ASSERT_EQ(next(reader, {980, kNone.bytes}), 980u);
  const auto filled = reader.fill(block_, kNone);
  ASSERT_FALSE(filled) << "the COMMIT of a session that was ended";
  EXPECT_EQ(filled.error().reason, kWaitingForLock) << filled.error().text();
}

TEST_F(Reading, PassesOverRowsThatWereReadBefore) {
  auto reader = all();
  ASSERT_TRUE(reader.skip(300));
  EXPECT_EQ(next(reader), 700u);
  EXPECT_EQ(reader.rows(), 1000);
  auto again = all();
  ASSERT_TRUE(again.skip(2000));
  EXPECT_EQ(next(again), 0u);
  EXPECT_EQ(again.rows(), 1000);
}

TEST_F(Reading, StopsAtOnceWhenTheLoadIsToStop) {
  auto reader = all();
  stop_.now = true;
  const auto filled = reader.fill(block_, kNone);
  ASSERT_FALSE(filled);
  EXPECT_EQ(filled.error().kind, ErrorKind::Cancelled);
}

}  // namespace
}  // namespace penstock::pipeline
