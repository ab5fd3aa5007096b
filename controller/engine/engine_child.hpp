#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "core/result.hpp"

namespace penstock::engine {

/// A spawned child process: its stderr to read, and a pipe that it holds the other end of, so that it can see
/// this process end. Killed and reaped by the destructor. One thread at a time: the one that spawned it,
/// which has to live as long (the child's parent-death signal follows the thread).
class EngineChild {
 public:
  /// Appends `--held-fd N` to the arguments. stdin and stdout are /dev/null, nothing else that this process
  /// has open is passed on; a process group of its own, so that a Ctrl-C at the terminal stops the parent,
  /// and the parent the child.
  [[nodiscard]] static Result<EngineChild> spawn(const std::string& program,
                                                 std::vector<std::string> arguments);
  ~EngineChild();
  EngineChild(EngineChild&& other) noexcept;
  EngineChild& operator=(EngineChild&&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// Readable when it wrote to stderr, at its end when nobody can any more.
  [[nodiscard]] int stderr_descriptor() const { return stderr_; }
  /// Readable when it has ended.
  [[nodiscard]] int end_descriptor() const { return end_; }

  void signal(int number) const;
  /// Reaps it, waiting for its end: "exit code 1", "signal 9 (Killed)".
  std::string reap();

 private:
  EngineChild() = default;

  pid_t pid_ = -1;
  int stderr_ = -1;
  int end_ = -1;
  int held_ = -1;
};

}  // namespace penstock::engine
