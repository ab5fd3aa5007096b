#include "controller/apiserver/open_sessions.hpp"

#include <utility>

namespace penstock::apiserver {

void OpenSessions::add(OpenSession* session) {
  const std::lock_guard lock(mutex_);
  sessions_.emplace(session, 0);
}

void OpenSessions::remove(OpenSession* session) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return;
  waiting_.erase(found->second);
  sessions_.erase(found);
}

void OpenSessions::waits(OpenSession* session) {
  const std::lock_guard lock(mutex_);
  auto& number = sessions_[session];
  waiting_.erase(number);
  number = ++last_number_;
  waiting_.emplace(number, session);
  if (waiting_.size() <= most_waiting_) return;
  waiting_.begin()->second->make_room();
  waiting_.erase(waiting_.begin());
}

void OpenSessions::works(OpenSession* session) {
  const std::lock_guard lock(mutex_);
  waiting_.erase(std::exchange(sessions_[session], 0));
}

void OpenSessions::end_all() {
  const std::lock_guard lock(mutex_);
  for (const auto& [session, number] : sessions_) {
    session->end();
  }
}

}  // namespace penstock::apiserver
