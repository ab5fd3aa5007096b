#include "controller/adapters/metrics/pipe_meter.hpp"

#include <gtest/gtest.h>

namespace penstock::adapters {
namespace {

std::vector<reconcile::TableFacts> clamped(std::uint64_t amount) {
  reconcile::TableFacts orders;
  orders.source = "public.orders";
  if (amount != 0) orders.clamped = {{"amount", amount}};
  return {orders};
}

class PipeMeterTest : public testing::Test {
 protected:
  [[nodiscard]] std::uint64_t count() const {
    const auto measures = meter_.of("uid");
    const auto at = measures.clamped.find({"public.orders", "amount"});
    return at == measures.clamped.end() ? 0 : at->second;
  }

  PipeMeter meter_;
};

TEST_F(PipeMeterTest, FollowsWhatARunCounts) {
  meter_.note_run("uid", "load", clamped(3));
  meter_.note_run("uid", "load", clamped(3));
  meter_.note_run("uid", "load", clamped(5));
  EXPECT_EQ(count(), 5U);
}

TEST_F(PipeMeterTest, KeepsWhatAnEarlierRunCounted) {
  meter_.note_run("uid", "run", clamped(5));
  meter_.note_run("uid", "run", clamped(0));  // the next one has begun
  EXPECT_EQ(count(), 5U);
  meter_.note_run("uid", "run", clamped(2));
  EXPECT_EQ(count(), 7U);
  meter_.note_run("uid", "run", clamped(1));  // and another, that has counted already
  EXPECT_EQ(count(), 8U);
}

TEST_F(PipeMeterTest, AddsUpRunsOfTwoKindsThatGoOnSideBySide) {
  meter_.note_run("uid", "load", clamped(5));
  meter_.note_run("uid", "stream", clamped(2));
  meter_.note_run("uid", "load", clamped(6));
  meter_.note_run("uid", "stream", clamped(2));
  EXPECT_EQ(count(), 8U);
}

TEST_F(PipeMeterTest, CountsWarningsByReason) {
  meter_.note_warning("uid", "SlotLost");
  meter_.note_warning("uid", "SlotLost");
  meter_.note_warning("uid", "SourceUnreachable");
  const std::map<std::string, std::uint64_t> wanted{{"SlotLost", 2}, {"SourceUnreachable", 1}};
  EXPECT_EQ(meter_.of("uid").warnings, wanted);
}

TEST_F(PipeMeterTest, KnowsTheSlotAsItWasLastSeen) {
  EXPECT_EQ(meter_.of("uid").slot, std::nullopt);
  meter_.note_slot("uid", SlotMeasures{10, 20});
  EXPECT_EQ(meter_.of("uid").slot, (SlotMeasures{10, 20}));
  meter_.note_slot("uid", std::nullopt);
  EXPECT_EQ(meter_.of("uid").slot, std::nullopt);
}

TEST_F(PipeMeterTest, ForgetsAPipeThatIsGoneAndKeepsTheOthers) {
  meter_.note_warning("uid", "SlotLost");
  meter_.note_warning("other", "SlotLost");
  meter_.forget("uid");
  EXPECT_EQ(meter_.of("uid"), PipeMeasures{});
  EXPECT_EQ(meter_.of("other").warnings.size(), 1U);
}

}  // namespace
}  // namespace penstock::adapters
