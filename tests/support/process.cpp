#include "tests/support/process.hpp"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "tests/support/sanitizer.hpp"

extern char** environ;

namespace penstock::test {
namespace {

using std::chrono::milliseconds;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr milliseconds kPollStep{5};
constexpr milliseconds kLongestPoll{250};

struct Pipe {
  int read = -1;
  int write = -1;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe: " + std::string(strerror(errno)));
  return {ends[0], ends[1]};
}

void close_end(int& end) {
  if (end >= 0) ::close(end);
  end = -1;
}

// Everything exec needs, made before fork: between fork and exec only async-signal-safe calls are allowed.
struct Launch {
  std::string program;
  std::vector<std::string> words;
  std::vector<std::string> variables;
  std::string directory;
  uid_t uid = 0;
  gid_t gid = 0;
  bool change_user = false;
  bool die_with_test = true;
  pid_t parent = ::getpid();

  std::vector<char*> argv;
  std::vector<char*> envp;

  Launch(const std::string& name, const ProcessOptions& options)
      : program(locate(name)),
        words(options.arguments),
        directory(options.working_directory),
        die_with_test(options.die_with_test) {
    words.insert(words.begin(), program);
    for (char** entry = environ; *entry != nullptr; ++entry) {
      const std::string text = *entry;
      if (!options.environment.contains(text.substr(0, text.find('=')))) variables.push_back(text);
    }
    for (const auto& [key, value] : options.environment)
      variables.push_back(key + "=" + value);
    for (auto& word : words)
      argv.push_back(word.data());
    argv.push_back(nullptr);
    for (auto& variable : variables)
      envp.push_back(variable.data());
    envp.push_back(nullptr);
    if (options.user) look_up(*options.user);
  }

  static std::string locate(const std::string& name) {
    if (name.find('/') != std::string::npos) return name;
    const char* path = ::getenv("PATH");
    std::string rest = path != nullptr ? path : "/usr/bin:/bin";
    while (!rest.empty()) {
      const auto colon = rest.find(':');
      std::string candidate = rest.substr(0, colon) + "/" + name;
      if (::access(candidate.c_str(), X_OK) == 0) return candidate;
      rest = colon == std::string::npos ? "" : rest.substr(colon + 1);
    }
    throw std::runtime_error(name + " is not in PATH");
  }

  void look_up(const std::string& user) {
    const passwd* account = ::getpwnam(user.c_str());
    if (account == nullptr) throw std::runtime_error("no account named " + user);
    uid = account->pw_uid;
    gid = account->pw_gid;
    change_user = ::getuid() != uid;
  }

  // In the child. Never returns: 126 and a word on stderr when something is refused.
  [[noreturn]] void exec(int in, int out, int err) const {
    ::dup2(in, STDIN_FILENO);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(err, STDERR_FILENO);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    // A shell without job control starts what it puts in the background with these ignored, and a script that
    // is started so cannot trap them.
    ::signal(SIGINT, SIG_DFL);
    ::signal(SIGQUIT, SIG_DFL);
    if (change_user && (::setgroups(0, nullptr) != 0 || ::setgid(gid) != 0 || ::setuid(uid) != 0)) {
      give_up("cannot change to the account");
    }
    if (!directory.empty() && ::chdir(directory.c_str()) != 0) give_up("cannot enter the working directory");
    if (die_with_test) {  // after setuid, which clears it
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != parent) ::_exit(126);
    }
    ::execve(program.c_str(), argv.data(), envp.data());
    give_up("cannot execute the program");
  }

