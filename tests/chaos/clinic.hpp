#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <random>
#include <shared_mutex>
#include <string>
#include <vector>

#include "tests/chaos/sick_server.hpp"
#include "tests/chaos/watched_pipes.hpp"
#include "tests/support/dev_server.hpp"
#include "tests/support/engine_server.hpp"
#include "tests/support/postgres_server.hpp"

namespace penstock::chaos {

struct Options {
  std::chrono::seconds duration{60};
  std::uint64_t seed = 1;
  int pipes = 20;
};

/// What was seen to go wrong, and how long things took. Any thread.
class Findings {
 public:
  void fault(const std::string& words);
  void took(const std::string& what, std::chrono::milliseconds time);
  [[nodiscard]] int faults() const;
  void print() const;

 private:
  mutable std::mutex mutex_;
  int faults_ = 0;
  std::map<std::string, std::vector<std::chrono::milliseconds>> times_;
};

/// Pipes of one `penstock dev` on five servers, some of which are sick for a while: two ways to one
/// PostgreSQL, and three to one engine.
class Clinic {
 public:
  explicit Clinic(const Options& options);

  /// All pipes are made and stream; false when they do not.
  bool open();
  /// Servers fall ill and get well, pipes are paused, resumed and deleted, rows change: as long as wanted.
  void run();
  /// Everybody is well again: all pipes are ready, and all rows are the same.
  void close();
  [[nodiscard]] const Findings& findings() const { return findings_; }

 private:
  static constexpr int kSources = 2, kDestinations = 3;
  struct Server {
    std::unique_ptr<SickServer> proxy;
    std::shared_mutex mutex;  ///< shared: who does something that needs the server to stay well
  };
  struct OnePipe {
    std::string name;
    Server* source = nullptr;
    Server* destination = nullptr;
    std::mutex mutex;  ///< who does something to it
  };

  [[nodiscard]] nlohmann::json manifest(const OnePipe& pipe) const;
  void fall_ill(std::mt19937_64& random);
  void expect_told(const Server& server, Sickness sickness);
  void operate(std::mt19937_64& random);
  void pause_and_resume(OnePipe& pipe);
  void remove_and_create(OnePipe& pipe);
  void write_rows(std::mt19937_64& random);
  [[nodiscard]] bool time_is_up() const;

  const Options options_;
  const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  test::PostgresServer postgres_;
  test::EngineServer engine_;
  test::DevServer dev_;
  std::vector<std::unique_ptr<Server>> servers_;  // sources first
  std::vector<std::unique_ptr<OnePipe>> pipes_;
  Findings findings_;
  std::unique_ptr<WatchedPipes> api_;
  std::chrono::steady_clock::time_point until_;
};

}  // namespace penstock::chaos
