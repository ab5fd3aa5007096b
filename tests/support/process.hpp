#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace penstock::test {

/// What to start. `program` is looked up in PATH when it holds no slash.
struct ProcessOptions {
  std::vector<std::string> arguments{};              ///< without the program's own name
  std::map<std::string, std::string> environment{};  ///< added to, or replacing, what the test has
  std::string working_directory{};                   ///< empty: the test's
  std::optional<std::string> user{};                 ///< run as this account (a test that is root only)
  std::string input{};                               ///< what the child reads on stdin, then end of file
  bool die_with_test = true;  ///< the kernel kills the child when the thread that started it
                              ///< ends: start long-lived ones from the main thread
};

/// How a child ended: an exit code, or the signal that killed it.
struct ExitStatus {
  int code = 0;
  int signal = 0;

  bool operator==(const ExitStatus&) const = default;
  [[nodiscard]] bool ok() const { return code == 0 && signal == 0; }
};

/// A child process whose output is captured as it comes. Killed and reaped by the destructor. The methods may
/// be called from any thread; stdout and stderr are drained by a thread, so a child never blocks on a full
/// pipe.
class Process {
 public:
  /// Starts it; throws std::runtime_error when it cannot be started (the test then fails with that text).
  Process(const std::string& program, ProcessOptions options);
  ~Process();
  Process(Process&&) noexcept;
  Process& operator=(Process&&) noexcept;

  [[nodiscard]] pid_t pid() const;
  [[nodiscard]] bool running();

  /// How it ended, or nothing when it still runs after `limit`.
  std::optional<ExitStatus> wait(std::chrono::milliseconds limit);
  void signal(int number);
  /// SIGTERM, then SIGKILL when it has not ended after `limit`.
  ExitStatus stop(std::chrono::milliseconds limit = std::chrono::seconds(10));
  /// SIGKILL, reaped on return.
  ExitStatus kill();

  /// All that was written until now.
  [[nodiscard]] std::string out() const;
  [[nodiscard]] std::string err() const;
  /// True as soon as stdout or stderr holds `text`; false after `limit`, or when the child ended without it.
  bool wait_for_output(const std::string& text, std::chrono::milliseconds limit);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// A finished child.
struct Finished {
  ExitStatus status;
  bool timed_out = false;  ///< it was killed for not ending in time
  std::string out;
  std::string err;

  [[nodiscard]] bool ok() const { return status.ok() && !timed_out; }
};

/// Starts it and waits for its end, at most `limit`.
Finished run(const std::string& program, ProcessOptions options,
             std::chrono::milliseconds limit = std::chrono::seconds(60));

/// Asks `condition` every few milliseconds until it holds; false when it does not within `limit`.
bool eventually(const std::function<bool()>& condition,
                std::chrono::milliseconds limit = std::chrono::seconds(10));

/// A port of 127.0.0.1 that nobody listens on, and that no other caller of this function on the machine was
/// given lately. Prefer port 0 where the server can tell which one it got.
int free_port();

/// Resident memory of a process in bytes; 0 when it is gone. `peak` is its high-water mark.
std::size_t resident_bytes(pid_t pid);
std::size_t peak_resident_bytes(pid_t pid);

}  // namespace penstock::test