  [[noreturn]] static void give_up(const char* why) {
    const auto written = ::write(STDERR_FILENO, why, std::strlen(why));
    ::_exit(written < 0 ? 125 : 126);
  }
};

void feed(int end, const std::string& input) {
  // A child that does not read its input must not kill the test with SIGPIPE.
  sigset_t pipe_signal;
  ::sigemptyset(&pipe_signal);
  ::sigaddset(&pipe_signal, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &pipe_signal, nullptr);
  std::size_t sent = 0;
  while (sent < input.size()) {
    const auto count = ::write(end, input.data() + sent, input.size() - sent);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    sent += static_cast<std::size_t>(count);
  }
  ::close(end);
}

ExitStatus from_wait(int status) {
  if (WIFSIGNALED(status)) return {0, WTERMSIG(status)};
  return {WEXITSTATUS(status), 0};
}

bool holds_a_sanitizers_report(const std::string& text) {
  for (const char* words :
       {"ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "WARNING: ThreadSanitizer", ": runtime error: "})
    if (text.find(words) != std::string::npos) return true;
  return false;
}

}  // namespace

struct Process::State {
  pid_t pid = -1;
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<ExitStatus> status;
  std::string out;
  std::string err;
  bool drained = false;
  int out_end = -1;
  int err_end = -1;
  int wake_read = -1;  // closing wake_write ends the draining thread even when a grandchild holds the output
  int wake_write = -1;
  std::thread drainer;
  std::thread feeder;

  ~State() {
    if (!reap()) {
      ::kill(pid, SIGKILL);
      wait_until_reaped();
    }
    close_end(wake_write);
    if (drainer.joinable()) drainer.join();
    if (feeder.joinable()) feeder.join();
    close_end(wake_read);
    // A test that kills its children and goes on would pass; and after the last test no expectation counts.
    if (!holds_a_sanitizers_report(err)) return;
    std::cerr << err << "\na child of this test program was reported by a sanitizer\n";
    std::abort();
  }

  bool reap() {
    const std::lock_guard lock(mutex);
    if (status) return true;
    int raw = 0;
    if (::waitpid(pid, &raw, WNOHANG) == pid) status = from_wait(raw);
    return status.has_value();
  }

  void wait_until_reaped() {
    while (!reap())
      std::this_thread::sleep_for(kPollStep);
  }

  void drain() {
    std::array<pollfd, 3> ends{{{out_end, POLLIN, 0}, {err_end, POLLIN, 0}, {wake_read, POLLIN, 0}}};
    while (ends[0].fd >= 0 || ends[1].fd >= 0) {
      if (::poll(ends.data(), ends.size(), -1) < 0 && errno != EINTR) break;
      const bool woken = ends[2].revents != 0;
      const bool more_out = read_some(ends[0], out);
      const bool more_err = read_some(ends[1], err);
      if (woken && !more_out && !more_err) break;
    }
    close_end(out_end);
    close_end(err_end);
    const std::lock_guard lock(mutex);
    drained = true;
    changed.notify_all();
  }

  bool read_some(pollfd& end, std::string& into) {
    if (end.fd < 0 || end.revents == 0) return false;
    std::array<char, 65536> buffer{};
    const auto count = ::read(end.fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) return true;
    if (count <= 0) {
      end.fd = -1;
      return false;
    }
    const std::lock_guard lock(mutex);
    into.append(buffer.data(), static_cast<std::size_t>(count));
    changed.notify_all();
    return true;
  }

  // A child that has ended wrote its last words before: give the drainer the moment it needs to read them.
  void wait_drained(milliseconds limit) {
    std::unique_lock lock(mutex);
    changed.wait_for(lock, limit, [this] { return drained; });
  }
};

Process::Process(const std::string& program, ProcessOptions options) : state_(std::make_shared<State>()) {
  const Launch launch(program, options);
  Pipe in = make_pipe();
  Pipe out = make_pipe();
  Pipe err = make_pipe();
  const Pipe wake = make_pipe();
  const pid_t child = ::fork();
  if (child == 0) launch.exec(in.read, out.write, err.write);
  close_end(in.read);
  close_end(out.write);
  close_end(err.write);
  if (child < 0) throw std::runtime_error("fork: " + std::string(strerror(errno)));
  state_->pid = child;
  state_->out_end = out.read;
  state_->err_end = err.read;
  state_->wake_read = wake.read;
  state_->wake_write = wake.write;
  State* const state = state_.get();  // its destructor joins both threads
  state->drainer = std::thread([state] { state->drain(); });
  state->feeder = std::thread([end = in.write, input = std::move(options.input)] { feed(end, input); });
}

Process::~Process() = default;
Process::Process(Process&&) noexcept = default;
Process& Process::operator=(Process&&) noexcept = default;

pid_t Process::pid() const {
  return state_->pid;
}

bool Process::running() {
  return !state_->reap();
}

std::optional<ExitStatus> Process::wait(milliseconds limit) {
  if (!eventually([this] { return state_->reap(); }, limit)) return std::nullopt;
  state_->wait_drained(milliseconds(500));
  const std::lock_guard lock(state_->mutex);
  return state_->status;
}

void Process::signal(int number) {
  if (running()) ::kill(state_->pid, number);
}

ExitStatus Process::stop(milliseconds limit) {
  signal(SIGTERM);
  if (const auto status = wait(limit)) return *status;
  return kill();
}

ExitStatus Process::kill() {
  signal(SIGKILL);
  state_->wait_until_reaped();
  return *wait(milliseconds(0));
}

std::string Process::out() const {
  const std::lock_guard lock(state_->mutex);
  return state_->out;
}

std::string Process::err() const {
  const std::lock_guard lock(state_->mutex);
  return state_->err;
}

bool Process::wait_for_output(const std::string& text, milliseconds limit) {
  std::unique_lock lock(state_->mutex);
  const auto seen = [&] {
    return state_->out.find(text) != std::string::npos || state_->err.find(text) != std::string::npos;
  };
  state_->changed.wait_for(lock, limit * kPatience, [&] { return seen() || state_->drained; });
  return seen();
}

Finished run(const std::string& program, ProcessOptions options, milliseconds limit) {
  Process process(program, std::move(options));
  Finished finished;
  if (const auto status = process.wait(limit)) {
    finished.status = *status;
  } else {
    finished.timed_out = true;
    finished.status = process.kill();
  }
  finished.out = process.out();
  finished.err = process.err();
  return finished;
}

bool eventually(const std::function<bool()>& condition, milliseconds limit) {
  using std::chrono::steady_clock;
  const SteadyTime deadline = steady_clock::now() + limit * kPatience;
  while (true) {
    const SteadyTime asked = steady_clock::now();
    if (condition()) return true;
    const SteadyTime now = steady_clock::now();
    if (now >= deadline) return false;
    // What is asked for by kubectl costs the tests beside more than it costs this one to wait.
    const auto took = std::chrono::duration_cast<milliseconds>(now - asked);
    std::this_thread::sleep_for(std::clamp(took * 2, kPollStep, kLongestPoll));
  }
}

}  // namespace penstock::test
