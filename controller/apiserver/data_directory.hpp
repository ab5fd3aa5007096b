#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"

namespace penstock::apiserver {

/// A data directory, held by this process alone while the object lives (flock on DIR/lock: the lock goes with
/// the process, however it ends).
class DataDirectory {
 public:
  /// Makes the directory when there is none. It is this user's alone: mode 0700, and a directory that had
  /// another gets it, with a line in the log. Fails with reason DataDirectoryUnusable (also when it belongs
  /// to another user, or is a shared one such as /tmp) or DataDirectoryInUse, naming the path and the cure.
  [[nodiscard]] static Result<DataDirectory> acquire(const std::string& path);
  ~DataDirectory();
  DataDirectory(DataDirectory&& other) noexcept;
  DataDirectory& operator=(DataDirectory&& other) noexcept;

  /// Absolute.
  [[nodiscard]] const std::string& path() const { return path_; }
  /// True when it holds what a server left that had been started here.
  [[nodiscard]] bool was_used() const;
  [[nodiscard]] std::string file(std::string_view name) const;

 private:
  DataDirectory(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}

  std::string path_;
  int lock_ = -1;
};

/// Writes a file of mode 0600 that others see either as it was or whole: under another name, synced, then
/// renamed. A file that is so already is left alone.
[[nodiscard]] Status write_private_file(const std::string& path, std::string_view text);

}  // namespace penstock::apiserver
