#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "core/clock.hpp"
#include "reconcilers/pipe/plan.hpp"
#include "reconcilers/pipe/ports.hpp"

namespace penstock::reconcile {

/// Brings pipes to what their manifests say: observe → record → plan → record → act, until there is nothing
/// to do. Different pipes may be reconciled by different threads at once; one pipe only by one.
class PipeReconciler {
 public:
  /// `worker`: only pipes that were given to this worker are touched. All three outlive the reconciler.
  PipeReconciler(PipeApi& api, Dataplane& dataplane, const Clock& clock, std::string worker);

  /// When to look again (zero: when something changes). Conflicts and an unreachable API are errors; what
  /// goes wrong with the pipe itself is not: it is recorded in its status and tried again.
  [[nodiscard]] Result<Millis> reconcile(Pipe pipe);
  /// The Pipe is not in the API any more.
  void forget(const std::string& uid);

 private:
  [[nodiscard]] View observe(const Pipe& pipe, Credentials& credentials);
  /// Writes the status when it differs, with its events, to the log as well; `pipe` follows.
  [[nodiscard]] Status record(Pipe& pipe, PipeStatus status, const Decision& decision);
  /// The Secrets as they are; for a Pipe that is being deleted, as they were (they often go with it).
  [[nodiscard]] Result<Credentials> credentials_of(const Pipe& pipe);
  void note_run(const Pipe& pipe, View& view);
  void note_failure(const Pipe& pipe, const View& view, const Decision& decision, const Error& error);

  [[nodiscard]] std::optional<Retry> retry_of(const std::string& uid);
  void set_retry(const std::string& uid, std::optional<Retry> retry);

  PipeApi& api_;
  Dataplane& dataplane_;
  const Clock& clock_;
  std::string worker_;
  std::mutex mutex_;
  std::map<std::string, Retry> retries_;            // by uid
  std::map<std::string, Credentials> credentials_;  // by uid: the last that could be read
};

}  // namespace penstock::reconcile
