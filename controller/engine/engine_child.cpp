#include "controller/engine/engine_child.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

extern char** environ;

namespace penstock::engine {
namespace {

constexpr int kHeldInChild = 3;

// What posix_spawn is told besides the program and its arguments.
struct SpawnPlan {
  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};

  SpawnPlan(int stderr_end, int held_end) {
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, stderr_end, STDERR_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, held_end, kHeldInChild);
    // Libraries open sockets without O_CLOEXEC: a child that outlives us for a moment would keep our ports.
    ::posix_spawn_file_actions_addclosefrom_np(&actions, kHeldInChild + 1);
    ::posix_spawnattr_init(&attributes);
    sigset_t none;
    sigset_t all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setsigdefault(&attributes, &all);
    ::posix_spawnattr_setpgroup(&attributes, 0);
    ::posix_spawnattr_setflags(&attributes,
                               POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  ~SpawnPlan() {
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
};

// A pipe whose descriptors are above the ones that the child gets, so that no dup2 there overwrites another.
bool make_pipe(std::array<int, 2>& ends) {
  std::array<int, 2> low{};
  if (::pipe2(low.data(), O_CLOEXEC) != 0) return false;
  for (std::size_t i = 0; i < low.size(); ++i) {
    ends[i] = ::fcntl(low[i], F_DUPFD_CLOEXEC, kHeldInChild + 1);
    ::close(low[i]);
  }
  return ends[0] >= 0 && ends[1] >= 0;
}

void close_end(int& descriptor) {
  if (descriptor >= 0) ::close(descriptor);
  descriptor = -1;
}

}  // namespace

Result<EngineChild> EngineChild::spawn(const std::string& program, std::vector<std::string> arguments) {
  const auto failure = [&](int reason) {
    return fail(ErrorKind::Transient, "EngineNotStarted",
                fmt::format("cannot start {}: {}", program, std::strerror(reason)));
  };
  std::array<int, 2> messages{-1, -1};
  std::array<int, 2> held{-1, -1};
  if (!make_pipe(messages) || !make_pipe(held)) return failure(errno);

  arguments.insert(arguments.begin(), "penstock");
  arguments.insert(arguments.end(), {"--held-fd", std::to_string(kHeldInChild)});
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (auto& argument : arguments)
    argv.push_back(argument.data());
  argv.push_back(nullptr);

  EngineChild child;
  const SpawnPlan plan(messages[1], held[0]);
  const int refused =
      ::posix_spawn(&child.pid_, program.c_str(), &plan.actions, &plan.attributes, argv.data(), environ);
  close_end(messages[1]);
  close_end(held[0]);
  child.stderr_ = messages[0];
  child.held_ = held[1];
  if (refused != 0) {
    child.pid_ = -1;
    return failure(refused);
  }
  child.end_ = static_cast<int>(::syscall(SYS_pidfd_open, child.pid_, 0));
  return child;
}

EngineChild::EngineChild(EngineChild&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      stderr_(std::exchange(other.stderr_, -1)),
      end_(std::exchange(other.end_, -1)),
      held_(std::exchange(other.held_, -1)) {}

EngineChild::~EngineChild() {
  signal(SIGKILL);
  (void)reap();
  close_end(stderr_);
  close_end(end_);
  close_end(held_);
}

void EngineChild::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

std::string EngineChild::reap() {
  if (pid_ <= 0) return "not running";
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  if (WIFSIGNALED(status))
    return fmt::format("signal {} ({})", WTERMSIG(status), ::strsignal(WTERMSIG(status)));
  return fmt::format("exit code {}", WEXITSTATUS(status));
}

}  // namespace penstock::engine
