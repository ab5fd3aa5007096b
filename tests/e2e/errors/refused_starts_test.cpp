// `penstock dev` that cannot start, and nonsense on the command line: one clear text on stderr, an exit code
// other than 0, at once.

#include <pwd.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <ostream>

#include "tests/e2e/errors/fault_scene.hpp"

namespace penstock {
namespace {

using Arguments = std::vector<std::string>;

constexpr int kUsage = 2;

test::Finished penstock(const Arguments& arguments, test::ProcessOptions options = {}) {
  options.arguments = arguments;
  return test::run(PENSTOCK_BINARY, std::move(options), 20s);
}

void expect_refused(const test::Finished& done, const Arguments& says, int code = 1) {
  EXPECT_FALSE(done.timed_out) << "it hangs";
  EXPECT_EQ(done.status.signal, 0);
  EXPECT_EQ(done.status.code, code);
  EXPECT_EQ(done.out, "");
  for (const auto& part : says)
    EXPECT_NE(done.err.find(part), std::string::npos) << "lacks: " << part << "\n" << done.err;
}

/// `penstock dev` on a directory of its own and a free port, unless the test says otherwise.
class RefusedStart : public testing::Test {
 protected:
  Arguments dev(const Arguments& more = {}) const {
    Arguments out{"dev", "--data-dir", data_dir, "--api", api};
    out.insert(out.end(), more.begin(), more.end());
    return out;
  }

