// The state file, and the directory that it lies in: damage, strangers, who may read them.

#include "controller/apiserver/state_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "controller/apiserver/data_directory.hpp"
#include "controller/apiserver/store.hpp"
#include "tests/support/temp_dir.hpp"

namespace penstock::apiserver {
namespace {

using testing::HasSubstr;

unsigned mode_of(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 07777U : 0U;
}

/// A state file with 200 objects, closed.
std::string filled(const test::TempDir& directory) {
  const auto path = directory / "state.db";
  auto file = StateFile::open(path).value();
  for (int i = 0; i < 200; ++i) {
    EXPECT_TRUE(file->put({"things", "n", std::to_string(i), 1, {}, std::string(500, 'b')}));
  }
  return path;
}

TEST(StateFile, NamesADamagedFileAndTheCure) {
  const test::TempDir directory;
  const auto path = directory / "state.db";
  std::ofstream(path) << std::string(8192, 'x');
  const auto file = StateFile::open(path);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().reason, "StateFileDamaged");
  EXPECT_THAT(file.error().message, HasSubstr(path));
  EXPECT_THAT(file.error().cure, HasSubstr("Restore it"));
}

TEST(StateFile, NoticesDamageInTheMiddle) {
  const test::TempDir directory;
  const auto path = filled(directory);
  std::fstream damage(path, std::ios::in | std::ios::out | std::ios::binary);
  damage.seekp(4096);
  damage << std::string(60'000, '\x5a');
  damage.close();
  const auto file = StateFile::open(path);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().reason, "StateFileDamaged");
}

TEST(StateFile, NoticesThatItWasCutOff) {
  for (const std::uintmax_t size : {1U, 100U, 4096U, 5000U, 40960U}) {
    const test::TempDir directory;
    const auto path = filled(directory);
    std::filesystem::resize_file(path, size);
    const auto file = StateFile::open(path);
    ASSERT_FALSE(file) << size;
    EXPECT_EQ(file.error().reason, "StateFileDamaged") << size;
  }
}

TEST(StateFile, ThatIsEmptyIsNewOnlyWhereNothingElseIsOfUse) {
  const test::TempDir directory;
  const auto path = filled(directory);
  std::filesystem::resize_file(path, 0);
  const auto beside_its_log = StateFile::open(path);
  ASSERT_FALSE(beside_its_log);
  EXPECT_EQ(beside_its_log.error().reason, "StateFileDamaged");
  EXPECT_THAT(beside_its_log.error().message, HasSubstr(path));
  EXPECT_THAT(beside_its_log.error().cure, HasSubstr("Restore it"));
  std::filesystem::remove(path);
  const auto log_alone = StateFile::open(path);
  ASSERT_FALSE(log_alone);
  EXPECT_THAT(log_alone.error().message, HasSubstr("-wal"));
  std::filesystem::remove(path + "-wal");
  std::ofstream(path).flush();
  const auto in_a_used_directory = StateFile::open(path, true);
  ASSERT_FALSE(in_a_used_directory);
  EXPECT_EQ(in_a_used_directory.error().reason, "StateFileDamaged");
  EXPECT_TRUE(StateFile::open(path)) << "as of a first start that was killed";
}

TEST(StateFile, ThatIsNoFileIsRefusedByWhatItIs) {
  const test::TempDir directory;
  const auto path = directory / "state.db";
  const auto refusal = [&] {
    const auto file = StateFile::open(path);
    EXPECT_FALSE(file);
    std::filesystem::remove(path);
    return file ? std::string() : file.error().reason + ": " + file.error().message;
  };
  std::filesystem::create_directory(path);
  EXPECT_THAT(refusal(),
              HasSubstr("StateFileUnusable: the state file " + path + " cannot be used: it is a directory"));
  std::filesystem::create_symlink(directory / "elsewhere", path);
  EXPECT_THAT(refusal(), HasSubstr("it is a symbolic link"));
  EXPECT_FALSE(std::filesystem::exists(directory / "elsewhere"));
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_THAT(refusal(), HasSubstr("it is not a regular file"));
}

TEST(StateFile, ThatIsPutBackIsReadWithoutTheLogOfTheOneBefore) {
  const test::TempDir directory;
  const auto path = filled(directory);
  std::filesystem::copy_file(path, directory / "copy");
  {
    auto file = StateFile::open(path).value();
    for (int i = 0; i < 200; ++i) {
      ASSERT_TRUE(file->remove("things", "n", std::to_string(i), 2));
    }
  }
  std::filesystem::copy_file(directory / "copy", path, std::filesystem::copy_options::overwrite_existing);
  auto file = StateFile::open(path);
  ASSERT_TRUE(file) << file.error().text();
  EXPECT_EQ((*file)->load()->size(), 200U);
}

TEST(StateFile, RefusesAnObjectThatIsNoJson) {
  const test::TempDir directory;
  const auto path = directory / "state.db";
  ASSERT_TRUE(StateFile::open(path).value()->put({"things", "n", "a", 1, {}, "{\"metadata\":"}));
  const auto store = Store::open(StateFile::open(path).value(), {});
  ASSERT_FALSE(store);
  EXPECT_THAT(store.error().message, HasSubstr("things n/a"));
}

TEST(StateFile, RefusesADatabaseOfSomebodyElse) {
  const test::TempDir directory;
  const auto path = directory / "state.db";
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "CREATE TABLE other(x)", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(other);
  const auto file = StateFile::open(path);
  ASSERT_FALSE(file);
  EXPECT_THAT(file.error().message, HasSubstr("is not a Penstock state file"));
  std::ifstream kept(path, std::ios::binary);
  std::string header(20, ' ');
  kept.read(header.data(), 20);
  EXPECT_EQ(header[18], 1) << "it was made a database with a log";
}

TEST(StateFile, NamesAPathThatCannotBeWritten) {
  const auto file = StateFile::open("/proc/nowhere/state.db");
  ASSERT_FALSE(file);
  EXPECT_THAT(file.error().message, HasSubstr("/proc/nowhere/state.db"));
}

TEST(StateFile, RemembersSettings) {
  const test::TempDir directory;
  const auto path = directory / "state.db";
  ASSERT_TRUE(StateFile::open(path).value()->set_setting("token", "t"));
  auto file = StateFile::open(path).value();
  EXPECT_EQ(file->setting("token").value(), "t");
  EXPECT_EQ(file->setting("none").value(), std::nullopt);
}

TEST(DataDirectory, IsHeldByOneAtATime) {
  const test::TempDir parent;
  const auto path = parent / "deep/er";
  {
    const auto first = DataDirectory::acquire(path);
    ASSERT_TRUE(first);
    const auto second = DataDirectory::acquire(path);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().reason, "DataDirectoryInUse");
    EXPECT_THAT(second.error().message, HasSubstr(path));
    EXPECT_THAT(second.error().message, HasSubstr(std::to_string(::getpid())));
  }
  EXPECT_TRUE(DataDirectory::acquire(path));
}

