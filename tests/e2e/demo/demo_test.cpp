// `make demo` as a stranger has it, with a small shop: scripts/demo.sh in a checkout of its own.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/support/engine_server.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace penstock {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using test::ExitStatus;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

std::string content_of(const fs::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

class Demo : public testing::Test {
 protected:
  Demo() {
    fs::create_directories(root_.path() / "tmp");
    fs::create_directories(root_.path() / "bin");
    fs::permissions(root_.path() / "tmp", fs::perms::all);
    const fs::path sources = PENSTOCK_SOURCE_DIR;
    for (const char* folder : {"scripts", "examples"})
      fs::copy(sources / folder, root_.path() / folder, fs::copy_options::recursive);
    if (const char* kubectl = std::getenv("PENSTOCK_KUBECTL"))
      fs::create_symlink(kubectl, root_.path() / "bin/kubectl");
  }

  test::Process begin(std::vector<std::string> arguments) {
    test::ProcessOptions options;
    options.arguments = {"--penstock", PENSTOCK_BINARY};
    options.arguments.insert(options.arguments.end(), arguments.begin(), arguments.end());
    options.environment = {{"ORDERS", "3000"},
                           {"PENSTOCK_ENGINE_BINARY", test::engine_program()},
                           {"TMPDIR", root_ / "tmp"},
                           {"PATH", (root_ / "bin") + ":" + std::getenv("PATH")}};
    options.working_directory = root_.path();
    return {root_ / "scripts/demo.sh", options};
  }

  /// Names of the programs that run on behalf of this demo: they work in its directories, or were started
  /// with its environment.
  std::vector<std::string> programs() const {
    std::vector<std::string> out;
    std::error_code gone;
    for (const auto& entry : fs::directory_iterator("/proc", gone)) {
      const auto works_in = fs::read_symlink(entry.path() / "cwd", gone).string();
      if (works_in.rfind(root_.path().string(), 0) != 0 &&
          content_of(entry.path() / "environ").find("TMPDIR=" + (root_ / "tmp")) == std::string::npos)
        continue;
      auto name = content_of(entry.path() / "comm");
      if (!name.empty()) name.pop_back();
      out.push_back(name);
    }
    return out;
  }

  /// Its directories, and what it keeps below the checkout.
  std::vector<std::string> left_behind() const {
    std::vector<std::string> out;
    for (const char* folder : {"tmp", ".penstock"})
      for (const auto& entry : fs::directory_iterator(root_.path() / folder))
        if (entry.path().filename() != "demo.lock") out.push_back(entry.path());
    return out;
  }

  void expect_nothing_left() const {
    EXPECT_TRUE(test::eventually([&] { return programs().empty(); }, 2s))
        << testing::PrintToString(programs());
    EXPECT_THAT(left_behind(), IsEmpty());
  }

  test::TempDir root_{"demo"};
};

TEST_F(Demo, OnceComparesEveryRowAndEndsWell) {
  auto demo = begin({"--once"});
  const auto end = demo.wait(120s);
  ASSERT_TRUE(end) << demo.out() << demo.err();
  EXPECT_EQ(*end, ExitStatus{}) << demo.out() << demo.err();
  EXPECT_EQ(demo.err(), "");
  EXPECT_THAT(demo.out(), HasSubstr("Source and target hold the same rows."));
  for (const char* table : {"customers", "products", "orders"})
    EXPECT_THAT(demo.out(),
                testing::ContainsRegex(std::string(table) + " +[0-9,]+ rows, all columns the same"));
  expect_nothing_left();
}

TEST_F(Demo, InterruptedWhenItRunsStopsAllThatItStartedAndEndsWell) {
  auto demo = begin({});
  ASSERT_TRUE(demo.wait_for_output("Ctrl-C stops everything.", 120s)) << demo.out() << demo.err();
  for (const char* program : {"postgres", "pgbench", "penstock"})
    ASSERT_THAT(programs(), Contains(program)) << "the search for what is left would find nothing";
  ASSERT_FALSE(left_behind().empty());
  demo.signal(SIGINT);
  const auto end = demo.wait(50s);
  ASSERT_TRUE(end) << demo.out() << demo.err();
  EXPECT_EQ(*end, ExitStatus{}) << demo.err();
  EXPECT_EQ(demo.err(), "");
  expect_nothing_left();
}

TEST_F(Demo, InterruptedOnItsWaySaysSoByItsStatusAndLeavesNothing) {
  auto demo = begin({"--once"});
  ASSERT_TRUE(demo.wait_for_output("penstock dev: Kubernetes API on", 60s)) << demo.out() << demo.err();
  ASSERT_THAT(programs(), Contains("postgres"));
  demo.signal(SIGINT);
  const auto end = demo.wait(50s);
  ASSERT_TRUE(end) << demo.out() << demo.err();
  EXPECT_EQ(*end, (ExitStatus{.code = 130, .signal = 0})) << demo.err();
  expect_nothing_left();
}

}  // namespace
}  // namespace penstock
