// A seeded random workload of several sessions at once runs while tables are loaded, streamed, interrupted
// and resumed; at the end the targets' FINAL state equals the source, row by row, in every column.
// PENSTOCK_SEED repeats one seed.

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <thread>
#include <utility>

#include "dataplane/pipeline/load_run.hpp"
#include "dataplane/pipeline/setup.hpp"
#include "dataplane/pipeline/stream_run.hpp"
#include "tests/integration/pipeline/pipe_world.hpp"
#include "tests/support/divided_workload.hpp"
#include "tests/support/engine_server.hpp"
#include "tests/support/process.hpp"
#include "tests/support/row_diff.hpp"
#include "tests/support/workload.hpp"
#include "tests/support/writers.hpp"

namespace penstock::pipeline {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kSessions = 3;
constexpr int kSteps = 1000;

struct Case {
  std::uint64_t seed;
  bool text_only;
};

/// Tables of many types, partitioned ones and such that inherit.
std::vector<std::string> all_tables() {
  auto out = test::Workload::tables();
  for (const auto& table : test::DividedWorkload::tables())
    out.push_back(table);
  return out;
}

class RandomWorkload : public testing::TestWithParam<Case> {};

/// Loads, with interruptions, until every table is in.
void load(const PipeJob& job, const SourceSystem& system, penstock::postgres::CreatedSlot slot,
          std::mt19937_64& random) {
  const Lsn version = slot.consistent_point;
  std::optional<penstock::postgres::CreatedSlot> first = std::move(slot);
  std::vector<TableLoad> resume;
  for (int attempt = 0; attempt < 50; ++attempt) {
    LoadRun run({job, system, version, resume, std::exchange(first, std::nullopt), {}});
    const bool interrupt = attempt < 3;
    if (interrupt) {
      std::this_thread::sleep_for(std::chrono::milliseconds(random() % 60));
      run.stop(random() % 2 ? StopMode::Now : StopMode::AfterPartitions);
    }
    ASSERT_TRUE(test::eventually([&] { return run.facts().run.ended; }, 60s));
    const auto facts = run.facts();
    ASSERT_FALSE(facts.run.error) << facts.run.error->text();
    resume = facts.tables;
    bool all = !resume.empty();
    for (const auto& table : resume)
      all = all && table.finished;
    if (all) return;
  }
  FAIL() << "the load does not end";
}

TEST_P(RandomWorkload, EndsEqualThroughInterruptedLoadsAndStreams) {
  auto [seed, text_only] = GetParam();
  if (const char* fixed = std::getenv("PENSTOCK_SEED")) seed = std::strtoull(fixed, nullptr, 10);
  SCOPED_TRACE("PENSTOCK_SEED=" + std::to_string(seed));
  auto& server = world_postgres();
  const auto database = server.create_database();
  auto job = job_for(database, all_tables());
  for (auto& table : job.tables)  // no two of those that inherit hold one key
    if (table.source.name == "family") table.order_by = {"id"};
  test::Workload workload(seed, text_only);
  auto session = server.session(database);
  workload.create(session, 800);
  test::DividedWorkload divided(seed);
  divided.create(session, 600);

  const auto report = set_up(job);
  ASSERT_TRUE(report) << report.error().text();
  ASSERT_TRUE(make_publication(job));
  std::vector<test::Workload> workloads;
  for (std::uint64_t beside = 1; beside <= kSessions; ++beside)
    workloads.push_back(workload.beside(seed * 100 + beside));
  test::Writers writers;
  for (auto& one : workloads)
    writers.start(
        server, database, [&](auto& its) { one.step(its); }, kSteps);
  writers.start(
      server, database, [&](auto& its) { divided.step(its); }, kSteps);

  std::mt19937_64 random(seed);
  auto slot = penstock::postgres::create_slot(job.source, job.slot);
  EXPECT_TRUE(slot) << slot.error().text();
  if (slot) load(job, report->system, *std::move(slot), random);
  // A run that is stopped at once leaves its walsender behind for a moment.
  const auto has_left = [&] {
    return server.value(
               "SELECT bool_or(active) FROM pg_replication_slots WHERE slot_name = '" + job.slot + "'",
               database) == "f";
  };
  while (writers.busy() && !testing::Test::HasFailure()) {
    EXPECT_TRUE(test::eventually(has_left, 30s));
    StreamRun run({job, report->system, {}});
    std::this_thread::sleep_for(std::chrono::milliseconds(100 + random() % 400));
    run.stop(random() % 2 ? StopMode::Now : StopMode::AfterPartitions);
    EXPECT_TRUE(test::eventually([&] { return run.facts().run.ended; }, 30s));
    EXPECT_FALSE(run.facts().run.error) << run.facts().run.error->text();
  }
  ASSERT_NO_THROW(writers.stop());

  const auto end = penstock::postgres::current_wal_lsn(job.source);
  ASSERT_TRUE(end);
  ASSERT_TRUE(test::eventually(has_left, 30s));
  StreamRun run({job, report->system, {}});
  server.exec("SELECT pg_logical_emit_message(true, 'test', 'end')", database);
  EXPECT_TRUE(test::eventually([&] { return run.facts().confirmed >= *end; }, 30s))
      << "confirmed " << run.facts().confirmed.text() << " of " << end->text();
  EXPECT_FALSE(run.facts().run.error) << run.facts().run.error->text();
  for (const auto& table : all_tables())
    EXPECT_EQ(test::row_diff(server, database, table, test::shared_engine(), database, table), "");
}

/// Eight with PENSTOCK_NIGHTLY=1.
std::vector<Case> some_cases() {
  std::vector<Case> out;
  for (std::uint64_t seed = 1; seed <= (std::getenv("PENSTOCK_NIGHTLY") != nullptr ? 8 : 2); ++seed)
    out.push_back({seed, seed % 2 == 0});
  return out;
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomWorkload, testing::ValuesIn(some_cases()));

}  // namespace
}  // namespace penstock::pipeline
