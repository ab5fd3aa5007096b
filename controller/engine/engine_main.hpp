#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace penstock::engine {

/// What `penstock engine` is started with.
struct EngineOptions {
  std::string path;                       ///< the data directory; made when absent; one process at a time
  std::string listen = "127.0.0.1:8123";  ///< HOST:PORT, loopback only; port 0 takes any free one
  std::string library;                    ///< libchdb.so; empty: looked for (chdb_library.hpp)
  std::string password_file;              ///< what all accounts need (read_password_file); empty: none
  bool allow_sources = false;             ///< statements may use files, networks and other servers as sources
  std::vector<std::string> profiles;      ///< USER:SETTING=VALUE, more than once for one user (Profiles)
  int held_descriptor = -1;               ///< end when this descriptor reaches its end: the parent is gone
  int max_statements = 16;                ///< at once; requests beyond wait
  std::chrono::milliseconds patience{20'000};  ///< how long they wait before error 202
};

/// Serves the embedded ClickHouse engine over HTTP until SIGTERM or SIGINT, then stops cleanly within
/// seconds; ends at once, losing nothing acknowledged, when the held descriptor does. Answers the exit code,
/// 0 after a clean stop. Takes the process over: working directory, HOME, signal mask. Call it from main,
/// before threads start.
int run_engine(const EngineOptions& options);

}  // namespace penstock::engine
