#include "core/thread.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/resource.h>

#include <atomic>
#include <fstream>
#include <optional>
#include <vector>

#include "tests/support/sanitizer.hpp"

namespace penstock {
namespace {

/// Leaves no room for another thread's stack while it lives.
class NoRoomForThreads {
 public:
  NoRoomForThreads() {
    std::ifstream statm("/proc/self/statm");
    rlim_t pages = 0;
    statm >> pages;
    ::getrlimit(RLIMIT_AS, &before_);
    const rlim_t now = pages * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE)) + (1u << 20);
    const rlimit limit{now, before_.rlim_max};
    ::setrlimit(RLIMIT_AS, &limit);
  }
  ~NoRoomForThreads() { ::setrlimit(RLIMIT_AS, &before_); }
  NoRoomForThreads(const NoRoomForThreads&) = delete;
  NoRoomForThreads& operator=(const NoRoomForThreads&) = delete;

 private:
  rlimit before_{};
};

TEST(StartThread, RunsItAndEndsItWithItsHandle) {
  std::atomic<bool> ended{false};
  {
    const auto thread = start_thread("a test", [&](const std::stop_token& stop) {
      while (!stop.stop_requested())
        std::this_thread::yield();
      ended.store(true);
    });
    ASSERT_TRUE(thread) << thread.error().text();
  }
  EXPECT_TRUE(ended.load());
}

TEST(StartThread, SaysThatThereIsNoneToHaveAndGoesOn) {
  constexpr std::size_t kMost = 16;
  if (test::kSanitized) GTEST_SKIP() << "a sanitizer needs the room itself";
  {
    const NoRoomForThreads limit;
    std::vector<std::jthread> others;  // the stacks of threads that have ended are used again
    others.reserve(kMost);
    std::optional<Error> error;
    while (!error && others.size() < kMost) {
      auto thread = start_thread("a test", [](const std::stop_token& stop) {
        while (!stop.stop_requested())
          std::this_thread::yield();
      });
      if (thread)
        others.push_back(*std::move(thread));
      else
        error = thread.error();
    }
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind, ErrorKind::Transient);
    EXPECT_EQ(error->reason, "ThreadNotStarted");
    EXPECT_THAT(error->message, testing::StartsWith("cannot start a thread: "));
  }
  EXPECT_TRUE(start_thread("a test", [] {}));
}

}  // namespace
}  // namespace penstock
