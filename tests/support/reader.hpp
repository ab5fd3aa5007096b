#pragma once

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/engine_server.hpp"

namespace penstock::test {

/// Somebody who asks the engine the same question all the time, as long as the object lives.
class Reader {
 public:
  Reader(EngineServer& engine, std::string database, std::string sql);
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  /// Asks once more, so that what holds now is among the answers, and stops. The answers in order, each once
  /// while it lasted; an error as "error: " and its text.
  std::vector<std::string> answers();

 private:
  void ask();

  EngineServer& engine_;
  std::string database_;
  std::string sql_;
  std::atomic<bool> done_{false};
  std::vector<std::string> answers_;  ///< the thread's, until it is joined
  std::thread thread_;
};

}  // namespace penstock::test
