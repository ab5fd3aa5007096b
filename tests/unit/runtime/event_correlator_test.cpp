#include "controller/runtime/event_correlator.hpp"

#include <gtest/gtest.h>

#include <string>

namespace penstock::runtime {
namespace {

using std::chrono_literals::operator""s;
using std::chrono_literals::operator""min;

class EventCorrelatorTest : public testing::Test {
 protected:
  std::optional<CorrelatedEvent> record(const std::string& reason, const std::string& message) {
    return correlator_.correlate(shop_, EventType::Warning, reason, message, steady_, wall_);
  }
  void pass(std::chrono::seconds time) {
    steady_ += time;
    wall_ += time;
  }

  ObjectReference shop_{"penstock.dev/v1alpha1", "Pipe", "data", "shop", "uid-1"};
  SteadyTime steady_{std::chrono::hours(1)};
  WallTime wall_{std::chrono::seconds(1'700'000'000)};
  EventCorrelator correlator_;
};

TEST_F(EventCorrelatorTest, WritesANewEventWithItsTimesAndAName) {
  const auto event = record("SourceUnreachable", "cannot connect");
  ASSERT_TRUE(event);
  EXPECT_TRUE(event->is_new);
  EXPECT_EQ(event->event.count, 1);
  EXPECT_EQ(event->event.first, wall_);
  EXPECT_EQ(event->event.message, "cannot connect");
  EXPECT_EQ(event->event.name, "shop.17979cfe362a0000");
}

TEST_F(EventCorrelatorTest, NamesEventsOfTheLongestNamesSoThatTheApiTakesThem) {
  const auto name_for = [&](const std::string& pipe) {
    ObjectReference object = shop_;
    object.name = pipe;
    return correlator_.correlate(object, EventType::Normal, "Created", "m", steady_, wall_)->event.name;
  };
  const std::string longest =
      std::string(63, 'a') + "." + std::string(63, 'b') + "." + std::string(63, 'c') + ".";
  const auto first = name_for(longest + std::string(61, 'd'));
  EXPECT_LE(first.size(), 253U);
  EXPECT_TRUE(first.starts_with(longest));
  EXPECT_TRUE(first.ends_with(".17979cfe362a0000"));
  EXPECT_NE(first, name_for(longest + std::string(60, 'd') + "e"));
  // A cut right behind a dot or a hyphen.
  for (const char* joint : {".", "-", "--"}) {
    const auto cut =
        name_for(std::string(227 - std::string(joint).size(), 'a') + joint + std::string(26, 'd'));
    EXPECT_EQ(cut.find(std::string(joint) + "-"), std::string::npos) << cut;
  }
  EXPECT_EQ(name_for(std::string(236, 'a')), std::string(236, 'a') + ".17979cfe362a0000");
}

TEST_F(EventCorrelatorTest, RaisesTheCountOfAnEqualEvent) {
  const auto first = record("SourceUnreachable", "cannot connect");
  pass(30s);
  const auto second = record("SourceUnreachable", "cannot connect");
  ASSERT_TRUE(first && second);
  EXPECT_FALSE(second->is_new);
  EXPECT_EQ(second->event.name, first->event.name);
  EXPECT_EQ(second->event.count, 2);
  EXPECT_EQ(second->event.first, first->event.first);
  EXPECT_EQ(second->event.last, wall_);
}

TEST_F(EventCorrelatorTest, KeepsEventsOfOtherReasonsTypesAndObjectsApart) {
  ASSERT_TRUE(record("SourceUnreachable", "cannot connect"));
  EXPECT_TRUE(record("AuthenticationFailed", "cannot connect")->is_new);
  EXPECT_TRUE(
      correlator_.correlate(shop_, EventType::Normal, "SourceUnreachable", "cannot connect", steady_, wall_)
          ->is_new);
  auto other = shop_;
  other.uid = "uid-2";
  EXPECT_TRUE(
      correlator_.correlate(other, EventType::Warning, "SourceUnreachable", "cannot connect", steady_, wall_)
          ->is_new);
}

TEST_F(EventCorrelatorTest, FoldsTheTenthSimilarEventAndThoseAfterIt) {
  for (int i = 1; i <= 9; ++i) {
    pass(1s);
    const auto event = record("TableFailed", "table " + std::to_string(i));
    ASSERT_TRUE(event && event->is_new) << i;
  }
  pass(1s);
  const auto tenth = record("TableFailed", "table 10");
  ASSERT_TRUE(tenth);
  EXPECT_TRUE(tenth->is_new);
  EXPECT_EQ(tenth->event.message, "(combined from similar events): table 10");
  pass(1s);
  const auto eleventh = record("TableFailed", "table 11");
  ASSERT_TRUE(eleventh);
  EXPECT_FALSE(eleventh->is_new);
  EXPECT_EQ(eleventh->event.name, tenth->event.name);
  EXPECT_EQ(eleventh->event.count, 2);
  EXPECT_EQ(eleventh->event.message, "(combined from similar events): table 11");
}

TEST_F(EventCorrelatorTest, FoldsNoLongerAfterTenQuietMinutes) {
  for (int i = 1; i <= 12; ++i)
    ASSERT_TRUE(record("TableFailed", "table " + std::to_string(i)));
  pass(10min + 1s);
  const auto event = record("TableFailed", "table 13");
  ASSERT_TRUE(event);
  EXPECT_EQ(event->event.message, "table 13");
}

TEST_F(EventCorrelatorTest, LetsABurstOf25ThroughAndThenOneInFiveMinutes) {
  for (int i = 1; i <= 25; ++i)
    ASSERT_TRUE(record("Flapping", "again")) << i;
  EXPECT_FALSE(record("Flapping", "again"));
  pass(4min);
  EXPECT_FALSE(record("Flapping", "again"));
  pass(1min);
  const auto event = record("Flapping", "again");
  ASSERT_TRUE(event);
  EXPECT_EQ(event->event.count, 28) << "the dropped ones are counted";
}

TEST_F(EventCorrelatorTest, LimitsEachObjectByItself) {
  for (int i = 1; i <= 26; ++i)
    (void)record("Flapping", "again");
  auto other = shop_;
  other.name = "crm";
  EXPECT_TRUE(correlator_.correlate(other, EventType::Normal, "Running", "streams", steady_, wall_));
}

TEST_F(EventCorrelatorTest, WritesAnEventAnewWhenItsFirstWasDropped) {
  for (int i = 1; i <= 25; ++i)
    ASSERT_TRUE(record("Flapping", "again"));
  ASSERT_FALSE(record("SlotLost", "the slot is gone"));
  pass(5min);
  const auto event = record("SlotLost", "the slot is gone");
  ASSERT_TRUE(event);
  EXPECT_TRUE(event->is_new);
}

TEST_F(EventCorrelatorTest, CutsALongMessageBetweenCharacters) {
  std::string long_text = "x";
  for (int i = 0; i < 600; ++i)
    long_text += "é";
  const auto event = record("TableFailed", long_text);
  ASSERT_TRUE(event);
  EXPECT_LE(event->event.message.size(), 1024U);
  EXPECT_TRUE(event->event.message.ends_with("é..."));
}

TEST_F(EventCorrelatorTest, RemembersABoundedNumberOfObjects) {
  for (int i = 0; i < 5000; ++i) {
    auto other = shop_;
    other.name = "pipe-" + std::to_string(i);
    pass(1s);
    ASSERT_TRUE(correlator_.correlate(other, EventType::Normal, "Running", "streams", steady_, wall_));
  }
  auto forgotten = shop_;
  forgotten.name = "pipe-0";
  EXPECT_TRUE(
      correlator_.correlate(forgotten, EventType::Normal, "Running", "streams", steady_, wall_)->is_new);
  auto remembered = shop_;
  remembered.name = "pipe-4999";
  EXPECT_FALSE(
      correlator_.correlate(remembered, EventType::Normal, "Running", "streams", steady_, wall_)->is_new);
}

}  // namespace
}  // namespace penstock::runtime
