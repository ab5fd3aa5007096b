#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "tests/support/dev_server.hpp"

namespace penstock::test {

/// Many pipes of one `penstock dev`, for many threads that each follow one: kubectl is run by one thread, for
/// all of them at once.
class PipeBoard {
 public:
  explicit PipeBoard(DevServer& dev);
  ~PipeBoard();
  PipeBoard(const PipeBoard&) = delete;
  PipeBoard& operator=(const PipeBoard&) = delete;

  /// Applies the manifest with those that others hand in at the same time. Empty: it was taken; else why not.
  std::string apply(const std::string& yaml);
  void remove(const std::string& pipe);
  bool wait_until_gone(const std::string& pipe, std::chrono::milliseconds limit) const;
  /// The object as it was when the API was last asked; null: there is none.
  [[nodiscard]] nlohmann::json pipe(const std::string& name) const;
  /// Waits until an answer that was asked for after this call satisfies the condition; false when none does
  /// within `limit`.
  bool wait(const std::string& name, const std::function<bool(const nlohmann::json&)>& condition,
            std::chrono::milliseconds limit) const;

 private:
  struct Request {
    std::string yaml;  ///< to be applied; empty: the pipe is to be deleted
    std::string pipe{};
    bool done = false;
    std::string error{};
  };

  std::string hand_in(Request wanted);
  void work();
  void apply_all(const std::deque<std::shared_ptr<Request>>& batch);
  void look();

  DevServer& dev_;
  mutable std::mutex lock_;
  mutable std::condition_variable changed_;
  std::deque<std::shared_ptr<Request>> waiting_;
  std::map<std::string, nlohmann::json> pipes_;
  std::uint64_t asked_ = 0;     ///< answers that were asked for
  std::uint64_t answered_ = 0;  ///< the number of the one in pipes_
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace penstock::test
