#include "controller/runtime/controller.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>

#include "tests/support/process.hpp"

namespace penstock::runtime {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using test::eventually;

const ObjectKey kShop{"data", "shop"};

class ResultMetrics final : public ControllerMetrics {
 public:
  void reconciled(std::string_view, std::string_view result, double) override {
    const std::lock_guard lock(mutex_);
    ++results_[std::string(result)];
  }
  int count(const std::string& result) {
    const std::lock_guard lock(mutex_);
    return results_[result];
  }

 private:
  std::mutex mutex_;
  std::map<std::string, int> results_;
};

TEST(ControllerTest, ReconcilesWhatIsEnqueued) {
  std::atomic<int> passes{0};
  Controller controller({"test"}, [&](const ObjectKey& key) -> ReconcileResult {
    if (key == kShop) ++passes;
    return Requeue{};
  });
  EXPECT_TRUE(controller.start());
  controller.enqueue(kShop);
  EXPECT_TRUE(eventually([&] { return passes == 1; }));
}

TEST(ControllerTest, ComesBackAfterTheTimeThatAPassAskedFor) {
  std::atomic<int> passes{0};
  ResultMetrics metrics;
  Controller controller({"test", 2, &metrics}, [&](const ObjectKey&) -> ReconcileResult {
    return ++passes < 3 ? Requeue{5ms} : Requeue{};
  });
  EXPECT_TRUE(controller.start());
  controller.enqueue(kShop);
  EXPECT_TRUE(eventually([&] { return metrics.count("success") == 1; }));
  EXPECT_EQ(passes, 3);
  EXPECT_EQ(metrics.count("requeue_after"), 2);
}

TEST(ControllerTest, TriesAFailedPassAgainAndForgetsItsFailuresAfterASuccess) {
  std::atomic<int> passes{0};
  ResultMetrics metrics;
  Controller controller({"test", 1, &metrics}, [&](const ObjectKey&) -> ReconcileResult {
    if (++passes < 4) return fail(ErrorKind::Transient, "Refused", "not yet");
    return Requeue{};
  });
  EXPECT_TRUE(controller.start());
  controller.enqueue(kShop);
  EXPECT_TRUE(eventually([&] { return metrics.count("success") == 1; }));
  EXPECT_EQ(metrics.count("error"), 3);
  EXPECT_EQ(controller.queue().failures(kShop), 0);
}

TEST(ControllerTest, SurvivesAnExceptionAndTriesAgain) {
  std::atomic<int> passes{0};
  Controller controller({"test", 1}, [&](const ObjectKey&) -> ReconcileResult {
    if (++passes == 1) throw std::runtime_error("a defect");
    return Requeue{};
  });
  EXPECT_TRUE(controller.start());
  controller.enqueue(kShop);
  EXPECT_TRUE(eventually([&] { return passes == 2; }));
}

TEST(ControllerTest, LeavesACancelledPassAlone) {
  ResultMetrics metrics;
  Controller controller({"test", 1, &metrics}, [&](const ObjectKey&) -> ReconcileResult {
    return fail(ErrorKind::Cancelled, "Cancelled", "stopped");
  });
  EXPECT_TRUE(controller.start());
  controller.enqueue(kShop);
  EXPECT_TRUE(eventually([&] { return metrics.count("cancelled") == 1; }));
  EXPECT_EQ(controller.queue().failures(kShop), 0);
}

TEST(ControllerTest, WaitsAtStopForThePassUnderWayAndDropsTheRest) {
  std::atomic<bool> begun{false};
  std::atomic<bool> ended{false};
  std::atomic<int> passes{0};
  Controller controller({"test", 1}, [&](const ObjectKey&) -> ReconcileResult {
    ++passes;
    begun = true;
    std::this_thread::sleep_for(50ms);
    ended = true;
    return Requeue{};
  });
  EXPECT_TRUE(controller.start());
  controller.enqueue(kShop);
  ASSERT_TRUE(eventually([&] { return begun.load(); }));
  for (int i = 0; i < 100; ++i)
    controller.enqueue({"data", std::to_string(i)});
  controller.stop();
  EXPECT_TRUE(ended);
  EXPECT_EQ(passes, 1);
}

TEST(ControllerTest, PassesThatHangHoldUpNoOtherKey) {
  std::atomic<bool> hang{true};
  std::atomic<int> hanging{0};
  std::atomic<int> passes{0};
  Controller controller({"test", 2}, [&](const ObjectKey& key) -> ReconcileResult {
    if (key == kShop) {
      ++passes;
      return Requeue{};
    }
    ++hanging;
    while (hang)
      std::this_thread::sleep_for(5ms);
    return Requeue{};
  });
  ASSERT_TRUE(controller.start());
  for (int at = 0; at < 20; ++at)
    controller.enqueue({"sick", "pipe-" + std::to_string(at)});
  EXPECT_TRUE(eventually([&] { return hanging == 20; })) << "those that hang hold up one another";
  const auto begun = steady_now();
  controller.enqueue(kShop);
  EXPECT_TRUE(eventually([&] { return passes == 1; }));
  EXPECT_LT(steady_now() - begun, 2s);
  hang = false;
}

TEST(ControllerTest, GoesBackToItsOwnThreadsWhenNothingHangsAnyMore) {
  std::atomic<bool> hang{true};
  std::mutex mutex;
  std::set<std::thread::id> seen;
  Controller controller({"test", 1}, [&](const ObjectKey& key) -> ReconcileResult {
    while (hang && key.ns == "sick")
      std::this_thread::sleep_for(5ms);
    const std::lock_guard lock(mutex);
    seen.insert(std::this_thread::get_id());
    return Requeue{};
  });
  ASSERT_TRUE(controller.start());
  for (int at = 0; at < 5; ++at)
    controller.enqueue({"sick", "pipe-" + std::to_string(at)});
  ASSERT_TRUE(eventually([&] { return controller.queue().in_work_longer_than(300ms) == 5; }));
  hang = false;
  ASSERT_TRUE(eventually([&] { return controller.queue().in_work().keys == 0; }));
  std::this_thread::sleep_for(50ms);  // for those that are too many to go
  {
    const std::lock_guard lock(mutex);
    seen.clear();
  }
  for (int at = 0; at < 50; ++at) {
    controller.enqueue({"well", "pipe-" + std::to_string(at)});
    ASSERT_TRUE(
        eventually([&] { return controller.queue().in_work().keys == 0 && controller.queue().size() == 0; }));
  }
  const std::lock_guard lock(mutex);
  EXPECT_EQ(seen.size(), 1U);
}

}  // namespace
}  // namespace penstock::runtime
