// From a fault in a real source to an alert in a real Alertmanager, and back.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <nlohmann/json.hpp>

#include "tests/support/dev_server.hpp"
#include "tests/support/engine_server.hpp"
#include "tests/support/metrics_text.hpp"
#include "tests/support/monitoring.hpp"
#include "tests/support/pipe_manifest.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/runbooks.hpp"

namespace penstock {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const std::string kRoot = PENSTOCK_SOURCE_DIR;
const std::string kRules = kRoot + "/charts/penstock/rules/penstock.rules.yaml";

const std::string kTable =
    "CREATE TABLE orders (id bigint PRIMARY KEY, v text);"
    "INSERT INTO orders SELECT i, 'v' FROM generate_series(1, 100) i";

/// A source, the engine, `penstock dev`, a Prometheus that scrapes it and the Alertmanager that it tells.
class AlertingTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { world = new World; }
  static void TearDownTestSuite() {
    delete world;
    world = nullptr;
  }

  struct World {
    test::PostgresServer postgres;
    int port = test::free_port();
    test::DevServer dev{{.arguments = {"--metrics", "127.0.0.1:" + std::to_string(port)}}};
    test::Alertmanager alerts;
    test::Prometheus prometheus{kRules, port, alerts};
  };

  /// A pipe over table public.orders of a database of its own, applied and Running.
  static test::PipeManifest run_pipe(const std::string& name, const std::string& target_database = "") {
    const auto database = postgres().create_database();
    postgres().exec(kTable, database);
    test::PipeManifest manifest(name, postgres(), database, test::shared_engine(), {"public.orders"});
    if (!target_database.empty()) manifest.target_database = target_database;
    dev().apply(manifest.both());
    if (!dev().wait_for_state(name, "Running")) throw std::runtime_error(dev().describe(name));
    return manifest;
  }

  static std::string sql_of_slot(const std::string& pipe) {
    return "FROM pg_replication_slots WHERE slot_name = '" + dev().field(pipe, ".status.replication.slot") +
           "'";
  }

  static test::PostgresServer& postgres() { return world->postgres; }
  static test::DevServer& dev() { return world->dev; }
  static test::Alertmanager& alerts() { return world->alerts; }
  static test::Prometheus& prometheus() { return world->prometheus; }

  static inline World* world = nullptr;
};

TEST_F(AlertingTest, PrometheusTakesWhatItScrapes) {
  run_pipe("taken");
  EXPECT_TRUE(test::eventually([] {
    const auto target = prometheus().target();
    return target.health == "up" && target.error.empty();
  })) << prometheus().target().error;
  EXPECT_TRUE(test::eventually([] {
    return prometheus().query(R"(penstock_pipe_state{name="taken",state="Running"} == 1)").size() == 1;
  }));
  EXPECT_TRUE(test::eventually([] {
    return !prometheus().query(R"(penstock_table_rows_total{name="taken",phase="load"} == 100)").empty();
  }));
}

TEST_F(AlertingTest, PrometheusUnderstandsEveryQueryThatIsDocumented) {
  for (const auto& [name, row] : test::documented_metrics(kRoot))
    EXPECT_NO_THROW(prometheus().query(row.example)) << name;
  for (const auto& line : test::runbook_lines(kRoot))
    if (line.language == "promql") {
      EXPECT_NO_THROW(prometheus().query(line.text)) << line.page;
    }
}

