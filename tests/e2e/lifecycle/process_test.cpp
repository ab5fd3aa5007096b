// `penstock dev` as a process: how it stops, starts again, and refuses to start.

#include <signal.h>

#include <atomic>
#include <filesystem>
#include <set>
#include <thread>

#include "tests/e2e/lifecycle/lifecycle_test.hpp"

namespace penstock {
namespace {

/// The shared databases, and a `penstock dev` of the test's own.
class DevProcess : public testing::Test {
 protected:
  DevProcess() : world{shared_world().postgres, shared_world().engine, &dev}, scene(world) {}

  void expect_clean_stop() {
    const auto stopped = dev.stop();
    EXPECT_TRUE(stopped.status.ok()) << "exit " << stopped.status.code << ", signal " << stopped.status.signal
                                     << "\n"
                                     << dev.log();
    EXPECT_LT(stopped.took, 10s);
  }

  test::DevServer dev;
  World world;
  Scene scene;
};

TEST_F(DevProcess, StopsWithinTenSecondsAndResumesItsPipesOnTheSameDirectory) {
  scene.create_table("orders", 2000);
  scene.declare({"public.orders"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  std::atomic<bool> busy{true};
  std::thread writer([&] {
    auto session = scene.postgres.session(scene.database);
    for (int at = 0; busy.load(); ++at)
      session.exec("UPDATE orders SET n = " + std::to_string(at) +
                   " WHERE id % 20 = " + std::to_string(at % 20));
  });
  const auto slot = scene.field(".status.replication.slot");
  for (int round = 0; round < 2; ++round) {
    expect_clean_stop();
    EXPECT_TRUE(scene.slot_is_idle());
    dev.start();
    EXPECT_EQ(dev.state(scene.pipe), "Running");
  }
  busy.store(false);
  writer.join();
  EXPECT_EQ(scene.differences({"orders"}), "");
  EXPECT_EQ(scene.field(".status.replication.slot"), slot);
  EXPECT_EQ(dev.events(scene.pipe, "Warning"), States{});
}

TEST_F(DevProcess, StopsInMidLoadAndGoesOnWithThePartitionsThatAreLeft) {
  scene.create_table("orders", 40000);
  scene.declare({"public.orders"});
  ASSERT_NO_FATAL_FAILURE(scene.begin_a_slow_load("orders"));
  expect_clean_stop();
  scene.speed_up();
  EXPECT_TRUE(scene.idle());
  scene.exec("SELECT pg_stat_reset()");
  // Nothing is read until it is known what was counted.
  auto lock = scene.postgres.session(scene.database);
  lock.exec("BEGIN; LOCK TABLE orders");
  dev.start();
  EXPECT_EQ(dev.state(scene.pipe), "Snapshot");
  const auto loaded = scene.number(".status.tables[0].rowsLoaded");
  EXPECT_GT(loaded, 0);
  lock.exec("COMMIT");
  ASSERT_TRUE(scene.reaches("Running", 60s));
  EXPECT_LE(scene.rows_read("orders"), 40000 - loaded);
  EXPECT_EQ(scene.differences({"orders"}), "");
}

TEST_F(DevProcess, StopsInTimeWhenNeitherSideAnswers) {
  test::PostgresServer postgres;
  test::EngineServer engine;
  World silent{&postgres, &engine, &dev};
  Scene stream(silent);
  stream.create_table("orders", 1000);
  stream.declare({"public.orders"});
  stream.apply();
  ASSERT_TRUE(stream.reaches("Running"));
  EXPECT_EQ(stream.differences({"orders"}), "");
  Scene load(silent);
  load.create_table("orders", 40000);
  load.declare({"public.orders"});
  ASSERT_NO_FATAL_FAILURE(load.begin_a_slow_load("orders"));
  stream.exec("UPDATE orders SET n = 1");
  ::kill(engine.pid(), SIGSTOP);
  for (const auto& row :
       postgres.query("SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'penstock%'"))
    ::kill(std::stoi(row[0]), SIGSTOP);
  ::kill(postgres.pid(), SIGSTOP);
  std::this_thread::sleep_for(500ms);  // for passes to meet the silence
  expect_clean_stop();
  ::kill(engine.pid(), SIGCONT);
  load.speed_up();
  postgres.kill9();
  postgres.start();
  dev.start();
  EXPECT_EQ(stream.differences({"orders"}), "");
  ASSERT_TRUE(load.reaches("Running", 60s));
  EXPECT_EQ(load.differences({"orders"}), "");
}

TEST_F(DevProcess, ObeysAnInterruptAsWell) {
  ASSERT_EQ(::kill(dev.pid(), SIGINT), 0);
  const auto stopped = dev.stop();  // its SIGTERM comes while it stops already
  EXPECT_TRUE(stopped.status.ok()) << dev.log();
  dev.start();
}

TEST_F(DevProcess, IsRefusedOnADirectoryThatIsInUse) {
  const auto second =
      test::run(test::penstock_program(),
                {.arguments = {"dev", "--data-dir", dev.data_dir(), "--api", "127.0.0.1:0"}}, 10s);
  EXPECT_FALSE(second.timed_out);
  EXPECT_NE(second.status.code, 0);
  EXPECT_NE(second.err.find(dev.data_dir()), std::string::npos) << second.err;
  EXPECT_NE(second.err.find("in use"), std::string::npos) << second.err;
  EXPECT_TRUE(dev.kubectl({"get", "pipes"}).ok()) << "the first one is disturbed";
}

TEST_F(DevProcess, IsRefusedOnAPortThatIsInUse) {
  const test::TempDir directory;
  const auto address = "127.0.0.1:" + std::to_string(dev.port());
  const auto second = test::run(test::penstock_program(),
                                {.arguments = {"dev", "--data-dir", directory / "d", "--api", address}}, 10s);
  EXPECT_FALSE(second.timed_out);
  EXPECT_NE(second.status.code, 0);
  EXPECT_NE(second.err.find(std::to_string(dev.port())), std::string::npos) << second.err;
}

TEST_F(DevProcess, ComesBackFromAKillOnTheSameDirectory) {
  dev.must_kubectl({"create", "namespace", "kept"});
  dev.kill9();
  dev.start();
  EXPECT_EQ(dev.must_kubectl({"get", "namespace", "kept", "-o", "name"}), "namespace/kept\n");
}

/// What a process has open, as the kernel names it: "socket:[1234]".
std::set<std::string> sockets_of(const std::string& pid) {
  std::set<std::string> out;
  for (const auto& one : std::filesystem::directory_iterator("/proc/" + pid + "/fd")) {
    std::error_code gone;
    const auto name = std::filesystem::read_symlink(one.path(), gone).string();
    if (name.starts_with("socket:")) out.insert(name);
  }
  return out;
}

TEST(DevWithAnEngine, ComesBackAtOnceFromAKill) {
  test::DevServer dev({.arguments = {"--clickhouse", "127.0.0.1:" + std::to_string(test::free_port())}});
  const auto engine = [&] {
    const auto found = test::run("pgrep", {.arguments = {"-P", std::to_string(dev.pid())}}, 10s).out;
    return found.substr(0, found.find('\n'));
  };
  for (int round = 0; round < 3; ++round) {
    const auto child = engine();
    ASSERT_FALSE(child.empty());
    const auto ours = sockets_of(std::to_string(dev.pid()));
    for (const auto& socket : sockets_of(child))
      EXPECT_FALSE(ours.contains(socket)) << "the engine would keep it when its parent is killed: " << socket;
    dev.kill9();
    ASSERT_NO_THROW(dev.start());
    EXPECT_TRUE(dev.kubectl({"get", "pipes"}).ok());
  }
}

}  // namespace
}  // namespace penstock
