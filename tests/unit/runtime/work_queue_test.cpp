#include "controller/runtime/work_queue.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <map>
#include <string>
#include <thread>
#include <vector>

namespace penstock::runtime {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

const ObjectKey kShop{"data", "shop"};
const ObjectKey kCrm{"data", "crm"};

ObjectKey numbered(int number) {
  return {"data", "pipe-" + std::to_string(number)};
}

/// A queue whose clock only moves when the test moves it.
class WorkQueueTest : public testing::Test {
 protected:
  SteadyTime time_{std::chrono::hours(1)};
  WorkQueue queue_{"test", no_metrics(), [this] { return time_; }};
};

TEST_F(WorkQueueTest, HandsOutKeysInTheOrderTheyCame) {
  queue_.add(kShop);
  queue_.add(kCrm);
  EXPECT_EQ(queue_.poll(), kShop);
  EXPECT_EQ(queue_.poll(), kCrm);
  EXPECT_EQ(queue_.poll(), std::nullopt);
}

TEST_F(WorkQueueTest, HoldsAKeyOnceHoweverOftenItIsAdded) {
  for (int i = 0; i < 5; ++i)
    queue_.add(kShop);
  EXPECT_EQ(queue_.size(), 1U);
  EXPECT_EQ(queue_.poll(), kShop);
  queue_.done(kShop);
  EXPECT_EQ(queue_.poll(), std::nullopt);
}

TEST_F(WorkQueueTest, TellsForHowLongWorkersHaveHadWhatTheyHave) {
  EXPECT_EQ(queue_.in_work().keys, 0U);
  EXPECT_EQ(queue_.in_work().longest, 0);
  queue_.add(kShop);
  queue_.add(kCrm);
  time_ += 5s;  // in the queue, which is no work
  ASSERT_EQ(queue_.poll(), kShop);
  time_ += 2s;
  ASSERT_EQ(queue_.poll(), kCrm);
  time_ += 1s;
  EXPECT_EQ(queue_.in_work().keys, 2U);
  EXPECT_EQ(queue_.in_work().seconds, 4);
  EXPECT_EQ(queue_.in_work().longest, 3);
  queue_.done(kShop);
  EXPECT_EQ(queue_.in_work().keys, 1U);
  EXPECT_EQ(queue_.in_work().longest, 1);
}

TEST_F(WorkQueueTest, KeepsAKeyFromASecondWorkerAndHandsItOutAgainAfterwards) {
  queue_.add(kShop);
  ASSERT_EQ(queue_.poll(), kShop);
  queue_.add(kShop);
  queue_.add(kShop);
  EXPECT_EQ(queue_.poll(), std::nullopt);
  queue_.done(kShop);
  EXPECT_EQ(queue_.poll(), kShop);
  queue_.done(kShop);
  EXPECT_EQ(queue_.poll(), std::nullopt);
}

TEST_F(WorkQueueTest, AddsADelayedKeyWhenItsTimeHasCome) {
  queue_.add_after(kShop, 5s);
  time_ += 4999ms;
  EXPECT_EQ(queue_.poll(), std::nullopt);
  time_ += 1ms;
  EXPECT_EQ(queue_.poll(), kShop);
}

TEST_F(WorkQueueTest, AddsAtOnceWithoutADelay) {
  queue_.add_after(kShop, 0ms);
  queue_.add_after(kCrm, -5ms);
  EXPECT_EQ(queue_.size(), 2U);
}

TEST_F(WorkQueueTest, KeepsTheEarlierOfTwoDelays) {
  queue_.add_after(kShop, 10s);
  queue_.add_after(kShop, 2s);
  queue_.add_after(kShop, 30s);
  time_ += 2s;
  EXPECT_EQ(queue_.poll(), kShop);
  queue_.done(kShop);
  time_ += 60s;
  EXPECT_EQ(queue_.poll(), std::nullopt);
}

TEST_F(WorkQueueTest, AddsDelayedKeysInTheOrderOfTheirTimes) {
  queue_.add_after(kShop, 20ms);
  queue_.add_after(kCrm, 10ms);
  time_ += 1s;
  EXPECT_EQ(queue_.poll(), kCrm);
  EXPECT_EQ(queue_.poll(), kShop);
}

TEST_F(WorkQueueTest, DoublesTheDelayOfAKeyThatFailsAndStartsAnewAfterForget) {
  for (const auto delay : {5ms, 10ms, 20ms, 40ms}) {
    queue_.add_rate_limited(kShop);
    time_ += delay - 1ms;
    ASSERT_EQ(queue_.poll(), std::nullopt) << delay.count();
    time_ += 1ms;
    ASSERT_EQ(queue_.poll(), kShop) << delay.count();
    queue_.done(kShop);
  }
  EXPECT_EQ(queue_.failures(kShop), 4);
  queue_.forget(kShop);
  EXPECT_EQ(queue_.failures(kShop), 0);
  queue_.add_rate_limited(kShop);
  time_ += 5ms;
  EXPECT_EQ(queue_.poll(), kShop);
}

TEST_F(WorkQueueTest, TakesNothingInOnceShutDownAndHandsOutWhatItHas) {
  queue_.add(kShop);
  queue_.add_after(kCrm, 1ms);
  queue_.shut_down();
  queue_.add(kCrm);
  time_ += 1s;
  EXPECT_EQ(queue_.get(), kShop);
  EXPECT_EQ(queue_.get(), std::nullopt);
}

TEST_F(WorkQueueTest, HandsOutAgainAfterShutDownWhatWasAddedWhileItWasHandled) {
  queue_.add(kShop);
  ASSERT_EQ(queue_.poll(), kShop);
  queue_.add(kShop);
  queue_.shut_down();
  queue_.done(kShop);
  EXPECT_EQ(queue_.get(), kShop);
}

TEST_F(WorkQueueTest, PassesOverADoneThatHasNoGet) {
  queue_.add(kShop);
  queue_.done(kShop);
  EXPECT_EQ(queue_.size(), 1U);
}

TEST(RetryLimiterTest, NeverWaitsLongerThanAThousandSecondsForOneKey) {
  RetryLimiter limiter;
  SteadyTime now{std::chrono::hours(1)};
  Millis delay{0};
  for (int i = 0; i < 100; ++i) {
    delay = limiter.delay(kShop, now);
    now += 1s;
  }
  EXPECT_EQ(delay, 1000s);
}

TEST(RetryLimiterTest, AllowsAHundredRetriesAtOnceAndThenTenPerSecond) {
  RetryLimiter limiter;
  const SteadyTime now{std::chrono::hours(1)};
  for (int i = 0; i < 100; ++i)
    ASSERT_EQ(limiter.delay(numbered(i), now), 5ms) << i;
  EXPECT_EQ(limiter.delay(numbered(100), now), 100ms);
  EXPECT_EQ(limiter.delay(numbered(101), now), 200ms);
  EXPECT_EQ(limiter.delay(numbered(102), now + 10s), 5ms);
}

TEST(WorkQueueThreadsTest, WakesAWaitingWorkerForADelayedKey) {
  WorkQueue queue("test");
  std::jthread producer([&] {
    queue.add_after(kCrm, 50ms);
    queue.add_after(kShop, 10ms);
  });
  EXPECT_EQ(queue.get(), kShop);
  EXPECT_EQ(queue.get(), kCrm);
}

TEST(WorkQueueThreadsTest, DrainsBeforeShutDownReturns) {
  WorkQueue queue("test");
  queue.add(kShop);
  ASSERT_EQ(queue.get(), kShop);
  std::atomic<bool> given_back{false};
  std::jthread worker([&] {
    std::this_thread::sleep_for(30ms);
    given_back = true;
    queue.done(kShop);
  });
  queue.shut_down_and_drain();
  EXPECT_TRUE(given_back);
}

/// How often each key was added after its last pass began must be what the last pass sees.
TEST(WorkQueueThreadsTest, NeverGivesAKeyToTwoWorkersAndLosesNoAdd) {
  static constexpr int kKeys = 7;
  static constexpr int kAdds = 3000;
  WorkQueue queue("test");
  std::array<std::atomic<int>, kKeys> wanted{};
  std::array<std::atomic<int>, kKeys> seen{};
  std::array<std::atomic<bool>, kKeys> busy{};
  std::atomic<bool> overlapped{false};
  const auto index_of = [](const ObjectKey& key) { return std::stoul(key.name.substr(5)); };

  std::vector<std::jthread> workers;
  for (int i = 0; i < 4; ++i) {
    workers.emplace_back([&] {
      while (const auto key = queue.get()) {
        const auto index = index_of(*key);
        if (busy[index].exchange(true)) overlapped = true;
        seen[index] = wanted[index].load();
        busy[index] = false;
        queue.done(*key);
      }
    });
  }
  {
    std::vector<std::jthread> producers;
    for (int i = 0; i < 3; ++i) {
      producers.emplace_back([&, i] {
        for (int n = 0; n < kAdds; ++n) {
          const int index = (n * 5 + i) % kKeys;
          ++wanted[static_cast<std::size_t>(index)];
          if (n % 10 == 0) {
            queue.add_after(numbered(index), 1ms);
          } else {
            queue.add(numbered(index));
          }
        }
      });
    }
  }
  for (int i = 0; i < kKeys; ++i)
    queue.add(numbered(i));  // also for those that only wait for their time
  queue.shut_down_and_drain();
  workers.clear();
  EXPECT_FALSE(overlapped);
  for (std::size_t i = 0; i < kKeys; ++i)
    EXPECT_EQ(seen[i], wanted[i]) << i;
}

class CountingMetrics final : public ControllerMetrics {
 public:
  void queue_added(std::string_view) override { ++added; }
  void queue_retried(std::string_view) override { ++retried; }
  void queue_depth(std::string_view, std::size_t now) override { depth = now; }
  void queue_waited(std::string_view, double seconds) override { waited = seconds; }
  void queue_worked(std::string_view, double seconds) override { worked = seconds; }

  int added = 0;
  int retried = 0;
  std::size_t depth = 0;
  double waited = 0;
  double worked = 0;
};

TEST(WorkQueueMetricsTest, CountsAddsOnceAndTellsHowLongAKeyLayAndWasWorkedOn) {
  CountingMetrics metrics;
  SteadyTime time{std::chrono::hours(1)};
  WorkQueue queue("pipe", metrics, [&] { return time; });
  queue.add(kShop);
  queue.add(kShop);
  EXPECT_EQ(metrics.added, 1);
  EXPECT_EQ(metrics.depth, 1U);
  time += 2s;
  ASSERT_TRUE(queue.poll());
  EXPECT_EQ(metrics.depth, 0U);
  EXPECT_DOUBLE_EQ(metrics.waited, 2.0);
  time += 3s;
  queue.done(kShop);
  EXPECT_DOUBLE_EQ(metrics.worked, 3.0);
  queue.add_rate_limited(kShop);
  EXPECT_EQ(metrics.retried, 1);
}

}  // namespace
}  // namespace penstock::runtime
