#include "controller/adapters/slot_maker.hpp"

#include <utility>

#include "core/thread.hpp"

namespace penstock::adapters {
namespace {
/// One try; a caller that is still there begins the next.
constexpr std::chrono::hours kTry{24};
}  // namespace

SlotMaker::SlotMaker(postgres::Endpoint endpoint, std::string name, postgres::SlotKind kind)
    : endpoint_(std::move(endpoint)) {
  auto thread =
      start_thread("making a slot", [this, name = std::move(name), kind](const std::stop_token& stop) {
        postgres::SlotPatience patience{kTry, stop, [this](const Error& why) {
                                          const std::lock_guard lock(mutex_);
                                          waiting_for_ = why;
                                        }};
        auto made = postgres::create_slot(endpoint_, name, patience, kind);
        const std::lock_guard lock(mutex_);
        made_ = std::move(made);
        changed_.notify_all();
      });
  const std::lock_guard lock(mutex_);
  if (thread)
    thread_ = *std::move(thread);
  else
    made_ = fail(std::move(thread).error());
}

std::optional<Result<postgres::CreatedSlot>> SlotMaker::wait(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, limit, [this] { return made_.has_value(); });
  return std::exchange(made_, std::nullopt);
}

Error SlotMaker::waiting_for() const {
  const std::lock_guard lock(mutex_);
  return waiting_for_.value_or(
      Error{ErrorKind::Transient, "WaitingForTransactions",
            "the replication slot is being made: the source waits for open transactions",
            "Nothing needs to be done, unless one of them never ends"});
}

}  // namespace penstock::adapters
