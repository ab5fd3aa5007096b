#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "core/result.hpp"
#include "dataplane/postgres/slot.hpp"

namespace penstock::adapters {

/// Makes a slot on a thread of its own: the server waits for every open transaction first, for hours perhaps,
/// and no pass may wait that long. One caller at a time.
class SlotMaker {
 public:
  SlotMaker(postgres::Endpoint endpoint, std::string name, postgres::SlotKind kind);
  SlotMaker(const SlotMaker&) = delete;
  SlotMaker& operator=(const SlotMaker&) = delete;

  /// The slot, or why there is none, at most once; nullopt: still waiting after `limit`.
  [[nodiscard]] std::optional<Result<postgres::CreatedSlot>> wait(std::chrono::milliseconds limit);
  [[nodiscard]] const postgres::Endpoint& endpoint() const { return endpoint_; }
  /// What the server waits for: WaitingForTransactions (Transient), naming the sessions where they are known.
  [[nodiscard]] Error waiting_for() const;

 private:
  const postgres::Endpoint endpoint_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Result<postgres::CreatedSlot>> made_;
  std::optional<Error> waiting_for_;
  std::jthread thread_;  // last: ends first, by its stop token
};

}  // namespace penstock::adapters
