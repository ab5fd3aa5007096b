// A table that the stream goes on without for a while, and takes in again.

#include <chrono>

#include "tests/integration/pipeline/streaming.hpp"

namespace penstock::pipeline {
namespace {

using namespace std::chrono_literals;

using HeldTable = Streaming;

// What an idle source writes of itself, its running transactions, it writes 15 s after the last change: all
// of it has come in when the last try fails.
TEST_F(HeldTable, IsWellAsSoonAsItsRowsAreWrittenAlsoWhereNothingComesAfterThem) {
  ASSERT_NO_FATAL_FAILURE(prepare("CREATE TABLE t (id int PRIMARY KEY, a int)", {"t"}));
  begin();
  exec("INSERT INTO t VALUES (1, 1)");
  catch_up();
  auto& engine = test::shared_engine();
  const auto in = "`" + database_ + "`.";
  engine.query("CREATE TABLE " + in + "seen (id Int32, no UInt8) ENGINE = MergeTree ORDER BY id");
  engine.query("CREATE MATERIALIZED VIEW " + in + "v TO " + in +
               "seen AS SELECT id, throwIf(id = 2 AND sleep(2) = 0) AS no FROM " + in + "t");
  exec("INSERT INTO t VALUES (2, 2)");
  const auto lag = [&] { return run_->facts().tables[0].lag_seconds; };
  ASSERT_TRUE(test::eventually([&] { return lag() > 22; }, 40s)) << "tried three times";
  ASSERT_TRUE(run_->facts().run.retrying);
  engine.query("ALTER TABLE " + in + "v MODIFY QUERY SELECT id, 0 AS no FROM " + in + "t");
  ASSERT_TRUE(test::eventually(
      [&] { return engine.value("SELECT count() FROM " + in + "seen WHERE id = 2") == "1"; }, 60s));
  EXPECT_TRUE(test::eventually([&] { return !run_->facts().run.retrying && lag() < 5; }, 5s)) << lag();
}

}  // namespace
}  // namespace penstock::pipeline
