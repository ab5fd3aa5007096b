// The engine with a password: who comes in, and where the password is not seen.

#include <gmock/gmock.h>
#include <signal.h>

#include <fstream>
#include <sstream>

#include "controller/engine/engine_process.hpp"
#include "tests/support/dev_server.hpp"
#include "tests/support/engine_server.hpp"
#include "tests/support/raw_http.hpp"
#include "tests/support/temp_dir.hpp"

namespace penstock::test {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string words_of(pid_t pid) {
  std::ostringstream words;
  for (const char* file : {"/cmdline", "/environ"})
    words << std::ifstream("/proc/" + std::to_string(pid) + file).rdbuf();
  return words.str();
}

class Password : public testing::Test {
 protected:
  Password() { std::ofstream(file_) << "open sesame\n"; }

  void expect_needed(int port) const {
    EXPECT_EQ(http(port, "GET", "/ping").body, "Ok.\n");
    EXPECT_EQ(http(port, "POST", "/?user=default&password=open+sesame", "SELECT 1").body, "1\n");
    EXPECT_EQ(http(port, "POST", "/", "SELECT 1", {{"X-ClickHouse-Key", "open sesame"}}).body, "1\n");
    EXPECT_EQ(http(port, "POST", "/", "SELECT 1",
                   {{"X-ClickHouse-User", "default"}, {"X-ClickHouse-Key", "open sesame"}})
                  .body,
              "1\n");
    EXPECT_EQ(
        http(port, "POST", "/", "SELECT 1", {{"Authorization", "Basic ZGVmYXVsdDpvcGVuIHNlc2FtZQ=="}}).body,
        "1\n");
    for (const std::string more :
         {"", "?password=", "?password=open", "?password=open+sesame+", "?user=bob"}) {
      const HttpReply reply = http(port, "POST", "/" + more, "DROP DATABASE default SYNC");
      EXPECT_EQ(reply.status, 403) << more;
      EXPECT_EQ(reply.header("x-clickhouse-exception-code"), "516") << more;
      EXPECT_THAT(reply.body, Not(HasSubstr("sesame"))) << more;
    }
  }

  TempDir directory_{"penstock-password"};
  std::string file_ = directory_ / "password";
};

TEST_F(Password, IsNeededOnceThereIsOne) {
  EngineServer engine({.arguments = {"--password-file", file_}});
  expect_needed(engine.port());
  EXPECT_THAT(words_of(engine.pid()) + engine.log(), Not(HasSubstr("sesame")));
}

TEST_F(Password, IsNeededOfEveryUser) {
  EngineServer engine({.arguments = {"--password-file", file_, "--profile", "other:max_threads=1"}});
  EXPECT_EQ(http(engine.port(), "POST", "/?user=other", "SELECT 1").status, 403);
  EXPECT_EQ(http(engine.port(), "POST", "/?user=other&password=open+sesame", "SELECT 1").body, "1\n");
}

TEST_F(Password, IsNeededOfTheEngineOfADevServer) {
  const int port = free_port();
  DevServer dev({.arguments = {"--clickhouse", "127.0.0.1:" + std::to_string(port),
                               "--clickhouse-password-file", file_}});
  expect_needed(port);
  EXPECT_THAT(words_of(dev.pid()) + dev.log(), Not(HasSubstr("sesame")));
}

TEST_F(Password, OutlivesACrashOfTheEngine) {
  engine::EngineProcessOptions options;
  options.path = directory_ / "data";
  options.listen = "127.0.0.1:0";
  options.program = engine_program();
  options.password_file = file_;
  const auto process = engine::EngineProcess::start(options);
  ASSERT_TRUE(process) << process.error().text();
  const std::string url = (*process)->url();
  const int port = std::stoi(url.substr(url.rfind(':') + 1));
  ::kill((*process)->pid(), SIGKILL);
  ASSERT_TRUE(eventually([&] { return http(port, "GET", "/ping").status == 200; }, std::chrono::seconds(30)));
  expect_needed(port);
}

TEST_F(Password, FileThatCannotBeUsedKeepsTheEngineFromStarting) {
  const Finished none =
      run(engine_program(),
          {.arguments = {"engine", "--path", directory_ / "data", "--password-file", directory_ / "none"}});
  EXPECT_EQ(none.status.code, 1);
  EXPECT_THAT(none.err, HasSubstr("password"));
  EXPECT_THAT(none.err, HasSubstr(directory_ / "none"));
}

}  // namespace
}  // namespace penstock::test
