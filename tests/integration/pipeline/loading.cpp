#include "tests/integration/pipeline/loading.hpp"

#include <fmt/format.h>

#include <utility>

#include "tests/support/process.hpp"
#include "tests/support/row_diff.hpp"

namespace penstock::pipeline {

using namespace std::chrono_literals;

void Loading::create_table(const std::string& name, int rows) {
  exec(fmt::format(
      "CREATE TABLE {0} (id int PRIMARY KEY, v int, pad text);"
      "INSERT INTO {0} SELECT i, i, repeat('x', 1000) FROM generate_series(1, {1}) i; ANALYZE {0}",
      name, rows));
}

void Loading::prepare(const std::vector<std::string>& tables, const std::function<void()>& between) {
  job_ = job_for(database_, tables);
  if (!published_.empty()) publish(job_, published_);
  job_.rows_per_partition = 7;
  job_.workers_per_table = 1;
  if (!override_.name.empty()) job_.tables[0].overrides = {override_};
  job_.tables[0].order_by = order_by_;
  const auto report = set_up(job_);
  ASSERT_TRUE(report) << report.error().text();
  for (std::size_t at = 0; at < job_.tables.size(); ++at) {
    job_.tables[at].former_definition = report->tables[at].definition;
    job_.tables[at].partitions = report->tables[at].partitions;
  }
  ASSERT_TRUE(make_publication(job_));
  between();
  auto slot = penstock::postgres::create_slot(job_.source, job_.slot);
  ASSERT_TRUE(slot) << slot.error().text();
  request_.job = job_;
  request_.system = system_ = report->system;
  request_.version = slot->restart_lsn;
  request_.slot = *std::move(slot);
}

void Loading::slow_down(const std::string& table) {
  brakes_.push_back(table);
  test::shared_engine().slow_down(database_, table, 0.3);
}

void Loading::speed_up() {
  for (const auto& table : std::exchange(brakes_, {}))
    test::shared_engine().speed_up(database_, table);
}

void Loading::begin() {
  request_.job = job_;
  run_ = std::make_unique<LoadRun>(std::move(request_));
}

void Loading::begin_and_see_rows_of(const std::string& table) {
  begin();
  ASSERT_TRUE(test::eventually([&] { return facts_of(run_->facts(), table).rows > 0; }, 30s));
}

LoadFacts Loading::end() {
  EXPECT_TRUE(test::eventually([&] { return run_->facts().run.ended; }, 60s)) << "the load hangs";
  return run_->facts();
}

std::string Loading::target(const std::string& what, const std::string& table) const {
  return test::shared_engine().value("SELECT " + what + " FROM `" + database_ + "`." + table + " FINAL");
}

std::string Loading::differences(const std::string& table) const {
  return test::row_diff(world_postgres(), database_, table, test::shared_engine(), database_, table);
}

TableLoad Loading::facts_of(const LoadFacts& facts, const std::string& table) {
  for (const auto& one : facts.tables)
    if (one.source == "public." + table) return one;
  return {};
}

}  // namespace penstock::pipeline
