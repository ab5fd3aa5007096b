// Servers that are there and do not answer: they take connections, as a process does that hangs in its disk,
// or a proxy before one that is gone.

#include <csignal>
#include <cstdlib>

#include "tests/e2e/lifecycle/lifecycle_test.hpp"

namespace penstock {
namespace {

using Clock = std::chrono::steady_clock;

/// Servers of this test's own, to be frozen; the shared `penstock dev`.
class HungServer : public testing::Test {
 protected:
  HungServer() : world{&postgres, &engine, shared_world().dev}, scene(world) {}
  ~HungServer() override { thaw(); }

  void freeze_the_destination() { stop(engine.pid()); }
  void freeze_the_source() {
    stop(postgres.pid());  // no new backend between the look and the stop
    for (const auto pid : backends_)
      stop(pid);
  }
  /// While the source answers: who serves whom.
  void note_backends() {
    for (const auto& row : postgres.query("SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()"))
      backends_.push_back(std::stoi(row[0]));
  }
  void thaw() {
    for (const auto pid : frozen_)
      ::kill(pid, SIGCONT);
    frozen_.clear();
  }

  void run_a_stream() {
    scene.create_table("orders", 1000);
    scene.declare({"public.orders"});
    scene.apply();
    ASSERT_TRUE(scene.reaches("Running"));
    ASSERT_TRUE(scene.caught_up());
  }

  [[nodiscard]] bool says_so(const std::string& pipe) const {
    return scene.dev.wait_for_field(pipe, ".status.conditions[?(@.type==\"Ready\")].reason",
                                    "ProgressingWithRetry", 30s);
  }
  /// From one end of a pause to the other, and equal rows once the server is back.
  void expect_to_pause_and_resume() {
    scene.pause(true);
    EXPECT_TRUE(scene.reaches("Paused", 25s)) << "the pause waits for the server that hangs";
    scene.pause(false);
    thaw();
    EXPECT_TRUE(scene.reaches("Running", 60s));
    EXPECT_EQ(scene.differences({"orders"}), "");
  }

  test::PostgresServer postgres;
  test::EngineServer engine;
  World world;
  Scene scene;

 private:
  void stop(pid_t pid) {
    ::kill(pid, SIGSTOP);
    frozen_.push_back(pid);
  }
  std::vector<pid_t> frozen_, backends_;
};

TEST_F(HungServer, HoldsUpNoPipeOfOthers) {
  Scene well(shared_world());
  well.create_table("orders", 1000);
  well.declare({"public.orders"});
  well.apply();
  ASSERT_TRUE(well.reaches("Running"));

  freeze_the_destination();
  constexpr int kSick = 20;
  scene.create_table("orders", 10);
  scene.declare({"public.orders"});
  std::string all = scene.manifest.both();
  for (int at = 0; at < kSick; ++at) {
    auto one = scene.manifest;
    one.name = scene.pipe + "-" + std::to_string(at);
    all += "---\n" + one.both();
  }
  scene.dev.apply(all);
  const auto applied = Clock::now();
  ASSERT_TRUE(scene.reaches("Setup"));
  for (const bool paused : {true, false, true, false}) {
    const auto begun = Clock::now();
    well.pause(paused);
    EXPECT_TRUE(well.reaches(paused ? "Paused" : "Running", 10s));
    EXPECT_LT(Clock::now() - begun, 5s);
  }
  for (int at = 0; at < kSick; ++at) {
    const auto pipe = scene.pipe + "-" + std::to_string(at);
    EXPECT_TRUE(says_so(pipe)) << scene.dev.describe(pipe);
  }
  EXPECT_LT(Clock::now() - applied, 60s);
  thaw();
  for (int at = 0; at < kSick; ++at)
    scene.dev.must_kubectl({"delete", "pipe", scene.pipe + "-" + std::to_string(at), "--wait=false"});
  for (int at = 0; at < kSick; ++at)
    EXPECT_TRUE(scene.dev.wait_until_gone(scene.pipe + "-" + std::to_string(at), 60s));
}

TEST_F(HungServer, AsDestinationOfAStreamIsToldOfAndKeepsNoPauseWaiting) {
  ASSERT_NO_FATAL_FAILURE(run_a_stream());
  freeze_the_destination();
  scene.exec("UPDATE orders SET v = 'during the hang'");
  EXPECT_TRUE(says_so(scene.pipe)) << scene.dev.describe(scene.pipe);
  expect_to_pause_and_resume();
}

TEST_F(HungServer, AsDestinationOfAnIdleStreamIsToldOf) {
  ASSERT_NO_FATAL_FAILURE(run_a_stream());
  freeze_the_destination();
  EXPECT_TRUE(says_so(scene.pipe)) << scene.dev.describe(scene.pipe);
  thaw();
  EXPECT_TRUE(test::eventually([&] { return scene.dev.condition(scene.pipe, "Ready") == "True"; }, 45s));
}

TEST_F(HungServer, AsSourceOfAStreamIsToldOfAndKeepsNoPauseWaiting) {
  ASSERT_NO_FATAL_FAILURE(run_a_stream());
  note_backends();
  freeze_the_source();
  EXPECT_TRUE(says_so(scene.pipe)) << scene.dev.describe(scene.pipe);
  expect_to_pause_and_resume();
}

TEST_F(HungServer, AsDestinationOfALoadWithoutAStreamIsToldOfAndKeepsNoPauseWaiting) {
  scene.create_table("orders", 40000);
  scene.declare({"public.orders"});
  scene.manifest.spec_more += "  mode: SnapshotOnly\n";
  ASSERT_NO_FATAL_FAILURE(scene.begin_a_slow_load("orders"));
  freeze_the_destination();
  EXPECT_TRUE(says_so(scene.pipe)) << scene.dev.describe(scene.pipe);
  scene.pause(true);
  EXPECT_TRUE(scene.reaches("Paused", 25s)) << "the pause waits for the server that hangs";
  scene.pause(false);
  thaw();
  scene.speed_up();
  EXPECT_TRUE(scene.reaches("Completed", 90s));
  EXPECT_EQ(scene.differences({"orders"}), "");
}

TEST_F(HungServer, AsSourceOfALoadKeepsNoPauseWaiting) {
  scene.create_table("orders", 40000);
  scene.declare({"public.orders"});
  ASSERT_NO_FATAL_FAILURE(scene.begin_a_slow_load("orders"));
  note_backends();
  freeze_the_source();
  scene.pause(true);
  EXPECT_TRUE(scene.reaches("Paused", 30s)) << "the pause waits for the server that hangs";
  scene.pause(false);
  thaw();
  scene.speed_up();
  EXPECT_TRUE(scene.reaches("Running", 90s));
  EXPECT_EQ(scene.differences({"orders"}), "");
}

TEST_F(HungServer, DoesNotKeepADeletedPipe) {
  if (std::getenv("PENSTOCK_NIGHTLY") == nullptr)
    GTEST_SKIP() << "takes two minutes: with PENSTOCK_NIGHTLY=1";
  ASSERT_NO_FATAL_FAILURE(run_a_stream());
  freeze_the_destination();
  scene.exec("UPDATE orders SET v = 'during the hang'");
  scene.dev.must_kubectl({"delete", "pipe", scene.pipe, "--wait=false"});
  EXPECT_TRUE(scene.dev.wait_until_gone(scene.pipe, 150s));
  EXPECT_TRUE(scene.warned_of("ReleaseIncomplete"));
}

}  // namespace
}  // namespace penstock
