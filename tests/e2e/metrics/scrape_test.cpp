// What a scrape of a real `penstock dev` tells of real pipes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "tests/support/dev_server.hpp"
#include "tests/support/engine_server.hpp"
#include "tests/support/metrics_text.hpp"
#include "tests/support/pipe_manifest.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/raw_http.hpp"

namespace penstock {
namespace {

using namespace std::chrono_literals;
using Labels = std::map<std::string, std::string>;

class ScrapeTest : public testing::Test {
 protected:
  ScrapeTest() {
    postgres().exec(
        "CREATE TABLE orders (id bigint PRIMARY KEY, v text);"
        "INSERT INTO orders SELECT i, 'v' FROM generate_series(1, 2500) i; ANALYZE orders",
        database_);
  }

  static test::PostgresServer& postgres() {
    static test::PostgresServer server;
    return server;
  }

  [[nodiscard]] test::MetricsText scrape() const {
    const auto reply = test::http(port_, "GET", "/metrics");
    if (reply.status != 200) throw std::runtime_error("no metrics: " + std::to_string(reply.status));
    return test::MetricsText(reply.body);
  }
  [[nodiscard]] std::optional<double> value(const std::string& name, Labels labels = {}) const {
    labels.insert({{"namespace", "default"}, {"name", "shop"}});
    return scrape().value(name, labels);
  }
  [[nodiscard]] bool comes_to(const std::string& name, const Labels& labels, double wanted) const {
    return test::eventually([&] { return value(name, labels) == wanted; }, 30s);
  }

  const std::string database_ = postgres().create_database();
  const int port_ = test::free_port();
  test::DevServer dev_{{.arguments = {"--metrics", "127.0.0.1:" + std::to_string(port_)}}};
  test::PipeManifest manifest_{"shop", postgres(), database_, test::shared_engine(), {"public.orders"}};
};

TEST_F(ScrapeTest, FollowsAPipeThroughItsLife) {
  manifest_.spec_more = "  snapshot: {rowsPerPartition: 1000}\n";
  const auto before = std::time(nullptr);
  dev_.apply(manifest_.both());
  ASSERT_TRUE(comes_to("penstock_pipe_state", {{"state", "Running"}}, 1)) << dev_.describe("shop");
  ASSERT_TRUE(comes_to("penstock_pipe_condition", {{"condition", "Ready"}, {"reason", "Running"}}, 1));
  EXPECT_EQ(value("penstock_pipe_state", {{"state", "Snapshot"}}), 0);
  EXPECT_GE(value("penstock_pipe_state_since_timestamp_seconds"), before);
  EXPECT_EQ(value("penstock_table_rows_total", {{"table", "public.orders"}, {"phase", "load"}}), 2500);
  EXPECT_EQ(value("penstock_table_partitions", {{"state", "done"}}),
            value("penstock_table_partitions", {{"state", "total"}}));
  EXPECT_TRUE(comes_to("penstock_table_state", {{"state", "Streaming"}}, 1));
  postgres().exec("UPDATE orders SET v = 'w' WHERE id <= 10", database_);
  EXPECT_TRUE(comes_to("penstock_table_rows_total", {{"phase", "stream"}}, 10));
  EXPECT_TRUE(value("penstock_pipe_lag_seconds"));
  EXPECT_TRUE(value("penstock_pipe_lag_bytes"));
  EXPECT_TRUE(test::eventually([&] { return value("penstock_slot_wal_retained_bytes") > 0; }, 60s));
  EXPECT_EQ(value("penstock_slot_safe_wal_bytes"), std::nullopt) << "there is no limit";

  dev_.patch("shop", R"({"spec":{"paused":true}})");
  EXPECT_TRUE(comes_to("penstock_pipe_state", {{"state", "Paused"}}, 1));
  EXPECT_EQ(value("penstock_pipe_lag_seconds"), std::nullopt);
  EXPECT_GT(scrape().value("controller_runtime_reconcile_total", {{"result", "requeue_after"}}), 0);
  EXPECT_GT(scrape().value("workqueue_adds_total", {{"name", "pipe"}}), 0);
  EXPECT_GT(scrape().value("rest_client_requests_total", {{"code", "200"}, {"method", "PATCH"}}), 0);

  dev_.must_kubectl({"delete", "pipe", "shop"});
  EXPECT_TRUE(test::eventually([&] { return scrape().lines_with({{"name", "shop"}}) == 0; }));
}

TEST_F(ScrapeTest, CountsClampedValuesOfLoadAndStreamTogether) {
  postgres().exec(
      "ALTER TABLE orders ADD COLUMN made date;"
      "UPDATE orders SET made = '0001-01-01' WHERE id <= 3",
      database_);
  dev_.apply(manifest_.both());
  const Labels made{{"table", "public.orders"}, {"column", "made"}};
  EXPECT_TRUE(comes_to("penstock_clamped_values_total", made, 3)) << dev_.describe("shop");
  ASSERT_TRUE(comes_to("penstock_pipe_state", {{"state", "Running"}}, 1));
  postgres().exec("INSERT INTO orders VALUES (10000, 'v', 'infinity'), (10001, 'v', '2000-01-01')",
                  database_);
  EXPECT_TRUE(comes_to("penstock_clamped_values_total", made, 4));
}

TEST_F(ScrapeTest, SaysWhatIsDocumentedAndNothingSecret) {
  manifest_.password = "Wr0ng-0815";
  dev_.apply(manifest_.both());
  ASSERT_TRUE(
      comes_to("penstock_pipe_condition", {{"condition", "Stalled"}, {"reason", "AuthenticationFailed"}}, 1))
      << dev_.describe("shop");
  // Counted when the warning is given, which is after the status that tells of it.
  EXPECT_TRUE(test::eventually([&] {
    return value("penstock_pipe_warnings_total", {{"reason", "AuthenticationFailed"}}) >= 1;
  }));
  const auto said = scrape();
  const auto documented = test::documented_metrics(PENSTOCK_SOURCE_DIR);
  for (const auto& [name, metric] : said.metrics()) {
    ASSERT_TRUE(documented.contains(name)) << name;
    EXPECT_EQ(documented.at(name).type, metric.type) << name;
    EXPECT_EQ(documented.at(name).labels, metric.label_names()) << name;
    EXPECT_EQ(documented.at(name).question, metric.help) << name;
  }
  const auto text = test::http(port_, "GET", "/metrics").body;
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("Wr0ng")));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("password")));
}

