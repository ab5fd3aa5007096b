#pragma once

#include <algorithm>
#include <chrono>
#include <stop_token>

#include "core/result.hpp"

namespace penstock {

/// How long a call may wait for a server. Part of an endpoint, so that every wait for that server is bounded
/// by it, and no part of which server it is: any two are equal. Copies share their tokens.
struct CallLimits {
  /// For the answer to one statement, but for those that last by nature (a drop of a large table); 0: as long
  /// as the server is at work on it.
  std::chrono::milliseconds answer{0};
  /// Requested: somebody waits for the call to end. Whether a silent server is at work is asked after
  /// kHurriedSilence, instead of its silence limit.
  std::stop_token hurry{};
  /// Requested: every wait ends at once with kind Cancelled. What was sent may be carried out.
  std::stop_token stop{};

  static constexpr std::chrono::milliseconds kHurriedSilence{2'000};
  /// For asking whether a silent server is at work, while somebody waits.
  static constexpr std::chrono::milliseconds kHurriedLook{3'000};

  /// How long a server may be silent before it is asked whether it is at work.
  [[nodiscard]] std::chrono::milliseconds silence(std::chrono::milliseconds usual) const {
    return hurry.stop_requested() ? std::min(usual, kHurriedSilence) : usual;
  }
  /// For one answer that comes at once from every server that is well; `usual`: where nothing else is said.
  [[nodiscard]] std::chrono::milliseconds look(std::chrono::milliseconds usual) const {
    const auto limit = answer.count() > 0 ? std::min(usual, answer) : usual;
    return hurry.stop_requested() ? std::min(limit, kHurriedLook) : limit;
  }
  friend bool operator==(const CallLimits&, const CallLimits&) { return true; }
};

/// Of a call that was stopped by its CallLimits.
[[nodiscard]] inline tl::unexpected<Error> interrupted(const std::string& doing) {
  return fail(ErrorKind::Cancelled, "Cancelled", doing + " was cancelled");
}

}  // namespace penstock
