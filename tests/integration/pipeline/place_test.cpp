// A stream's place in the source: nobody else moves it, and it stays behind what is not recorded yet.

#include <gmock/gmock.h>

#include "dataplane/pipeline/probe.hpp"
#include "tests/integration/pipeline/streaming.hpp"

namespace penstock::pipeline {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class Place : public Streaming {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(prepare("CREATE TABLE t (id int PRIMARY KEY, v int)", {"t"}));
    begin();
    exec("INSERT INTO t SELECT i, i FROM generate_series(1, 10) i");
    catch_up();
  }
  /// As a pause does.
  void stop() {
    run_->stop(StopMode::AfterPartitions);
    ASSERT_TRUE(test::eventually([&] { return run_->facts().run.ended; }));
    system_.told = run_->facts().confirmed;
    run_.reset();
  }
  [[nodiscard]] Lsn slot_at() const { return postgres::read_slot(job_.source, job_.slot)->confirmed_lsn; }
};

TEST_F(Place, IsGoneOnFromWhereItWasLeft) {
  ASSERT_NO_FATAL_FAILURE(stop());
  EXPECT_LE(slot_at(), *system_.told);
  exec("INSERT INTO t VALUES (11, 11)");
  const auto looked = probe(job_, system_);
  ASSERT_TRUE(looked) << looked.error().text();
  begin();
  catch_up();
  EXPECT_EQ(differences(), "");
}

TEST_F(Place, ThatSomebodyElseMovedIsNotGoneOnFrom) {
  ASSERT_NO_FATAL_FAILURE(stop());
  exec("INSERT INTO t VALUES (11, 11)");
  exec("SELECT pg_replication_slot_advance('" + job_.slot + "', pg_current_wal_lsn())");
  const auto looked = probe(job_, system_);
  ASSERT_FALSE(looked);
  EXPECT_EQ(looked.error().reason, "SlotMoved");
  EXPECT_EQ(looked.error().kind, ErrorKind::Terminal);
  EXPECT_THAT(looked.error().message, HasSubstr("has confirmed up to " + system_.told->text()));
  begin();
  ASSERT_TRUE(test::eventually([&] { return run_->facts().run.ended; }));
  ASSERT_TRUE(run_->facts().run.error);
  EXPECT_EQ(run_->facts().run.error->reason, "SlotMoved");
}

TEST_F(Place, StaysBehindADifferenceUntilThatIsRecorded) {
  exec(
      "BEGIN; ALTER TABLE t RENAME v TO w; INSERT INTO t VALUES (11, 11); ALTER TABLE t RENAME w TO v; "
      "COMMIT");
  const auto after = postgres::current_wal_lsn(job_.source);
  ASSERT_TRUE(after);
  exec("INSERT INTO t VALUES (12, 12)");
  ASSERT_TRUE(test::eventually([&] { return target("count()") == "12"; }));
  std::this_thread::sleep_for(1s);
  ASSERT_FALSE(run_->facts().tables[0].differences.empty());
  EXPECT_LT(slot_at(), *after) << "a process that is killed now would never tell";
  run_->stop(StopMode::Now);
  run_.reset();
  begin();
  ASSERT_TRUE(test::eventually([&] { return !run_->facts().tables[0].differences.empty(); }));
  record_differences();
  EXPECT_TRUE(test::eventually([&] { return slot_at() > *after; }));
}

TEST_F(Place, IsNotHeldBackByATableWhoseLoadIsToCome) {
  exec(
      "BEGIN; ALTER TABLE t RENAME v TO w; INSERT INTO t VALUES (11, 11); ALTER TABLE t RENAME w TO v; "
      "COMMIT");
  const auto after = postgres::current_wal_lsn(job_.source);
  ASSERT_TRUE(after);
  ASSERT_TRUE(test::eventually([&] { return !run_->facts().tables[0].differences.empty(); }));
  run_->recorded({});
  EXPECT_TRUE(test::eventually([&] { return slot_at() >= *after; }));
}

}  // namespace
}  // namespace penstock::pipeline
