#include "dataplane/pipeline/lock_watch.hpp"

#include "core/log.hpp"

namespace penstock::pipeline {

void LockWatch::enter(int session, std::chrono::milliseconds patience) {
  const std::lock_guard lock(mutex_);
  watched_[session] = {patience, std::nullopt};
}

bool LockWatch::leave(int session) {
  const std::lock_guard lock(mutex_);
  const auto left = watched_.extract(session);
  return left && left.mapped().ended;
}

bool LockWatch::has_ended(int session) const {
  const std::lock_guard lock(mutex_);
  const auto at = watched_.find(session);
  return at != watched_.end() && at->second.ended;
}

bool LockWatch::anybody_there() const {
  const std::lock_guard lock(mutex_);
  return !watched_.empty();
}

void LockWatch::look() {
  if (!anybody_there()) return;
  const auto waited_for = present_.sessions_waited_for();
  if (!waited_for) return;  // whoever reads will learn what is wrong with the source
  const auto now = std::chrono::steady_clock::now();
  const std::lock_guard lock(mutex_);
  for (auto& [session, its] : watched_) {
    if (!waited_for->contains(session)) {
      its.waited_for_since.reset();
    } else if (!its.waited_for_since) {
      its.waited_for_since = now;
    } else if (!its.ended && now - *its.waited_for_since >= its.patience) {
      // Under the mutex, so that it is not a later session that is ended, nor one that is done.
      its.ended = present_.end_session(session).has_value();
      log::debug("load", "a session of the load, pid {}, makes way for another's lock", session);
    }
  }
}

}  // namespace penstock::pipeline