/// Two pipes fail side by side: the slot of one is dropped, the other is led to a clone of its source, which
/// has the tables but no slot. Both are told; one is resynced, the other led back, and neither is told any
/// more.
TEST_F(AlertingTest, AFailedPipeIsToldUntilItIsCured) {
  const auto lost = run_pipe("lost");
  const auto moved = run_pipe("moved");
  test::PostgresServer clone;  // of the same cluster as all that are started for tests
  clone.exec("CREATE DATABASE " + moved.database);
  clone.exec(kTable, moved.database);
  EXPECT_EQ(alerts().firing("PenstockPipeFailed", "lost"), std::nullopt);

  const auto slot = sql_of_slot("lost");
  ASSERT_TRUE(test::eventually(
      [&] {
        postgres().exec("SELECT pg_terminate_backend(active_pid) " + slot + " AND active");
        try {
          postgres().exec("SELECT pg_drop_replication_slot(slot_name) " + slot);
          return true;
        } catch (const std::runtime_error&) {
          return false;  // it was taken again in between
        }
      },
      30s));
  dev().patch("moved", R"({"spec":{"source":{"postgres":{"port":)" + std::to_string(clone.port()) + "}}}}");
  const auto broken = std::chrono::steady_clock::now();
  ASSERT_TRUE(dev().wait_for_state("lost", "Failed", 60s)) << dev().describe("lost");
  ASSERT_TRUE(dev().wait_for_state("moved", "Failed", 60s)) << dev().describe("moved");

  std::map<std::string, test::Alert> firing;
  for (const char* pipe : {"lost", "moved"})
    ASSERT_TRUE(test::eventually(
        [&] {
          const auto one = alerts().firing("PenstockPipeFailed", pipe);
          if (one) firing[pipe] = *one;
          return one.has_value();
        },
        120s))
        << pipe;
  EXPECT_LT(std::chrono::steady_clock::now() - broken, 120s);
  const auto told = firing["moved"];
  EXPECT_EQ(told.severity, "critical");
  EXPECT_EQ(told.ns, "default");
  EXPECT_EQ(told.summary, "Pipe default/moved has failed");
  // The clone's WAL ends before what was replicated.
  EXPECT_THAT(told.description, HasSubstr("cures: SourceChanged."));
  EXPECT_THAT(told.runbook_url, testing::EndsWith("/docs/runbooks/PenstockPipeFailed.md"));
  EXPECT_THAT(firing["lost"].description, HasSubstr("cures: SlotLost."));
  EXPECT_EQ(alerts().firing("PenstockPipeFailed", "taken"), std::nullopt);

  dev().apply(moved.pipe());
  dev().patch("lost", R"({"spec":{"resyncGeneration":1}})");
  for (const char* pipe : {"lost", "moved"})
    EXPECT_TRUE(test::eventually([&] { return !alerts().firing("PenstockPipeFailed", pipe); }, 60s)) << pipe;
  for (const char* pipe : {"lost", "moved"})
    EXPECT_TRUE(dev().wait_for_state(pipe, "Running")) << dev().describe(pipe);
}

/// True where the line asks something of a Pipe, which `penstock dev` can answer.
bool asks_of_pipes(const std::string& line) {
  for (const char* beginning : {"kubectl -n $NS get ", "kubectl -n $NS describe ", "kubectl get pipes ",
                                "kubectl get crd ", "kubectl get --raw "})
    if (line.rfind(beginning, 0) == 0) return true;
  return false;
}

TEST_F(AlertingTest, TheCommandsOfTheRunbooksWork) {
  const auto manifest = run_pipe("written", "analytics");
  int tried = 0;
  for (const auto& line : test::runbook_lines(kRoot)) {
    for (const auto& sql : test::statements_of(line.text, "psql", "-c")) {
      EXPECT_NO_THROW(postgres().exec(sql, manifest.database)) << line.page << ": " << sql;
      ++tried;
    }
    for (const auto& sql : test::statements_of(line.text, "clickhouse-client", "-q")) {
      // The embedded engine logs no queries: that much is checked by eye, and the grammar here.
      const bool logged = sql.find("system.query_log") != std::string::npos;
      EXPECT_NO_THROW(test::shared_engine().query(logged ? "EXPLAIN AST " + sql : sql))
          << line.page << ": " << sql;
      ++tried;
    }
    if (!asks_of_pipes(line.text)) continue;
    test::ProcessOptions options;
    options.arguments = {"-c", "kubectl() { command ${PENSTOCK_KUBECTL:-kubectl} \"$@\"; }\n" + line.text};
    options.environment = {{"NS", "default"}, {"PIPE", "written"}, {"KUBECONFIG", dev().kubeconfig()}};
    const auto done = test::run("sh", std::move(options));
    EXPECT_TRUE(done.ok()) << line.page << ": " << line.text << "\n" << done.err;
    ++tried;
  }
  EXPECT_GT(tried, 40) << "the pages are not read as they were";
}

}  // namespace
}  // namespace penstock