TEST_F(ScrapeTest, TellsOfASlotThatNoPipeHas) {
  const std::string orphan = "penstock_99999999_2222_3333_4444_555555555555_3";
  for (const auto& name : {orphan, std::string("penstock_reporting")})
    postgres().exec("SELECT pg_create_logical_replication_slot('" + name + "', 'pgoutput')", database_);
  dev_.apply(manifest_.both());
  const auto told = [&](const std::string& slot) {
    return scrape().value("penstock_orphaned_slot_wal_retained_bytes",
                          {{"slot", slot}, {"database", database_}});
  };
  EXPECT_TRUE(test::eventually([&] { return told(orphan).value_or(-1) >= 0; }, 30s)) << dev_.describe("shop");
  EXPECT_EQ(told("penstock_reporting"), std::nullopt) << "not called as ours are";
  EXPECT_EQ(told(dev_.field("shop", ".status.replication.slot")), std::nullopt) << "it has a Pipe";
  postgres().exec("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active",
                  database_);
  EXPECT_TRUE(test::eventually([&] { return !told(orphan); }, 30s));
}

TEST_F(ScrapeTest, EndsWithTheProcessAndComesBackWithIt) {
  test::RawConnection open(port_);
  open.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ASSERT_EQ(open.reply().status, 200);
  const auto stopped = dev_.stop();
  EXPECT_TRUE(stopped.status.ok()) << dev_.log();
  EXPECT_LT(stopped.took, 10s);
  EXPECT_EQ(test::http(port_, "GET", "/metrics").status, 0);
  dev_.start();
  EXPECT_EQ(scrape().value("penstock_build_info"), 1);
}

}  // namespace
}  // namespace penstock