  test::TempDir directory{"penstock-start"};
  std::string data_dir = directory / "data";
  std::string api = "127.0.0.1:0";
};

TEST_F(RefusedStart, BecauseTheApiPortIsInUse) {
  api = "127.0.0.1:" + std::to_string(shared_dev().port());
  expect_refused(penstock(dev()), {api, "in use", "--api"});
}

TEST_F(RefusedStart, BecauseTheEnginesPortIsInUse) {
  const auto taken = "127.0.0.1:" + std::to_string(shared_dev().port());
  expect_refused(penstock(dev({"--clickhouse", taken})), {taken, "in use"});
}

TEST_F(RefusedStart, BecauseTheMetricsPortIsInUse) {
  const auto taken = "127.0.0.1:" + std::to_string(shared_dev().port());
  expect_refused(penstock(dev({"--metrics", taken})), {taken, "in use", "--metrics"});
  expect_refused(penstock(dev({"--metrics", "9464"})), {"--metrics", "HOST:PORT"}, kUsage);
}

TEST_F(RefusedStart, BecauseTheDataDirectoryIsInUse) {
  data_dir = shared_dev().data_dir();
  expect_refused(penstock(dev()),
                 {data_dir, "in use by another process", std::to_string(shared_dev().pid()), "--data-dir"});
  EXPECT_TRUE(shared_dev().kubectl({"get", "pipes"}).ok()) << "the first one is disturbed";
}

TEST_F(RefusedStart, BecauseTheDataDirectoryIsAFile) {
  std::ofstream(data_dir) << "not a directory";
  expect_refused(penstock(dev()), {data_dir, "--data-dir"});
}

TEST_F(RefusedStart, BecauseTheDataDirectoryCannotBeWritten) {
  std::filesystem::create_directory(data_dir);
  std::filesystem::permissions(data_dir,
                               std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  test::ProcessOptions options;
  options.arguments = dev();
  std::string program = PENSTOCK_BINARY;
  if (::geteuid() == 0) {  // who may write anywhere: somebody else, who need not reach where it was built
    options.user = "nobody";
    ASSERT_EQ(::chown(data_dir.c_str(), ::getpwnam("nobody")->pw_uid, -1), 0);
    program = directory / "penstock";
    std::filesystem::copy_file(PENSTOCK_BINARY, program);
    std::filesystem::permissions(program, static_cast<std::filesystem::perms>(0755));
  }
  expect_refused(test::run(program, options, 20s), {data_dir, "Permission denied", "--data-dir"});
}

TEST_F(RefusedStart, BecauseTheStateFileIsEmptyThoughAServerWasHere) {
  {
    test::DevServer server;
    server.stop();
    std::filesystem::copy(server.data_dir(), data_dir, std::filesystem::copy_options::recursive);
  }
  std::filesystem::resize_file(data_dir + "/state.db", 0);
  std::filesystem::remove(data_dir + "/state.db-wal");
  expect_refused(penstock(dev()), {data_dir + "/state.db", "damaged", "it is empty", "move"});
}

TEST_F(RefusedStart, BecauseTheStateFileIsDamaged) {
  std::filesystem::create_directory(data_dir);
  std::ofstream(data_dir + "/state.db") << std::string(100000, 'x');
  expect_refused(penstock(dev()), {data_dir + "/state.db", "damaged", "move"});
}

TEST_F(RefusedStart, BecauseTheStateFileIsDamagedInTheMiddle) {
  {
    test::DevServer server;
    for (int at = 0; at < 40; ++at)
      server.must_kubectl({"create", "configmap", "filler-" + std::to_string(at),
                           "--from-literal=x=" + std::string(3000, 'y')});
    server.stop();
    std::filesystem::copy(server.data_dir(), data_dir, std::filesystem::copy_options::recursive);
  }
  const auto file = data_dir + "/state.db";
  const auto size = std::filesystem::file_size(file);
  ASSERT_GT(size, 50000U);
  std::fstream state(file, std::ios::in | std::ios::out | std::ios::binary);
  for (std::uintmax_t at = 8192; at + 512 < size; at += 4096) {
    state.seekp(static_cast<std::streamoff>(at));
    state << std::string(512, '\x5a');
  }
  state.close();
  expect_refused(penstock(dev()), {file, "damaged"});
}

TEST_F(RefusedStart, BecauseTheEnginesLibraryIsMissing) {
  expect_refused(penstock(dev({"--clickhouse", "127.0.0.1:0", "--lib", "/nowhere/libchdb.so"})),
                 {"/nowhere/libchdb.so", "make deps"});
}

TEST_F(RefusedStart, BecauseTheEnginesLibraryIsNone) {
  const auto library = directory / "libchdb.so";
  std::ofstream(library) << "not a library";
  test::ProcessOptions options;
  options.environment["PENSTOCK_ENGINE_BINARY"] = test::engine_program();
  expect_refused(penstock(dev({"--clickhouse", "127.0.0.1:0", "--lib", library}), options),
                 {library, "make deps"});
}

TEST_F(RefusedStart, BecauseTheEnginesProgramIsMissing) {
  test::ProcessOptions options;
  options.environment["PENSTOCK_ENGINE_BINARY"] = "/nowhere/penstock";
  expect_refused(penstock(dev({"--clickhouse", "127.0.0.1:0"}), options), {"/nowhere/penstock"});
}

struct Nonsense {
  const char* name;
  Arguments arguments;
  Arguments says;
  int code = kUsage;

  friend std::ostream& operator<<(std::ostream& out, const Nonsense& one) { return out << one.name; }
};

const std::vector<Nonsense> kNonsense = {
    {"ApiWithoutPort",
     {"dev", "--api", "nonsense"},
     {"--api", "\"nonsense\"", "HOST:PORT", "127.0.0.1:6443"}},
    {"ApiPortOutOfRange", {"dev", "--api", "127.0.0.1:99999"}, {"--api", "127.0.0.1:99999"}},
    {"ApiPortNoNumber", {"dev", "--api", "127.0.0.1:http"}, {"--api", "127.0.0.1:http"}},
    {"ApiForTheWorld", {"dev", "--api", "0.0.0.0:0"}, {"0.0.0.0", "loopback", "127.0.0.1"}, 1},
    {"EngineWithoutPort",
     {"dev", "--api", "127.0.0.1:0", "--clickhouse", "nonsense"},
     {"--clickhouse", "nonsense"}},
    {"EngineForTheWorld",
     {"dev", "--api", "127.0.0.1:0", "--clickhouse", "0.0.0.0:0"},
     {"0.0.0.0", "this machine only", "127.0.0.1"},
     1},
    {"UnknownSubcommand", {"replicate"}, {"replicate", "--help"}},
    {"UnknownOption", {"dev", "--dir", "x"}, {"--dir", "--help"}},
    {"NoSubcommand", {}, {"subcommand", "--help"}},
    {"OptionWithoutValue", {"dev", "--api"}, {"--api", "--help"}},
    {"UnknownLogFormat", {"dev", "--log-format", "xml"}, {"--log-format", "text", "json"}},
    {"EmptyDataDirectory", {"dev", "--data-dir", ""}, {"--data-dir"}},
};

class CommandLine : public testing::TestWithParam<Nonsense> {};

TEST_P(CommandLine, IsRefusedInWords) {
  const test::TempDir directory;
  test::ProcessOptions options;
  options.working_directory = directory.path();
  expect_refused(penstock(GetParam().arguments, options), GetParam().says, GetParam().code);
}

INSTANTIATE_TEST_SUITE_P(Nonsense, CommandLine, testing::ValuesIn(kNonsense),
                         [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace penstock
