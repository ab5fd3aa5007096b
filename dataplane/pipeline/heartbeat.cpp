#include "dataplane/pipeline/heartbeat.hpp"

#include "core/thread.hpp"

namespace penstock::pipeline {

Status Heartbeat::start() {
  PENSTOCK_ASSIGN(thread_, start_thread("the heartbeat of a stream",
                                        [this](const std::stop_token& stop) { beat(stop); }));
  return {};
}

void Heartbeat::set_away(bool away) {
  const std::lock_guard lock(mutex_);
  away_ = away;
  changed_.notify_all();
}

void Heartbeat::beat(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    changed_.wait(lock, stop, [this] { return away_; });
    if (changed_.wait_for(lock, stop, stream_.beat_every() / 2, [this] { return !away_; })) continue;
    // What fails here fails for the reader, too, who says so.
    if (!stop.stop_requested()) static_cast<void>(stream_.beat());
  }
}

}  // namespace penstock::pipeline
