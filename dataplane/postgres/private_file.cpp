#include "dataplane/postgres/private_file.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace penstock::postgres {

Result<PrivateFile> PrivateFile::hold(const std::string& text) {
  PrivateFile out;
  out.file_ = ::memfd_create("penstock", MFD_CLOEXEC);
  out.path_ = fmt::format("/proc/self/fd/{}", out.file_);
  // libpq refuses a key that others may read, and memfd_create() makes files of mode 0777.
  bool written = out.file_ >= 0 && ::fchmod(out.file_, 0600) == 0;
  for (std::size_t sent = 0; written && sent < text.size();) {
    const auto count = ::write(out.file_, text.data() + sent, text.size() - sent);
    written = count > 0;
    if (written) sent += static_cast<std::size_t>(count);
  }
  if (written) return out;
  return fail(ErrorKind::Internal, "TlsFailed",
              fmt::format("cannot keep a certificate in memory: {}", std::strerror(errno)));
}

PrivateFile::PrivateFile(PrivateFile&& other) noexcept
    : file_(std::exchange(other.file_, -1)), path_(std::move(other.path_)) {}

PrivateFile& PrivateFile::operator=(PrivateFile&& other) noexcept {
  std::swap(file_, other.file_);
  std::swap(path_, other.path_);
  return *this;
}

PrivateFile::~PrivateFile() {
  if (file_ >= 0) ::close(file_);
}

}  // namespace penstock::postgres
