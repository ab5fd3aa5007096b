#include "tests/integration/pipeline/streaming.hpp"

#include <map>

namespace penstock::pipeline {

using namespace std::chrono_literals;

void Streaming::prepare(const std::string& sql, const std::vector<std::string>& tables,
                        clickhouse::Engine engine, const std::string& partition_by) {
  database_ = world_postgres().create_database();
  exec(sql);
  job_ = job_for(database_, tables);
  if (!published_.empty()) publish(job_, published_);
  for (auto& table : job_.tables) {
    table.engine = engine;
    table.partition_by = partition_by;
    table.order_by = order_by_;
  }
  auto report = set_up(job_);
  ASSERT_TRUE(report) << report.error().text();
  system_ = report->system;
  ASSERT_TRUE(make_publication(job_));
  auto slot = penstock::postgres::create_slot(job_.source, job_.slot);
  ASSERT_TRUE(slot) << slot.error().text();
}

void Streaming::begin(TablePatience patience) {
  // A run that was ended at once leaves its walsender behind for a moment.
  ASSERT_TRUE(test::eventually([&] {
    const auto slot = penstock::postgres::read_slot(job_.source, job_.slot);
    return slot && !slot->active;
  }));
  run_ = std::make_unique<StreamRun>(StreamRequest{job_, system_, {}, {}, patience, {}});
}

std::string Streaming::target(const std::string& what, const std::string& table) const {
  return test::shared_engine().value("SELECT " + what + " FROM `" + database_ + "`." + table + " FINAL");
}

std::string Streaming::differences(const std::string& table) const {
  return test::row_diff(world_postgres(), database_, table, test::shared_engine(), database_, table);
}

void Streaming::catch_up() {
  const auto end = penstock::postgres::current_wal_lsn(job_.source);
  ASSERT_TRUE(end);
  exec("SELECT pg_logical_emit_message(true, 'test', 'end')");
  ASSERT_TRUE(test::eventually(
      [&] {
        record_differences();
        return run_->facts().confirmed >= *end || run_->facts().run.ended;
      },
      30s));
  const auto facts = run_->facts();
  ASSERT_FALSE(facts.run.error) << facts.run.error->text();
  ASSERT_FALSE(facts.run.ended);
}

void Streaming::record_differences() {
  std::map<std::string, std::vector<std::string>> all;
  for (const auto& table : run_->facts().tables)
    all[table.source] = table.differences;
  run_->recorded(all);
}

}  // namespace penstock::pipeline
