#include "controller/runtime/event_recorder.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/support/process.hpp"

namespace penstock::runtime {
namespace {

using std::chrono_literals::operator""ms;
using test::eventually;

const ObjectReference kShop{"penstock.dev/v1alpha1", "Pipe", "data", "shop", "uid-1"};

/// Notes what it is asked to write and answers as it is told, well by default.
class NotingSink final : public EventSink {
 public:
  Status create(const Event& event) override { return note("create", event); }
  Status update(const Event& event) override { return note("update", event); }

  void answer_with(std::vector<Error> errors) {
    const std::lock_guard lock(mutex_);
    errors_ = std::move(errors);
  }
  std::vector<std::string> calls() {
    const std::lock_guard lock(mutex_);
    return calls_;
  }

 private:
  Status note(const std::string& verb, const Event& event) {
    const std::lock_guard lock(mutex_);
    calls_.push_back(verb + " " + event.reason + " " + std::to_string(event.count));
    if (errors_.empty()) return {};
    auto error = errors_.front();
    errors_.erase(errors_.begin());
    return fail(std::move(error));
  }

  std::mutex mutex_;
  std::vector<std::string> calls_;
  std::vector<Error> errors_;
};

class EventRecorderTest : public testing::Test {
 protected:
  using Calls = std::vector<std::string>;

  bool come_to(const Calls& calls) {
    return eventually([&] { return sink_.calls() == calls; });
  }

  SystemClock clock_;
  NotingSink sink_;
};

TEST_F(EventRecorderTest, CreatesAnEventAndUpdatesItWhenItRepeats) {
  EventRecorder recorder(sink_, clock_);
  recorder.normal(kShop, "Running", "streams");
  recorder.normal(kShop, "Running", "streams");
  EXPECT_TRUE(come_to({"create Running 1", "update Running 2"}));
}

TEST_F(EventRecorderTest, CreatesAnewWhatHasExpired) {
  EventRecorder recorder(sink_, clock_);
  recorder.normal(kShop, "Running", "streams");
  ASSERT_TRUE(come_to({"create Running 1"}));
  sink_.answer_with({{ErrorKind::NeedsUser, "NotFound", "gone", ""}});
  recorder.normal(kShop, "Running", "streams");
  EXPECT_TRUE(come_to({"create Running 1", "update Running 2", "create Running 2"}));
}

TEST_F(EventRecorderTest, TriesAgainWhatWaitingCures) {
  sink_.answer_with({{ErrorKind::Transient, "ApiServerUnreachable", "down", ""},
                     {ErrorKind::InDoubt, "ConnectionLost", "lost", ""},
                     {ErrorKind::Transient, "AlreadyExists", "it had arrived", ""}});
  EventRecorder recorder(sink_, clock_, {.queue_limit = 10, .attempts = 5, .between_attempts = 1ms});
  recorder.warning(kShop, "SlotLost", "gone");
  recorder.normal(kShop, "Running", "streams");
  EXPECT_TRUE(come_to({"create SlotLost 1", "create SlotLost 1", "create SlotLost 1", "create Running 1"}));
}

TEST_F(EventRecorderTest, GivesUpOnWhatTheServerRefuses) {
  sink_.answer_with({{ErrorKind::NeedsUser, "Forbidden", "no", ""}});
  EventRecorder recorder(sink_, clock_);
  recorder.warning(kShop, "SlotLost", "gone");
  recorder.normal(kShop, "Running", "streams");
  EXPECT_TRUE(come_to({"create SlotLost 1", "create Running 1"}));
}

TEST_F(EventRecorderTest, WritesWhatIsQueuedBeforeItEnds) {
  {
    EventRecorder recorder(sink_, clock_);
    for (int i = 0; i < 5; ++i)
      recorder.normal(kShop, "State" + std::to_string(i), "x");
  }
  EXPECT_EQ(sink_.calls().size(), 5U);
}

TEST_F(EventRecorderTest, EndsAtOnceWhenTheServerDoesNotAnswer) {
  sink_.answer_with(
      std::vector<Error>(1000, Error{ErrorKind::Transient, "ApiServerUnreachable", "down", ""}));
  const auto begun = steady_now();
  {
    EventRecorder recorder(sink_, clock_);
    for (int i = 0; i < 5; ++i)
      recorder.normal(kShop, "State" + std::to_string(i), "x");
    ASSERT_TRUE(eventually([&] { return !sink_.calls().empty(); }));
  }
  EXPECT_LT(steady_now() - begun, std::chrono::seconds(5));
}

}  // namespace
}  // namespace penstock::runtime
