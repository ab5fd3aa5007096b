#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace penstock::test {

/// The penstock that was built beside the test program.
std::string penstock_program();

struct DevServerOptions {
  std::string program{};  ///< empty: the penstock that was built beside the test program
  std::vector<std::string>
      arguments{};  ///< more of them for `penstock dev`: {"--clickhouse", "127.0.0.1:8123"}
};

/// What `kubectl get pipe -w` saw, from its start on. Ends with the API server it watches, or with the
/// object.
class StateWatch {
 public:
  explicit StateWatch(Process process) : process_(std::move(process)) {}

  /// The states in order, each once while it lasted.
  [[nodiscard]] std::vector<std::string> states() const;
  /// True as soon as `wanted` are the states seen; false after `limit`.
  [[nodiscard]] bool saw(const std::vector<std::string>& wanted, std::chrono::milliseconds limit) const;

 private:
  Process process_;
};

/// `penstock dev` on a directory and a port of its own, both kept over restarts, and kubectl
/// ($PENSTOCK_KUBECTL, else the one in PATH) pointed at it. Start it from the test's main thread: it dies
/// with the thread that did.
class DevServer {
 public:
  /// Starts it and waits until it serves; throws std::runtime_error with its output when it does not.
  explicit DevServer(DevServerOptions options = {});

  [[nodiscard]] std::string data_dir() const { return directory_ / "data"; }
  [[nodiscard]] std::string kubeconfig() const { return directory_ / "data/kubeconfig"; }
  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] pid_t pid() const { return process_->pid(); }
  [[nodiscard]] bool running() { return process_->running(); }
  /// What it wrote, since its last start and since the first one.
  [[nodiscard]] std::string log() const { return process_->out() + process_->err(); }
  [[nodiscard]] std::string all_logs() const { return earlier_logs_ + log(); }

  struct Stopped {
    ExitStatus status;
    std::chrono::milliseconds took{};
  };
  /// SIGTERM; waits at most `limit`, then kills.
  Stopped stop(std::chrono::milliseconds limit = std::chrono::seconds(20));
  void kill9();
  /// Starts it again on the same directory and port.
  void start();

  /// Runs kubectl with these arguments; `input` is its stdin. The same command again waits until a tenth of a
  /// second has passed, so that asking until something holds does not take the machine.
  [[nodiscard]] Finished kubectl(const std::vector<std::string>& arguments,
                                 const std::string& input = "") const;
  /// The same, and its stdout; throws std::runtime_error with its stderr when it fails.
  std::string must_kubectl(const std::vector<std::string>& arguments, const std::string& input = "") const;
  /// `kubectl apply -f -`; throws when it is refused.
  void apply(const std::string& yaml) const { must_kubectl({"apply", "-f", "-"}, yaml); }
  /// `kubectl patch pipe --type merge`: patch("shop", R"({"spec":{"paused":true}})").
  void patch(const std::string& pipe, const std::string& json) const;

  /// One value of a pipe: field("shop", ".status.state"). Empty where there is none, or no such pipe.
  [[nodiscard]] std::string field(const std::string& pipe, const std::string& path) const;
  [[nodiscard]] std::string state(const std::string& pipe) const { return field(pipe, ".status.state"); }
  /// "True", "False", or empty where the condition is absent; and its reason.
  [[nodiscard]] std::string condition(const std::string& pipe, const std::string& type) const;
  [[nodiscard]] std::string reason(const std::string& pipe, const std::string& type) const;
  /// True as soon as a look at the field gives `wanted`; false after `limit`.
  [[nodiscard]] bool wait_for_field(const std::string& pipe, const std::string& path,
                                    const std::string& wanted,
                                    std::chrono::milliseconds limit = std::chrono::seconds(30)) const;
  [[nodiscard]] bool wait_for_state(const std::string& pipe, const std::string& state,
                                    std::chrono::milliseconds limit = std::chrono::seconds(30)) const {
    return wait_for_field(pipe, ".status.state", state, limit);
  }
  /// True as soon as the API has no such pipe.
  [[nodiscard]] bool wait_until_gone(const std::string& pipe,
                                     std::chrono::milliseconds limit = std::chrono::seconds(30)) const;

  /// Begins to watch the pipe, which need not exist yet.
  [[nodiscard]] StateWatch watch(const std::string& pipe) const;
  /// Reasons of the pipe's events of this type ("Normal", "Warning"), in order; folded ones once.
  [[nodiscard]] std::vector<std::string> events(const std::string& pipe, const std::string& type) const;
  /// All that the API would tell anybody of a pipe: the object, its description, its events. For failure
  /// messages.
  [[nodiscard]] std::string describe(const std::string& pipe) const;

 private:
  [[nodiscard]] std::vector<std::string> with_config(const std::vector<std::string>& arguments) const;

  DevServerOptions options_;
  TempDir directory_{"penstock-dev"};
  int port_;
  std::string earlier_logs_;
  mutable std::vector<std::string> last_command_;
  mutable std::chrono::steady_clock::time_point last_answer_;
  std::unique_ptr<Process> process_;
};

}  // namespace penstock::test
