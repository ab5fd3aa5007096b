#pragma once

#include <stdlib.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

namespace penstock::test {

/// A new directory below $TMPDIR (or /tmp), removed with all it holds by the destructor; world-accessible, so
/// that a server started under another account can use it. PENSTOCK_KEEP_TEMP in the environment keeps it.
class TempDir {
 public:
  explicit TempDir(const std::string& prefix = "penstock-test") {
    std::string pattern = (std::filesystem::temp_directory_path() / (prefix + "-XXXXXX")).string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make a directory " + pattern);
    path_ = pattern;
    std::filesystem::permissions(path_, std::filesystem::perms::all);
  }
  ~TempDir() {
    if (path_.empty() || ::getenv("PENSTOCK_KEEP_TEMP") != nullptr) return;
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(TempDir&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TempDir& operator=(TempDir&& other) noexcept {
    std::swap(path_, other.path_);
    return *this;
  }

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace penstock::test
