#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "controller/runtime/metrics.hpp"
#include "controller/runtime/object.hpp"
#include "controller/runtime/rate_limit.hpp"
#include "controller/runtime/steady_time.hpp"
#include "core/clock.hpp"

namespace penstock::runtime {

/// Keys that want work, for any number of producers and workers; the semantics are those of client-go's
/// rate-limiting queue (k8s.io/client-go/util/workqueue):
/// - a key is in the queue at most once, however often it was added;
/// - a key is with at most one worker; added meanwhile, it is handed out again after `done`;
/// - `add_after` and `add_rate_limited` add later; a key that waits twice is added at the earlier time;
/// - once shut down, nothing more is taken in, what is queued is still handed out, then `get` answers
/// nothing. Every method may be called from any thread.
class WorkQueue {
 public:
  explicit WorkQueue(std::string name, ControllerMetrics& metrics = no_metrics(), SteadyNow now = steady_now);

  void add(const ObjectKey& key);
  /// A delay of zero or less adds at once.
  void add_after(const ObjectKey& key, Millis delay);
  /// After a failure: adds once the RetryLimiter allows.
  void add_rate_limited(const ObjectKey& key);
  /// After a success: the next failure of the key starts from the shortest delay.
  void forget(const ObjectKey& key);
  [[nodiscard]] int failures(const ObjectKey& key) const;

  /// Waits for a key; nothing means that the queue is shut down and empty. Each key got is to be given back
  /// by `done`, once.
  [[nodiscard]] std::optional<ObjectKey> get();
  /// `get` that does not wait.
  [[nodiscard]] std::optional<ObjectKey> poll();
  void done(const ObjectKey& key);

  void shut_down();
  /// Shuts down and waits until every key that a worker has is given back.
  void shut_down_and_drain();

  /// Keys ready to be handed out; those that wait for their time are not counted.
  [[nodiscard]] std::size_t size() const;

  /// What workers have in hand.
  struct InWork {
    std::size_t keys = 0;
    double seconds = 0;  ///< for how long, all of them added up
    double longest = 0;  ///< for how long the one that was got first
  };
  [[nodiscard]] InWork in_work() const;
  /// Keys that have been with their workers for longer than this.
  [[nodiscard]] std::size_t in_work_longer_than(Millis time) const;

 private:
  void add_locked(const ObjectKey& key, SteadyTime now);
  void add_after_locked(const ObjectKey& key, Millis delay);
  void enqueue_locked(const ObjectKey& key);
  void release_due_locked(SteadyTime now);
  std::optional<ObjectKey> take_locked();

  const std::string name_;
  ControllerMetrics& metrics_;
  const SteadyNow now_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<ObjectKey> queue_;                     // to be handed out, in order
  std::map<ObjectKey, SteadyTime> dirty_;           // wants work, and since when
  std::map<ObjectKey, SteadyTime> processing_;      // with a worker, and since when
  std::map<ObjectKey, SteadyTime> waiting_;         // to be added later
  std::set<std::pair<SteadyTime, ObjectKey>> due_;  // the same, by time
  RetryLimiter retries_;
  bool shutting_down_ = false;
};

}  // namespace penstock::runtime