TEST(DataDirectory, NamesAPathThatIsOfNoUse) {
  const test::TempDir parent;
  std::ofstream(parent / "file") << "x";
  for (const auto& path : {parent / "file", std::string("/proc/nowhere")}) {
    const auto directory = DataDirectory::acquire(path);
    ASSERT_FALSE(directory) << path;
    EXPECT_EQ(directory.error().reason, "DataDirectoryUnusable");
    EXPECT_THAT(directory.error().message, HasSubstr(path));
  }
}

TEST(DataDirectory, ThatOthersCouldReadIsTightened) {
  const test::TempDir parent;
  const auto path = parent / "data";
  std::filesystem::create_directory(path);
  for (const unsigned mode : {0755U, 0770U, 0777U, 0701U}) {
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
    ASSERT_TRUE(DataDirectory::acquire(path));
    EXPECT_EQ(mode_of(path), 0700U);
  }
  EXPECT_EQ(mode_of(path + "/lock"), 0600U);
}

TEST(DataDirectory, ThatIsSharedIsRefused) {
  const test::TempDir parent;
  const auto path = parent / "data";
  std::filesystem::create_directory(path);
  ASSERT_EQ(::chmod(path.c_str(), 01777), 0);
  const auto shared = DataDirectory::acquire(path);
  ASSERT_FALSE(shared);
  EXPECT_EQ(shared.error().reason, "DataDirectoryUnusable");
  EXPECT_THAT(shared.error().message, HasSubstr("shared with other users"));
  EXPECT_EQ(mode_of(path), 01777U);
}

TEST(DataDirectory, OfAnotherUserIsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a directory away";
  const test::TempDir parent;
  const auto path = parent / "data";
  std::filesystem::create_directory(path);
  ASSERT_EQ(::chown(path.c_str(), 12345, 12345), 0);
  const auto other = DataDirectory::acquire(path);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().reason, "DataDirectoryUnusable");
  EXPECT_THAT(other.error().message, HasSubstr("belongs to another user (uid 12345"));
}

TEST(DataDirectory, KnowsThatAServerWasHere) {
  const test::TempDir parent;
  const auto directory = DataDirectory::acquire(parent / "data").value();
  EXPECT_FALSE(directory.was_used());
  ASSERT_TRUE(write_private_file(directory.file("kubeconfig"), "x"));
  EXPECT_TRUE(directory.was_used());
}

}  // namespace
}  // namespace penstock::apiserver
