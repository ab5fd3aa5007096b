#pragma once

#include <string>

#include "core/result.hpp"

namespace penstock::postgres {

/// Text for a library that only reads files: in memory, readable by this process alone, gone with the object
/// or with the process. libpq takes certificates and keys no other way.
class PrivateFile {
 public:
  PrivateFile() = default;
  [[nodiscard]] static Result<PrivateFile> hold(const std::string& text);
  PrivateFile(PrivateFile&& other) noexcept;
  PrivateFile& operator=(PrivateFile&& other) noexcept;
  ~PrivateFile();

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  int file_ = -1;
  std::string path_;
};

}  // namespace penstock::postgres
