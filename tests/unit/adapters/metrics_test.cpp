// What /metrics says, and docs/metrics.md of it.

#include "controller/adapters/metrics/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/metrics_text.hpp"
#include "tests/unit/adapters/metrics_world.hpp"

namespace penstock::adapters {
namespace {

using penstock::test::MetricsText;

class MetricsTest : public testing::Test {
 protected:
  MetricsTest() {
    metrics_.show({"pipe", 4,
                   [] {
                     return runtime::WorkQueue::InWork{2, 3.5, 2.5};
                   },
                   [this] { return pipes_; }});
  }

  /// Gives everything that can be counted something to count.
  void count_everything() {
    auto& controller = metrics_.controller();
    controller.queue_added("pipe");
    controller.queue_retried("pipe");
    controller.queue_depth("pipe", 3);
    controller.queue_waited("pipe", 0.02);
    controller.queue_worked("pipe", 0.2);
    controller.reconciled("pipe", "success", 0.2);
    controller.reconciled("pipe", "error", 70);
    controller.request_answered("200", "GET", "127.0.0.1:6443");
    const auto uid = pipes_.front().uid;
    metrics_.meter().note_slot(uid, SlotMeasures{1000, 500});
    postgres::SlotFacts orphan;
    orphan.name = "penstock_99999999_2222_3333_4444_555555555555_3";
    metrics_.meter().note_slots(uid, "db:5432", {orphan});
    metrics_.meter().note_warning(uid, "SlotLost");
    reconcile::TableFacts orders;
    orders.source = "public.orders";
    orders.clamped = {{"amount", 3}};
    metrics_.meter().note_run(uid, "load", {orders});
  }

  [[nodiscard]] MetricsText scrape() const { return MetricsText(metrics_.text()); }

  std::vector<Pipe> pipes_{test::streaming_pipe()};
  Metrics metrics_{"1.2.3"};
};

TEST_F(MetricsTest, AreThoseOfTheDocumentation) {
  count_everything();
  const auto documented = penstock::test::documented_metrics(PENSTOCK_SOURCE_DIR);
  const auto said = scrape();
  for (const auto& [name, metric] : said.metrics()) {
    const auto row = documented.find(name);
    if (row == documented.end()) {
      ADD_FAILURE() << "docs/metrics.md does not have " << name;
      continue;
    }
    EXPECT_EQ(row->second.type, metric.type) << name;
    EXPECT_EQ(row->second.labels, metric.label_names()) << name;
    EXPECT_EQ(row->second.question, metric.help) << name;
    EXPECT_THAT(row->second.example, testing::HasSubstr(name)) << "the example is about something else";
  }
  for (const auto& [name, row] : documented)
    EXPECT_TRUE(said.metrics().contains(name))
        << "docs/metrics.md tells of " << name << ", which is not there";
}

TEST_F(MetricsTest, EachAnswersAQuestion) {
  count_everything();
  const auto said = scrape();
  for (const auto& [name, metric] : said.metrics())
    EXPECT_THAT(metric.help, testing::HasSubstr("?")) << name;
}

TEST_F(MetricsTest, TellTheVersion) {
  EXPECT_EQ(scrape().value("penstock_build_info", {{"version", "1.2.3"}}), 1);
}

TEST_F(MetricsTest, TellOfEachPipeUnderItsName) {
  auto other = test::streaming_pipe();
  other.name = "crm";
  other.status.state = PipeState::Paused;
  pipes_.push_back(other);
  const auto said = scrape();
  EXPECT_EQ(
      said.value("penstock_pipe_state", {{"namespace", "data"}, {"name", "shop"}, {"state", "Running"}}), 1);
  EXPECT_EQ(said.value("penstock_pipe_state", {{"namespace", "data"}, {"name", "crm"}, {"state", "Running"}}),
            0);
  EXPECT_EQ(said.value("penstock_pipe_state", {{"name", "crm"}, {"state", "Paused"}}), 1);
}

TEST_F(MetricsTest, LeaveNothingOfAPipeThatIsGone) {
  count_everything();
  ASSERT_GT(scrape().lines_with({{"namespace", "data"}}), 30U);
  pipes_.clear();
  EXPECT_EQ(scrape().lines_with({{"namespace", "data"}}), 0U);
  EXPECT_FALSE(scrape().metrics().contains("penstock_pipe_state")) << "a HELP line without samples";
}

TEST_F(MetricsTest, KeepOddNamesApartFromTheFormat) {
  const std::string odd = "\"My.Schema\".\"Order \\ Lines\"\n{x=\"1\"} 2";
  pipes_[0].status.tables[0].source = odd;
  EXPECT_EQ(scrape().value("penstock_table_rows_total", {{"table", odd}, {"phase", "stream"}}), 42);
}

TEST_F(MetricsTest, CountErrorsFromZero) {
  EXPECT_EQ(scrape().value("controller_runtime_reconcile_errors_total", {{"controller", "pipe"}}), 0);
  EXPECT_EQ(scrape().value("controller_runtime_reconcile_total", {{"result", "error"}}), 0);
  count_everything();
  EXPECT_EQ(scrape().value("controller_runtime_reconcile_errors_total", {{"controller", "pipe"}}), 1);
  EXPECT_EQ(scrape().value("controller_runtime_reconcile_total", {{"result", "error"}}), 1);
  EXPECT_EQ(scrape().value("controller_runtime_reconcile_total", {{"result", "success"}}), 1);
}

TEST_F(MetricsTest, TellHowLongPassesTake) {
  count_everything();
  const auto said = scrape();
  const std::string name = "controller_runtime_reconcile_time_seconds";
  EXPECT_EQ(said.value(name + "_count"), 2);
  EXPECT_EQ(said.value(name + "_sum"), 70.2);
  EXPECT_EQ(said.value(name + "_bucket", {{"le", "0.15"}}), 0);
  EXPECT_EQ(said.value(name + "_bucket", {{"le", "0.2"}}), 1);
  EXPECT_EQ(said.value(name + "_bucket", {{"le", "60"}}), 1);
  EXPECT_EQ(said.value(name + "_bucket", {{"le", "+Inf"}}), 2);
}

TEST_F(MetricsTest, TellWhatTheWorkersHaveInHand) {
  const auto said = scrape();
  EXPECT_EQ(said.value("controller_runtime_active_workers", {{"controller", "pipe"}}), 2);
  EXPECT_EQ(said.value("controller_runtime_max_concurrent_reconciles", {{"controller", "pipe"}}), 4);
  EXPECT_EQ(said.value("workqueue_unfinished_work_seconds", {{"name", "pipe"}}), 3.5);
  EXPECT_EQ(said.value("workqueue_longest_running_processor_seconds", {{"name", "pipe"}}), 2.5);
}

TEST_F(MetricsTest, LookNoMoreAtAControllerThatIsHidden) {
  metrics_.hide();
  EXPECT_EQ(scrape().value("controller_runtime_active_workers"), std::nullopt);
  EXPECT_EQ(scrape().value("penstock_build_info"), 1);
}

}  // namespace
}  // namespace penstock::adapters
