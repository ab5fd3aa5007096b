#include "controller/apiserver/state_disk.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "core/log.hpp"

namespace penstock::apiserver {

namespace {

/// SQLite copies its log into the database from four megabytes on; a request adds three at most.
constexpr off_t kLogBytes = 8L << 20U;
/// What a checkpoint of all that may be in the log can make the database grow by.
constexpr std::uint64_t kLeastFree = 4ULL << 20U;
constexpr std::size_t kLogHeader = 32;

off_t size_of(const std::string& path) {
  struct stat file {};
  return ::stat(path.c_str(), &file) == 0 ? file.st_size : 0;
}

tl::unexpected<Error> unusable(const std::string& path, std::string_view why) {
  return fail(ErrorKind::NeedsUser, "StateFileUnusable",
              fmt::format("the state file {} cannot be used: {}", path, why),
              "Move it away, or choose another --data-dir");
}

tl::unexpected<Error> damaged(const std::string& path, std::string_view why) {
  return fail(ErrorKind::NeedsUser, "StateFileDamaged",
              fmt::format("the state file {} is damaged: {}", path, why), damage_cure(path));
}

}  // namespace

std::string damage_cure(const std::string& path) {
  return fmt::format(
      "Restore it from a copy, or move {0}, {0}-wal and {0}-shm away and apply your manifests again", path);
}

Status check_state_path(const std::string& path, bool was_used) {
  struct stat file {};
  const bool there = ::lstat(path.c_str(), &file) == 0;
  if (!there && errno != ENOENT) return unusable(path, std::strerror(errno));
  if (there && S_ISLNK(file.st_mode)) return unusable(path, "it is a symbolic link");
  if (there && S_ISDIR(file.st_mode)) return unusable(path, "it is a directory");
  if (there && !S_ISREG(file.st_mode)) return unusable(path, "it is not a regular file");
  const auto wal = path + "-wal";
  if (!there && size_of(wal) > 0) return damaged(path, fmt::format("it is missing, but {} is there", wal));
  // A file of one byte is an empty one to SQLite.
  if (there && file.st_size <= 1 && (was_used || size_of(wal) > 0)) {
    return damaged(path, "it is empty, but the directory has been used before");
  }
  return {};
}

void reserve_log(const std::string& wal) {
  const int file = ::open(wal.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0) return;
  const int fault = ::posix_fallocate(file, 0, kLogBytes);
  if (fault != 0) log::warn("apiserver", "cannot set space aside in {}: {}", wal, std::strerror(fault));
  ::close(file);
}

void blank_log(const std::string& wal) {
  const int file = ::open(wal.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0) return;
  const std::array<char, kLogHeader> nothing{};
  if (size_of(wal) > 0 && ::pwrite(file, nothing.data(), nothing.size(), 0) > 0) (void)::fsync(file);
  ::close(file);
}

bool is_short_of_space(const std::string& path) {
  struct statvfs disk {};
  if (::statvfs(path.c_str(), &disk) != 0) return false;
  const auto blocks = ::geteuid() == 0 ? disk.f_bfree : disk.f_bavail;
  return static_cast<std::uint64_t>(blocks) * disk.f_frsize < kLeastFree;
}

}  // namespace penstock::apiserver
