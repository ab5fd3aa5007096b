#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"

namespace penstock::apiserver {

/// A data directory, held by this process alone while the object lives (flock on DIR/lock: the lock goes with
/// the process, however it ends).
class DataDirectory {
 public:
  /// Makes the directory (mode 0700) when there is none. Fails with reason DataDirectoryUnusable or
  /// DataDirectoryInUse, naming the path and the cure.
  [[nodiscard]] static Result<DataDirectory> acquire(const std::string& path);
  ~DataDirectory();
  DataDirectory(DataDirectory&& other) noexcept;
  DataDirectory& operator=(DataDirectory&& other) noexcept;

  /// Absolute.
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string file(std::string_view name) const;

 private:
  DataDirectory(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}

  std::string path_;
  int lock_ = -1;
};

/// Writes a file of mode 0600 that others see either as it was or whole: under another name, synced, then
/// renamed.
[[nodiscard]] Status write_private_file(const std::string& path, std::string_view text);

}  // namespace penstock::apiserver
