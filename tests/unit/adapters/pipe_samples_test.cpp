#include "controller/adapters/metrics/pipe_samples.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "crds/enum_names.hpp"
#include "tests/unit/adapters/metrics_world.hpp"

namespace penstock::adapters {
namespace {

std::vector<Sample> of(const std::vector<Sample>& samples, PipeMetric metric) {
  std::vector<Sample> out;
  std::copy_if(samples.begin(), samples.end(), std::back_inserter(out),
               [&](const Sample& sample) { return sample.metric == metric; });
  return out;
}

std::vector<Sample> told(PipeMetric metric, const Pipe& pipe,
                         const PipeMeasures& measures = test::all_measured()) {
  return of(samples_of(pipe, measures), metric);
}

std::optional<double> value(PipeMetric metric, const Pipe& pipe,
                            const std::vector<std::string>& labels = {}) {
  for (const auto& sample : told(metric, pipe))
    if (sample.labels == labels) return sample.value;
  return std::nullopt;
}

TEST(PipeSamples, TellEachOfTheTenStatesAndOneOfThemIsIt) {
  for (const auto& [state, name] : kEnumNames<PipeState>) {
    auto pipe = test::streaming_pipe();
    pipe.status.state = state;
    const auto samples = told(PipeMetric::State, pipe);
    ASSERT_EQ(samples.size(), 10U) << name;
    for (const auto& sample : samples)
      EXPECT_EQ(sample.value, sample.labels == std::vector<std::string>{name} ? 1 : 0) << name;
  }
}

TEST(PipeSamples, OfAPipeThatNobodyHasSeenNoStateIsIt) {
  Pipe pipe = test::streaming_pipe();
  pipe.status = {};
  EXPECT_EQ(told(PipeMetric::State, pipe).size(), 10U);
  for (const auto& sample : told(PipeMetric::State, pipe))
    EXPECT_EQ(sample.value, 0);
  EXPECT_TRUE(told(PipeMetric::StateSince, pipe).empty());
}

TEST(PipeSamples, TellSinceWhenInUnixSeconds) {
  EXPECT_EQ(value(PipeMetric::StateSince, test::streaming_pipe()), 1'700'000'000);
}

TEST(PipeSamples, TellConditionsWithTheirReasons) {
  auto pipe = test::streaming_pipe();
  pipe.status.conditions = {{"Ready", false, "TablesFailed", "public.customers", 1, {}},
                            {"Stalled", true, "TablesFailed", "public.customers", 1, {}}};
  EXPECT_EQ(value(PipeMetric::Condition, pipe, {"Ready", "TablesFailed"}), 0);
  EXPECT_EQ(value(PipeMetric::Condition, pipe, {"Stalled", "TablesFailed"}), 1);
  EXPECT_EQ(told(PipeMetric::Condition, pipe).size(), 2U);
}

TEST(PipeSamples, TellTheLagWhereAStreamMayRun) {
  const auto pipe = test::streaming_pipe();
  EXPECT_EQ(value(PipeMetric::LagSeconds, pipe), 1.5);
  EXPECT_EQ(value(PipeMetric::LagBytes, pipe), 4096);
}

TEST(PipeSamples, TellNoLagThatIsOnlyRemembered) {
  for (const auto state : {PipeState::Provisioning, PipeState::Setup, PipeState::Paused, PipeState::Completed,
                           PipeState::Failed}) {
    auto pipe = test::streaming_pipe();
    pipe.status.state = state;
    EXPECT_EQ(value(PipeMetric::LagSeconds, pipe), std::nullopt) << to_text(state);
    EXPECT_EQ(value(PipeMetric::LagBytes, pipe), std::nullopt) << to_text(state);
  }
}

TEST(PipeSamples, TellNoLagBeforeAnythingWasReceived) {
  auto pipe = test::streaming_pipe();
  pipe.status.replication.received_lsn.clear();
  EXPECT_EQ(value(PipeMetric::LagSeconds, pipe), std::nullopt);
}

TEST(PipeSamples, TellWhichResyncIsWantedAndWhichWasDone) {
  const auto pipe = test::streaming_pipe();
  EXPECT_EQ(value(PipeMetric::ResyncGeneration, pipe, {"wanted"}), 3);
  EXPECT_EQ(value(PipeMetric::ResyncGeneration, pipe, {"observed"}), 2);
}

TEST(PipeSamples, TellEachTablesStateAndProgress) {
  auto pipe = test::streaming_pipe();
  EXPECT_EQ(told(PipeMetric::TableState, pipe).size(), 12U);
  EXPECT_EQ(value(PipeMetric::TableState, pipe, {"public.orders", "Streaming"}), 1);
  EXPECT_EQ(value(PipeMetric::TableState, pipe, {"public.orders", "Failed"}), 0);
  EXPECT_EQ(value(PipeMetric::TableState, pipe, {"public.customers", "Failed"}), 1);
  EXPECT_EQ(value(PipeMetric::TableRows, pipe, {"public.orders", "load"}), 1'000'000);
  EXPECT_EQ(value(PipeMetric::TableRows, pipe, {"public.orders", "stream"}), 42);
  EXPECT_EQ(value(PipeMetric::TablePartitions, pipe, {"public.orders", "done"}), 7);
  EXPECT_EQ(value(PipeMetric::TablePartitions, pipe, {"public.orders", "total"}), 10);
  EXPECT_EQ(told(PipeMetric::TableLag, pipe).size(), 1U) << "the other's is not known";
  EXPECT_EQ(value(PipeMetric::TableLag, pipe, {"public.orders"}), 2.5);
  pipe.status.state = PipeState::Paused;
  EXPECT_EQ(told(PipeMetric::TableLag, pipe).size(), 0U) << "nor what it has become since";
}

TEST(PipeSamples, TellWhatWasMeasured) {
  const auto pipe = test::streaming_pipe();
  EXPECT_EQ(value(PipeMetric::SlotRetained, pipe), 1'000'000);
  EXPECT_EQ(value(PipeMetric::SlotSafe, pipe), 500'000);
  EXPECT_EQ(value(PipeMetric::ClampedValues, pipe, {"public.orders", "amount"}), 5);
  EXPECT_EQ(value(PipeMetric::Warnings, pipe, {"SourceUnreachable"}), 2);
}

TEST(PipeSamples, TellNothingOfASlotThatNobodyLookedAtNorOfALimitThatIsNone) {
  const auto pipe = test::streaming_pipe();
  PipeMeasures measures;
  EXPECT_TRUE(told(PipeMetric::SlotRetained, pipe, measures).empty());
  measures.slot = SlotMeasures{1, std::nullopt};
  EXPECT_EQ(told(PipeMetric::SlotRetained, pipe, measures).size(), 1U);
  EXPECT_TRUE(told(PipeMetric::SlotSafe, pipe, measures).empty());
}

TEST(PipeSamples, TellNothingOfASlotThatIsNotLookedAtAnyMore) {
  for (const auto& [state, name] : kEnumNames<PipeState>) {
    auto pipe = test::streaming_pipe();
    pipe.status.state = state;
    const bool gone = state == PipeState::Failed || state == PipeState::Provisioning ||
                      state == PipeState::Setup || state == PipeState::Completed;
    EXPECT_EQ(value(PipeMetric::SlotRetained, pipe).has_value(), !gone) << name;
    EXPECT_EQ(value(PipeMetric::SlotSafe, pipe).has_value(), !gone) << name;
  }
}

TEST(PipeSamples, EachHasTheLabelsOfItsMetric) {
  for (const auto& sample : samples_of(test::streaming_pipe(), test::all_measured())) {
    const auto& labels = info_of(sample.metric).labels;
    const auto wanted =
        std::count_if(labels.begin(), labels.end(), [](auto* label) { return label != nullptr; });
    EXPECT_EQ(sample.labels.size(), static_cast<std::size_t>(wanted)) << info_of(sample.metric).name;
  }
}

TEST(PipeSamples, AreBoundedByTheNumberOfTables) {
  auto pipe = test::streaming_pipe();
  pipe.status.tables.clear();
  const auto without = samples_of(pipe, {}).size();
  EXPECT_LE(without, 25U);
  pipe.status.tables.resize(1000);
  EXPECT_EQ(samples_of(pipe, {}).size(), without + 10U * 1000U);
}

TEST(PipeSamples, SayNothingThatAMessageSays) {
  auto pipe = test::streaming_pipe();
  pipe.status.message = "a long story";
  pipe.status.conditions[0].message = "a long story";
  pipe.status.tables[1].message = "a long story";
  for (const auto& sample : samples_of(pipe, test::all_measured()))
    for (const auto& label : sample.labels)
      EXPECT_EQ(label.find("story"), std::string::npos);
}

}  // namespace
}  // namespace penstock::adapters
