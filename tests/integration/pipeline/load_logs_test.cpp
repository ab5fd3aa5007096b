// Tables that keep every change need a slot of their own for their load; the others do not wait for it.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/integration/pipeline/loading.hpp"

namespace penstock::pipeline {
namespace {

using testing::HasSubstr;

TEST_F(Loading, GoesOnWithOtherTablesWhereALogsSlotCannotBeMade) {
  create_table("t");
  create_table("u");
  job_ = job_for(database_, {"t", "u"});
  job_.tables[0].engine = clickhouse::Engine::MergeTree;
  exec("ALTER TABLE t REPLICA IDENTITY FULL");
  const auto report = set_up(job_);
  ASSERT_TRUE(report) << report.error().text();
  ASSERT_TRUE(make_publication(job_));
  const auto slot = postgres::create_slot(job_.source, job_.slot);
  ASSERT_TRUE(slot) << slot.error().text();
  request_.system = report->system;
  request_.version = slot->restart_lsn;
  exec(
      "SELECT pg_create_physical_replication_slot('full_' || i) FROM generate_series(1, "
      "current_setting('max_replication_slots')::int - (SELECT count(*) FROM pg_replication_slots)::int) i");
  begin();
  const auto facts = end();
  exec(
      "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name LIKE 'full\\_%'");
  ASSERT_FALSE(facts.run.error) << facts.run.error->text();
  const auto log = facts_of(facts, "t").error.value_or(Error{});
  EXPECT_EQ(log.reason, "NoFreeSlot");
  EXPECT_EQ(log.kind, ErrorKind::BadData) << "the stream of the others stops for each try";
  EXPECT_THAT(log.message, HasSubstr("the snapshot of public.t cannot be taken"));
  EXPECT_TRUE(facts_of(facts, "u").finished);
  EXPECT_EQ(target("count()", "u"), "100");
}

}  // namespace
}  // namespace penstock::pipeline
