#include "controller/engine/engine_fence.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>

namespace penstock::engine {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kMachine = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kMachine = AUDIT_ARCH_AARCH64;
#else
#error "which system calls this machine has is not known"
#endif
constexpr std::uint32_t kOtherNumbers = 0x40000000;  // x32's system calls on x86-64

// Later than Debian 12's headers (linux/landlock.h).
constexpr std::uint64_t kTruncate = 1ULL << 14U;
constexpr std::uint64_t kDeviceIoctl = 1ULL << 15U;

constexpr std::uint64_t kReadAccess = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
// Execution excepted: of it there is none.
constexpr std::uint64_t kDataAccess = kReadAccess | LANDLOCK_ACCESS_FS_WRITE_FILE |
                                      LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                                      LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                                      LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_REFER | kTruncate;

// The machine's size, its time zone, and what "localhost" is.
constexpr std::array kAlwaysRead{
    "/sys/fs/cgroup", "/sys/devices/system", "/sys/kernel/mm",     "/proc/meminfo",       "/proc/cpuinfo",
    "/dev/urandom",   "/dev/null",           "/etc/localtime",     "/usr/share/zoneinfo", "/usr/lib/locale",
    "/etc/hosts",     "/etc/host.conf",      "/etc/nsswitch.conf", "/etc/gai.conf"};
constexpr std::array kReadForNetwork{"/etc/resolv.conf",           "/etc/services", "/etc/ssl",
                                     "/usr/share/ca-certificates", "/lib",          "/usr/lib"};

tl::unexpected<Error> failed(std::string_view what) {
  return fail(ErrorKind::Internal, "EngineFenceNotPut",
              fmt::format("cannot fence the embedded engine in ({}): {}", what, std::strerror(errno)));
}

// Lets `access` below `path`; a path that does not exist needs none.
bool allow(int rules, const char* path, std::uint64_t access) {
  const int descriptor = ::open(path, O_PATH | O_CLOEXEC);
  if (descriptor < 0) return errno == ENOENT;
  const bool is_directory = ::faccessat(descriptor, ".", F_OK, 0) == 0;
  // What has no meaning for a file is refused for one.
  if (!is_directory) access &= LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | kTruncate;
  landlock_path_beneath_attr rule{};
  rule.allowed_access = access;
  rule.parent_fd = descriptor;
  const bool added = ::syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
  ::close(descriptor);
  return added;
}

// Nothing, or what the kernel lacks. The first version cannot move a file from one directory to another,
// which every part of a table is.
Result<std::optional<std::string>> fence_files(const FenceOptions& options) {
  const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 2) {
    return std::optional<std::string>(
        "this kernel has no Landlock (version 2, Linux 5.19): what statements may do with files is up to the "
        "engine's own privileges alone, and those do not cover all");
  }
  std::uint64_t handled = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1U) - 1U;
  handled |= LANDLOCK_ACCESS_FS_REFER;
  if (version >= 3) handled |= kTruncate;
  if (version >= 5) handled |= kDeviceIoctl;
  landlock_ruleset_attr attributes{};
  attributes.handled_access_fs = handled;
  const int rules =
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0));
  if (rules < 0) return failed("landlock_create_ruleset");
  bool added = allow(rules, options.data_directory.c_str(), kDataAccess & handled);
  for (const char* path : kAlwaysRead)
    added = added && allow(rules, path, kReadAccess);
  for (const char* path : kReadForNetwork)
    added = added && (!options.network || allow(rules, path, kReadAccess));
  if (!added) return failed("landlock_add_rule");
  const bool restricted = ::syscall(SYS_landlock_restrict_self, rules, 0) == 0;
  ::close(rules);
  if (!restricted) return failed("landlock_restrict_self");
  return std::optional<std::string>();
}

constexpr sock_filter statement(std::uint16_t code, std::uint32_t value) {
  return {code, 0, 0, value};
}
constexpr sock_filter jump(std::uint16_t code, std::uint32_t value, std::uint8_t yes, std::uint8_t no) {
  return {code, yes, no, value};
}

// A classic BPF program over seccomp_data: denies what is named with an error, allows the rest.
std::vector<sock_filter> call_filter(bool network) {
  constexpr std::uint32_t kDeny = SECCOMP_RET_ERRNO | EACCES;
  const auto load = [](std::size_t offset) {
    return statement(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset));
  };
  std::vector<sock_filter> program{
      load(offsetof(seccomp_data, arch)),
      jump(BPF_JMP | BPF_JEQ | BPF_K, kMachine, 1, 0),
      statement(BPF_RET | BPF_K, kDeny),
      load(offsetof(seccomp_data, nr)),
      jump(BPF_JMP | BPF_JGE | BPF_K, kOtherNumbers, 0, 1),
      statement(BPF_RET | BPF_K, kDeny),
  };
  const auto deny = [&program](long call) {
    program.push_back(jump(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, 1));
    program.push_back(statement(BPF_RET | BPF_K, kDeny));
  };
  // io_uring opens and connects without any of the calls that are looked at here.
  for (const long call : {SYS_execve, SYS_execveat, SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev,
                          SYS_io_uring_setup})
    deny(call);
  if (!network) {
    deny(SYS_connect);
    // Netlink tells the engine its own addresses.
    program.push_back(jump(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3));
    program.push_back(load(offsetof(seccomp_data, args)));
    program.push_back(jump(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 1, 0));
    program.push_back(statement(BPF_RET | BPF_K, kDeny));
  }
  program.push_back(statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  return program;
}

Result<std::optional<std::string>> fence_calls(const FenceOptions& options) {
  auto filter = call_filter(options.network);
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0) return std::optional<std::string>();
  if (errno != ENOSYS && errno != EINVAL) return failed("seccomp");
  return std::optional<std::string>(
      "this kernel has no seccomp filters: what statements may do with networks and programs is up to the "
      "engine's "
      "own privileges alone, and those do not cover all");
}

}  // namespace

Result<std::vector<std::string>> put_up_fence(const FenceOptions& options) {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed("no_new_privs");
  PENSTOCK_ASSIGN(const auto files, fence_files(options));
  PENSTOCK_ASSIGN(const auto calls, fence_calls(options));
  std::vector<std::string> missing;
  if (files) missing.push_back(*files);
  if (calls) missing.push_back(*calls);
  return missing;
}

}  // namespace penstock::engine
