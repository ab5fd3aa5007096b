#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace penstock::test {

struct EngineServerOptions {
  std::string program{};                 ///< empty: engine_program()
  std::vector<std::string> arguments{};  ///< more of them for `penstock engine`
  /// Its directory is a disk of this size (in memory, gone with the process: no restart). 0: part of the
  /// machine's. See why_no_disk().
  std::size_t disk_bytes = 0;
};

/// Why an engine cannot have a disk of its own here; empty: it can.
std::string why_no_disk();

/// The penstock to run the engine with: $PENSTOCK_ENGINE_BINARY, else the one built beside the test program;
/// for a test with a sanitizer, whose penstock cannot load the engine, that of build/release or build/dev.
std::string engine_program();

/// A real ClickHouse engine behind its HTTP interface: `penstock engine` on a free port of 127.0.0.1 and a
/// directory of its own, both kept over restarts. Account `default` without a password. One for each test
/// program is enough (it starts in about 0.3 s): give each test a database of its own.
class EngineServer {
 public:
  /// Starts it and waits until /ping answers; throws std::runtime_error with its output when it does not.
  explicit EngineServer(EngineServerOptions options = {});

  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::string path() const { return directory_ / "data"; }
  [[nodiscard]] pid_t pid() const { return process_->pid(); }
  /// Leaves no room on the engine's own disk, and makes it again.
  void fill_disk();
  void make_room();
  /// What it wrote to stderr since its last start.
  [[nodiscard]] std::string log() const { return process_->err(); }

  /// SIGTERM; how it ended.
  ExitStatus stop();
  /// SIGKILL, as a crash.
  void kill9();
  /// Starts it again on the same port and directory.
  void start();
  void restart();

  /// Runs one statement by POST and returns the answer's body; throws std::runtime_error with the server's
  /// words when it fails. `parameters` are URL parameters (settings, database, param_...).
  std::string query(const std::string& sql, const std::map<std::string, std::string>& parameters = {});
  /// The answer without its last line break: for statements that give one value.
  std::string value(const std::string& sql, const std::map<std::string, std::string>& parameters = {});

  /// Each insert into the table waits so long from now on, block by block; and not any more.
  void slow_down(const std::string& database, const std::string& table, double seconds);
  void speed_up(const std::string& database, const std::string& table);

 private:
  [[nodiscard]] std::string ballast() const;

  EngineServerOptions options_;
  TempDir directory_{"penstock-engine"};
  int port_;
  std::unique_ptr<Process> process_;
};

/// The engine that the tests of this program share; started at the first call, stopped when the program ends.
EngineServer& shared_engine();

}  // namespace penstock::test
