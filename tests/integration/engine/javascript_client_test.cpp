#include <gmock/gmock.h>

#include <filesystem>

#include "tests/support/engine_server.hpp"

namespace penstock::test {
namespace {

constexpr const char* kPackage = "@clickhouse/client@1.23.1";

bool is_installed(const std::string& program) {
  return run("sh", {.arguments = {"-c", "command -v " + program}}).ok();
}

TEST(JavaScriptClient, TheOfficialOneWorks) {
  if (!is_installed("node") || !is_installed("npm")) GTEST_SKIP() << "node and npm are not installed";
  const std::string directory = PENSTOCK_SOURCE_DIR "/.deps/clickhouse-js";
  if (!std::filesystem::exists(directory + "/node_modules/@clickhouse/client/package.json")) {
    std::filesystem::create_directories(directory);
    const Finished install = run("npm",
                                 {.arguments = {"install", "--silent", "--no-save", "--no-audit", "--no-fund",
                                                "--ignore-scripts", "--prefix", directory, kPackage}},
                                 std::chrono::seconds(120));
    ASSERT_TRUE(install.ok()) << install.out << install.err;
  }
  const Finished script =
      run("node",
          {.arguments = {PENSTOCK_SOURCE_DIR "/tests/integration/engine/javascript_client.mjs", directory,
                         shared_engine().url()}},
          std::chrono::seconds(120));
  EXPECT_TRUE(script.ok()) << script.out << script.err;
  EXPECT_EQ(script.out, "all done\n");
}

}  // namespace
}  // namespace penstock::test
