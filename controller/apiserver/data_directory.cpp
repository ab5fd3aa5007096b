#include "controller/apiserver/data_directory.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include "core/log.hpp"

namespace penstock::apiserver {

namespace {

tl::unexpected<Error> unusable(const std::string& path, std::string_view why) {
  return fail(ErrorKind::NeedsUser, "DataDirectoryUnusable",
              fmt::format("the data directory {} cannot be used: {}", path, why),
              "Make it writable for this user, or choose another --data-dir");
}

/// What lies in it are secrets and rows: nobody else may read it, nor put anything there.
Status make_private(const std::string& path) {
  struct stat is {};
  if (::stat(path.c_str(), &is) != 0) return unusable(path, std::strerror(errno));
  if (is.st_uid != ::geteuid()) {
    return fail(
        ErrorKind::NeedsUser, "DataDirectoryUnusable",
        fmt::format("the data directory {} cannot be used: it belongs to another user (uid {}, this is {})",
                    path, is.st_uid, ::geteuid()),
        "Choose a directory below it, or another --data-dir; it is made when there is none");
  }
  if ((is.st_mode & S_ISVTX) != 0) {
    return fail(ErrorKind::NeedsUser, "DataDirectoryUnusable",
                fmt::format("the data directory {} cannot be used: it is shared with other users", path),
                "Choose a directory below it, or another --data-dir; it is made when there is none");
  }
  constexpr mode_t kOthers = S_IRWXG | S_IRWXO;
  if ((is.st_mode & kOthers) == 0) return {};
  if (::chmod(path.c_str(), S_IRWXU) != 0) return unusable(path, std::strerror(errno));
  log::info("dev",
            "the data directory {} had mode {:04o}: set to 0700, for what is in it is this user's alone",
            path, is.st_mode & 07777U);
  return {};
}

/// Who holds the lock, as that process wrote it there; "" when it did not.
std::string holder_of(int lock) {
  char text[32] = {};
  const auto size = ::pread(lock, text, sizeof text - 1, 0);
  const std::string_view digits(text, size > 0 ? static_cast<std::size_t>(size) : 0);
  const auto end = digits.find_first_not_of("0123456789");
  return std::string(digits.substr(0, end));
}

bool write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

bool is_private_file_of(const std::string& path, std::string_view text) {
  struct stat is {};
  if (::lstat(path.c_str(), &is) != 0 || !S_ISREG(is.st_mode) || (is.st_mode & 07777U) != 0600U) return false;
  std::ifstream file(path, std::ios::binary);
  const std::string present((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  return file && present == text;
}

}  // namespace

Result<DataDirectory> DataDirectory::acquire(const std::string& path) {
  std::error_code error;
  const auto absolute = std::filesystem::absolute(path, error).lexically_normal();
  std::filesystem::create_directories(absolute, error);
  if (error) return unusable(path, error.message());
  if (!std::filesystem::is_directory(absolute, error)) return unusable(path, "it is not a directory");
  PENSTOCK_TRY(make_private(absolute.string()));

  const auto name = (absolute / "lock").string();
  const int lock = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return unusable(absolute.string(), std::strerror(errno));
  DataDirectory directory(absolute.string(), lock);
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return unusable(absolute.string(), std::strerror(errno));
    const auto holder = holder_of(lock);
    return fail(ErrorKind::NeedsUser, "DataDirectoryInUse",
                fmt::format("the data directory {} is in use by another process{}", absolute.string(),
                            holder.empty() ? "" : fmt::format(" ({})", holder)),
                "Stop that process, or choose another --data-dir");
  }
  // For the message above alone: on a full disk it is left as it is. Of one size, so that nothing has to be
  // cut off.
  const auto own = fmt::format("{:<15}\n", ::getpid());
  (void)!::pwrite(lock, own.data(), own.size(), 0);
  return directory;
}

DataDirectory::~DataDirectory() {
  if (lock_ >= 0) ::close(lock_);
}

DataDirectory::DataDirectory(DataDirectory&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

DataDirectory& DataDirectory::operator=(DataDirectory&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(lock_, other.lock_);
  return *this;
}

bool DataDirectory::was_used() const {
  std::error_code error;
  return std::filesystem::exists(file("kubeconfig"), error) ||
         std::filesystem::exists(file("clickhouse"), error);
}

std::string DataDirectory::file(std::string_view name) const {
  return (std::filesystem::path(path_) / name).string();
}

Status write_private_file(const std::string& path, std::string_view text) {
  if (is_private_file_of(path, text)) return {};
  const auto draft = path + ".new";
  const auto fault = [&] {
    return fail(ErrorKind::NeedsUser, "FileNotWritten",
                fmt::format("cannot write {}: {}", path, std::strerror(errno)),
                "Check the space on its disk and that it is writable");
  };
  // An old draft may have another mode.
  ::unlink(draft.c_str());
  const int file = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return fault();
  const bool written = write_all(file, text) && ::fsync(file) == 0;
  if (::close(file) != 0 || !written || ::rename(draft.c_str(), path.c_str()) != 0) {
    auto error = fault();
    ::unlink(draft.c_str());
    return error;
  }
  return {};
}

}  // namespace penstock::apiserver
