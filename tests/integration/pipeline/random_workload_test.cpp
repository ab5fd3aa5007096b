// A seeded random workload runs while tables are loaded, streamed, interrupted and resumed; at the end the targets'
// FINAL state equals the source, row by row, in every column. PENSTOCK_SEED repeats one seed.

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <random>
#include <thread>

#include "dataplane/pipeline/load_run.hpp"
#include "dataplane/pipeline/setup.hpp"
#include "dataplane/pipeline/stream_run.hpp"
#include "tests/support/engine_server.hpp"
#include "tests/support/process.hpp"
#include "tests/support/row_diff.hpp"
#include "tests/support/workload.hpp"

namespace penstock::pipeline {
namespace {

using namespace std::chrono_literals;

test::PostgresServer& postgres_server() {
  static test::PostgresServer server;
  return server;
}

PipeJob job_for(const std::string& database) {
  auto& engine = test::shared_engine();
  engine.query("CREATE DATABASE " + database);
  PipeJob job;
  job.name = "test/" + database;
  job.uid = database;
  job.source.host = postgres_server().host();
  job.source.port = postgres_server().port();
  job.source.database = database;
  job.source.user = test::PostgresServer::kSuperuser;
  job.source.password = Secret(test::PostgresServer::kPassword);
  job.source.tls = penstock::postgres::Tls::Disable;
  job.destination.url = engine.url();
  job.destination.database = database;
  job.slot = "slot_" + database;
  job.publication = "pub_" + database;
  job.rows_per_partition = 50;
  job.flush_interval = 20ms;
  job.max_inserts_per_second = 1000;
  for (const auto& table : test::Workload::tables()) {
    TableJob one;
    one.source = {"public", table};
    one.source_text = "public." + table;
    one.target = table;
    job.tables.push_back(one);
  }
  return job;
}

Status ready(const PipeJob& job) {
  std::vector<TableName> names;
  for (const auto& table : job.tables) names.push_back(table.source);
  return penstock::postgres::ensure_publication(job.source, job.publication, names);
}

struct Case {
  std::uint64_t seed;
  bool text_only;
};

class RandomWorkload : public testing::TestWithParam<Case> {};

/// Loads, with interruptions, until every table is in.
void load(const PipeJob& job, const SourceSystem& system, penstock::postgres::CreatedSlot slot, std::mt19937_64& random) {
  const Lsn version = slot.restart_lsn;
  std::optional<penstock::postgres::CreatedSlot> first = std::move(slot);
  std::vector<TableLoad> resume;
  for (int attempt = 0; attempt < 50; ++attempt) {
    LoadRun run({job, system, version, resume, std::move(first), {}});
    first.reset();
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
    for (const auto& table : resume) all = all && table.finished;
    if (all) return;
  }
  FAIL() << "the load does not end";
}

TEST_P(RandomWorkload, EndsEqualThroughInterruptedLoadsAndStreams) {
  auto [seed, text_only] = GetParam();
  if (const char* fixed = std::getenv("PENSTOCK_SEED")) seed = std::strtoull(fixed, nullptr, 10);
  SCOPED_TRACE("PENSTOCK_SEED=" + std::to_string(seed));
  auto& server = postgres_server();
  const auto database = server.create_database();
  const auto job = job_for(database);
  test::Workload workload(seed, text_only);
  auto session = server.session(database);
  workload.create(session, 800);

  const auto report = set_up(job);
  ASSERT_TRUE(report) << report.error().text();
  ASSERT_TRUE(ready(job));
  std::atomic<bool> busy{true};
  std::thread writer([&] {
    for (int step = 0; step < 1500 && busy.load(); ++step) workload.step(session);
    busy.store(false);
  });

  std::mt19937_64 random(seed);
  auto slot = penstock::postgres::create_slot(job.source, job.slot);
  EXPECT_TRUE(slot) << slot.error().text();
  if (slot) load(job, report->system, *std::move(slot), random);
  while (busy.load() && !testing::Test::HasFailure()) {
    StreamRun run({job, report->system, {}});
    std::this_thread::sleep_for(std::chrono::milliseconds(100 + random() % 400));
    run.stop(random() % 2 ? StopMode::Now : StopMode::AfterPartitions);
    EXPECT_TRUE(test::eventually([&] { return run.facts().run.ended; }, 30s));
    EXPECT_FALSE(run.facts().run.error) << run.facts().run.error->text();
  }
  busy.store(false);
  writer.join();

  const auto end = penstock::postgres::current_wal_lsn(job.source);
  ASSERT_TRUE(end);
  StreamRun run({job, report->system, {}});
  server.exec("SELECT pg_logical_emit_message(true, 'test', 'end')", database);
  EXPECT_TRUE(test::eventually([&] { return run.facts().confirmed >= *end; }, 30s))
      << "confirmed " << run.facts().confirmed.text() << " of " << end->text();
  EXPECT_FALSE(run.facts().run.error) << run.facts().run.error->text();
  for (const auto& table : test::Workload::tables())
    EXPECT_EQ(test::row_diff(server, database, table, test::shared_engine(), database, table), "");
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomWorkload,
                         testing::Values(Case{1, false}, Case{2, true}, Case{3, false}, Case{4, true}));

}  // namespace
}  // namespace penstock::pipeline
