#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <string>

#include "tests/support/process.hpp"

namespace penstock::test {
namespace {

std::size_t status_field(pid_t pid, const std::string& field) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  std::string line;
  while (std::getline(file, line)) {
    if (line.rfind(field + ":", 0) == 0) return std::stoul(line.substr(field.size() + 1)) * 1024;
  }
  return 0;
}

// Shared by all accounts: the kernel may refuse O_CREAT on what another one made in /tmp.
int open_port_counter() {
  constexpr const char* kPath = "/tmp/penstock-test-ports";
  for (int tried = 0; tried < 2; ++tried) {
    const int file = ::open(kPath, O_RDWR | O_CLOEXEC);
    if (file >= 0 || errno != ENOENT) return file;
    const int made = ::open(kPath, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (made >= 0 && ::fchmod(made, 0666) == 0) return made;  // whatever the umask
    if (made >= 0) ::close(made);
  }
  return -1;
}

}  // namespace

int free_port() {
  // The kernel hands ephemeral ports out at random, and a closed one may be handed out again at once: ports
  // given here are below the ephemeral range and taken in turn from a counter that all tests share.
  constexpr int kFirst = 21000;
  constexpr int kCount = 9000;
  const int counter = open_port_counter();
  if (counter < 0 || ::flock(counter, LOCK_EX) != 0) throw std::runtime_error("cannot lock the port counter");
  int next = 0;
  if (::pread(counter, &next, sizeof next, 0) != sizeof next || next < 0) next = 0;
  int port = 0;
  for (int tried = 0; tried < kCount && port == 0; ++tried) {
    const int candidate = kFirst + (next++ % kCount);
    const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(candidate));
    const int yes = 1;
    ::setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (::bind(probe, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) port = candidate;
    ::close(probe);
  }
  next %= kCount;
  const bool written = ::pwrite(counter, &next, sizeof next, 0) == sizeof next;
  ::close(counter);
  if (port == 0 || !written) throw std::runtime_error("no free port");
  return port;
}

std::size_t resident_bytes(pid_t pid) {
  return status_field(pid, "VmRSS");
}

std::size_t peak_resident_bytes(pid_t pid) {
  return status_field(pid, "VmHWM");
}

}  // namespace penstock::test
