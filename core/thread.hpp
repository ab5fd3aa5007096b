#pragma once

#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "core/result.hpp"

namespace penstock {

/// ThreadNotStarted (Transient): "cannot start a thread: …".
[[nodiscard]] Error thread_not_started(const std::string& purpose, const std::system_error& why);

/// Runs `body` on a thread of its own, which ends with the handle: `body` may take a std::stop_token. Fails
/// where the system has none to give (RLIMIT_NPROC, pids.max of the cgroup, memory): nothing is to end of it,
/// for what runs already goes on, and somebody's thread ends sooner or later. The one way that threads begin.
template <typename Body>
[[nodiscard]] Result<std::jthread> start_thread(const std::string& purpose, Body&& body) {
  try {
    return std::jthread(std::forward<Body>(body));
  } catch (const std::system_error& why) {
    return fail(thread_not_started(purpose, why));
  }
}

}  // namespace penstock
