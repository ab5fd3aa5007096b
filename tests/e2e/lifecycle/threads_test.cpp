// The system has no more threads to give: the process lives, and what runs already goes on.

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/e2e/lifecycle/lifecycle_test.hpp"
#include "tests/support/sanitizer.hpp"

namespace penstock {
namespace {

/// RLIMIT_NPROC counts the threads of an account, and root's not at all: the process gets one of its own.
class ThreadsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can run the process as an account of its own";
    if (test::kSanitized) GTEST_SKIP() << "a sanitizer starts threads of its own";
    std::ofstream script(directory_ / "penstock");
    script << "#!/bin/sh\nchown " << kAccount << " \"$(dirname \"$3\")\"\n"
           << "exec setpriv --reuid=" << kAccount << " --clear-groups " << test::penstock_program()
           << " \"$@\"\n";
    script.close();
    std::filesystem::permissions(directory_ / "penstock", std::filesystem::perms::all);
    dev_ = std::make_unique<test::DevServer>(test::DevServerOptions{.program = directory_ / "penstock"});
  }

  [[nodiscard]] int threads() const {
    const std::filesystem::directory_iterator tasks("/proc/" + std::to_string(dev_->pid()) + "/task");
    return static_cast<int>(std::distance(begin(tasks), end(tasks)));
  }
  /// As the account itself: root need not have the right to.
  void allow(const std::string& threads) const {
    const auto done = test::run(
        "setpriv", {.arguments = {"--reuid=" + std::to_string(kAccount), "--clear-groups", "prlimit",
                                  "--pid=" + std::to_string(dev_->pid()), "--nproc=" + threads + ":"}});
    ASSERT_TRUE(done.ok()) << done.err;
  }

  static constexpr int kAccount = 54'321;
  test::TempDir directory_{"penstock-account"};
  std::unique_ptr<test::DevServer> dev_;
};

TEST_F(ThreadsTest, ThatCannotBeHadHoldUpNobodyElseAndAreAskedForAgain) {
  World world{shared_world().postgres, shared_world().engine, dev_.get()};
  Scene steady(world);
  steady.create_table("orders", 10);
  steady.declare({"public.orders"});
  steady.apply();
  ASSERT_TRUE(steady.reaches("Running"));
  ASSERT_EQ(steady.differences({"orders"}), "");

  Scene greedy(world);
  greedy.create_table("orders", 20'000);
  greedy.declare({"public.orders"});
  greedy.manifest.spec_more =
      "  snapshot: {rowsPerPartition: 1000, workersPerTable: 64, parallelTables: 64}\n";
  const auto pid = dev_->pid();
  ASSERT_NO_FATAL_FAILURE(allow("1"));
  greedy.apply();
  EXPECT_TRUE(test::eventually(
      [&] { return greedy.field(".status.message").find("cannot start a thread") != std::string::npos; },
      30s));
  EXPECT_EQ(dev_->condition(greedy.pipe, "Stalled"), "") << "waiting cures it";
  steady.exec("INSERT INTO orders VALUES (11, 'while there are none', 0)");
  EXPECT_EQ(steady.differences({"orders"}), "");

  // Enough for the load to begin, and not for all the workers that it wants.
  ASSERT_NO_FATAL_FAILURE(allow(std::to_string(threads() + 10)));
  EXPECT_TRUE(greedy.reaches("Running"));
  EXPECT_EQ(greedy.differences({"orders"}), "");
  EXPECT_EQ(dev_->pid(), pid);
  EXPECT_TRUE(dev_->running());
}

}  // namespace
}  // namespace penstock
