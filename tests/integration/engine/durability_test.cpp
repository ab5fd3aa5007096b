// The engine as a process: what survives a crash, how it stops, what it says when it cannot start, who it
// dies with.

#include <gmock/gmock.h>
#include <signal.h>

#include <atomic>
#include <thread>

#include "controller/engine/engine_process.hpp"
#include "core/log.hpp"
#include "tests/support/engine_server.hpp"
#include "tests/support/raw_http.hpp"

namespace penstock::test {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

Finished start_and_fail(std::vector<std::string> arguments,
                        std::map<std::string, std::string> environment = {}) {
  arguments.insert(arguments.begin(), "engine");
  return run(engine_program(), {.arguments = std::move(arguments), .environment = std::move(environment)},
             seconds(60));
}

bool is_gone(pid_t pid) {
  return eventually([pid] { return ::kill(pid, 0) != 0; }, seconds(10));
}

TEST(Durability, WhatWasAcknowledgedSurvivesKill9) {
  EngineServer engine;
  engine.query("CREATE DATABASE d");
  engine.query("CREATE TABLE d.t (n UInt64) ENGINE = MergeTree ORDER BY n");
  std::atomic<int> acknowledged{0};
  for (int round = 0; round < 3; ++round) {
    std::thread writer([&] {
      while (true) {
        const HttpReply reply =
            http(engine.port(), "POST", "/?query=" + url_encode("INSERT INTO d.t FORMAT TSV"),
                 std::to_string(acknowledged) + "\n");
        if (reply.status != 200) return;
        ++acknowledged;
      }
    });
    const int enough = acknowledged + 20;
    EXPECT_TRUE(eventually([&] { return acknowledged >= enough; },
                           seconds(30)));  // then somewhere in the middle of one
    engine.kill9();
    writer.join();
    engine.start();
    // Every acknowledged row is there; the one in flight may be, too.
    EXPECT_EQ(engine.value("SELECT countDistinct(n) FROM d.t WHERE n < " + std::to_string(acknowledged)),
              std::to_string(acknowledged));
  }
}

TEST(Durability, TablesAreThereAfterACleanRestart) {
  EngineServer engine;
  engine.query("CREATE TABLE t (n UInt64) ENGINE = MergeTree ORDER BY n COMMENT 'mine'");
  engine.query("INSERT INTO t VALUES (1)");
  EXPECT_EQ(engine.stop(), ExitStatus{});
  engine.start();
  EXPECT_EQ(engine.value("SELECT n FROM t"), "1");
  EXPECT_EQ(engine.value("SELECT comment FROM system.tables WHERE name = 't'"), "mine");
}

TEST(Durability, SigtermStopsItInSecondsWithWorkInHand) {
  EngineServer engine;
  engine.query("CREATE TABLE t (n UInt64) ENGINE = MergeTree ORDER BY n");
  RawConnection idle(engine.port());
  RawConnection busy(engine.port());
  ASSERT_TRUE(busy.send(
      "GET /?query=" + url_encode("SELECT count() FROM system.numbers WHERE sipHash64(number) = 0") +
      " HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  RawConnection writing(engine.port());
  ASSERT_TRUE(writing.send("POST /?query=" + url_encode("INSERT INTO t FORMAT TSV") +
                           " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n1\n"));
  ASSERT_TRUE(eventually([&] { return engine.value("SELECT count() FROM system.processes") == "3"; }));
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(engine.stop(), ExitStatus{}) << engine.log();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(9));
}

TEST(Starting, NamesTheProcessThatHasTheDirectory) {
  EngineServer& engine = shared_engine();
  const Finished second = start_and_fail({"--path", engine.path(), "--listen", "127.0.0.1:0"});
  EXPECT_EQ(second.status.code, 1);
  EXPECT_THAT(second.err, HasSubstr("is in use by process " + std::to_string(engine.pid())));
}

TEST(Starting, NamesThePortThatIsTaken) {
  const TempDir directory;
  const Finished second = start_and_fail(
      {"--path", directory / "d", "--listen", "127.0.0.1:" + std::to_string(shared_engine().port())});
  EXPECT_EQ(second.status.code, 1);
  EXPECT_THAT(second.err, HasSubstr("Address already in use"));
}

TEST(Starting, RefusesToServeOtherMachines) {
  const TempDir directory;
  const Finished open = start_and_fail({"--path", directory / "d", "--listen", "0.0.0.0:0"});
  EXPECT_EQ(open.status.code, 1);
  EXPECT_THAT(open.err, HasSubstr("this machine only"));
}

TEST(Starting, SaysHowToGetTheLibrary) {
  const TempDir directory;
  const Finished without =
      start_and_fail({"--path", directory / "d", "--listen", "127.0.0.1:0", "--lib", "/nowhere/libchdb.so"});
  EXPECT_EQ(without.status.code, 1);
  EXPECT_THAT(without.err, HasSubstr("make deps"));
  EXPECT_THAT(start_and_fail({"--path", directory / "d"}, {{"PENSTOCK_LIBCHDB", "/none"}}).err,
              HasSubstr("/none"));
}

TEST(Starting, SaysThatADirectoryCannotBeWritten) {
  const Finished nowhere = start_and_fail({"--path", "/proc/engine", "--listen", "127.0.0.1:0"});
  EXPECT_EQ(nowhere.status.code, 1);
  EXPECT_THAT(nowhere.err, HasSubstr("cannot write"));
}

class Supervised : public testing::Test {
 protected:
  std::unique_ptr<engine::EngineProcess> start() {
    auto process = engine::EngineProcess::start(
        {.path = directory_ / "data", .listen = "127.0.0.1:0", .program = engine_program()});
    EXPECT_TRUE(process.has_value()) << (process ? "" : process.error().text());
    return process ? *std::move(process) : nullptr;
  }
  static int port_of(const engine::EngineProcess& process) {
    const std::string url = process.url();
    return std::stoi(url.substr(url.rfind(':') + 1));
  }

  TempDir directory_;
};

TEST_F(Supervised, ServesFromTheMomentThatItIsStarted) {
  const auto process = start();
  ASSERT_NE(process, nullptr);
  EXPECT_EQ(http(port_of(*process), "GET", "/ping").body, "Ok.\n");
  const pid_t pid = process->pid();
  process->stop();
  EXPECT_TRUE(is_gone(pid));
  EXPECT_EQ(http(port_of(*process), "GET", "/ping").status, 0);
}

TEST_F(Supervised, ComesBackOnTheSamePortWhenItDies) {
  const auto process = start();
  ASSERT_NE(process, nullptr);
  const int port = port_of(*process);
  for (int round = 1; round <= 2; ++round) {
    const pid_t pid = process->pid();
    ::kill(pid, SIGKILL);
    ASSERT_TRUE(eventually(
        [&] { return process->pid() != pid && http(port, "GET", "/ping").body == "Ok.\n"; }, seconds(30)));
    EXPECT_EQ(process->restarts(), round);
  }
}

TEST_F(Supervised, SaysWhyTheFirstStartFailed) {
  const auto process = engine::EngineProcess::start({.path = directory_ / "data",
                                                     .listen = "127.0.0.1:0",
                                                     .library = "/nowhere.so",
                                                     .program = engine_program()});
  ASSERT_FALSE(process.has_value());
  EXPECT_THAT(process.error().message, HasSubstr("exit code 1"));
  EXPECT_THAT(process.error().message, HasSubstr("/nowhere.so"));
  const auto no_program = engine::EngineProcess::start({.path = directory_ / "data", .program = "/nowhere"});
  ASSERT_FALSE(no_program.has_value());
  EXPECT_THAT(no_program.error().message, HasSubstr("cannot start /nowhere"));
}

// Started by this program when it is called with these words (see main below): a parent to be killed.
int parent_main(const std::string& directory) {
  auto process =
      engine::EngineProcess::start({.path = directory, .listen = "127.0.0.1:0", .program = engine_program()});
  if (!process) return 1;
  std::printf("child %d\n", (*process)->pid());
  std::fflush(stdout);
  std::this_thread::sleep_for(std::chrono::hours(1));
  return 0;
}

TEST_F(Supervised, EndsWithItsParentEvenWhenThatIsKilled) {
  Process parent("/proc/self/exe", {.arguments = {"--as-parent", directory_ / "data"}});
  ASSERT_TRUE(parent.wait_for_output("child ", seconds(60))) << parent.err();
  const pid_t child = std::stoi(parent.out().substr(6));
  ASSERT_EQ(::kill(child, 0), 0);
  parent.kill();
  EXPECT_TRUE(is_gone(child));
  // And its directory is free at once.
  EXPECT_NE(start(), nullptr);
}

}  // namespace

int run_as_parent(const std::string& directory) {
  return parent_main(directory);
}

}  // namespace penstock::test
