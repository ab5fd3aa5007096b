#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <string>

#include "core/result.hpp"

namespace penstock::engine {

struct EngineProcessOptions {
  std::string path;                       ///< data directory
  std::string listen = "127.0.0.1:8123";  ///< HOST:PORT, loopback; port 0: any free one, kept over restarts
  std::string library{};                  ///< libchdb.so; empty: looked for
  std::string password_file{};            ///< empty: no password
  bool allow_sources = false;             ///< EngineOptions
  /// What has the `engine` subcommand; empty: what PENSTOCK_ENGINE_BINARY names, else this program.
  std::string program{};
  std::chrono::milliseconds start_limit{60'000};
};

/// The embedded engine as a child process (`penstock engine`): started, kept alive and stopped by this
/// object. It ends with this process, however that ends. When it dies it is started again, with back-off (0.2
/// s doubled to 10 s). Its log lines appear in ours under "engine". All methods from any thread.
class EngineProcess {
 public:
  /// Starts it and waits until it serves. Fails with the child's own words when the first start fails.
  [[nodiscard]] static Result<std::unique_ptr<EngineProcess>> start(EngineProcessOptions options);
  /// Stops it.
  ~EngineProcess();

  /// http://HOST:PORT, with the port that it really has.
  [[nodiscard]] std::string url() const;
  /// The running child, 0 while there is none.
  [[nodiscard]] pid_t pid() const;
  /// How often it had to be started again.
  [[nodiscard]] int restarts() const;

  /// SIGTERM, SIGKILL when it has not ended within `limit`; returns when it is gone. Harmless to repeat.
  void stop(std::chrono::milliseconds limit = std::chrono::milliseconds(9'000));

 private:
  struct State;
  explicit EngineProcess(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace penstock::engine
