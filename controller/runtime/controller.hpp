#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <thread>

#include "controller/runtime/metrics.hpp"
#include "controller/runtime/object.hpp"
#include "controller/runtime/work_queue.hpp"
#include "core/clock.hpp"
#include "core/result.hpp"

namespace penstock::runtime {

/// What a successful pass asks for: to be called again after `after`, or (zero) only when something changes.
struct Requeue {
  Millis after{0};
};

/// A failed pass is tried again with growing delays; one that was Cancelled is not.
using ReconcileResult = Result<Requeue>;
using Reconcile = std::function<ReconcileResult(const ObjectKey&)>;

struct ControllerOptions {
  std::string name{};                    ///< the metrics label and log component: "pipe"
  int workers = 2;                       ///< passes side by side, beside those that wait for somebody
  ControllerMetrics* metrics = nullptr;  ///< outlives the controller; null: none
};

/// Worker threads that take keys from a queue of their own and reconcile them: never two at once for one key.
/// A pass that takes long, as one that waits for a server that hangs, holds up its own key and no other:
/// while keys wait, a thread is added for each such pass, and goes when it is not needed any more. An
/// exception out of `reconcile` is logged and counts as an Internal error. `start` and `stop` belong to one
/// thread; everything else may be called from any.
class Controller {
 public:
  Controller(ControllerOptions options, Reconcile reconcile);
  ~Controller() { stop(); }
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  /// With as many workers as there are threads for; fails where there is not one.
  [[nodiscard]] Status start();
  /// Waits for the passes under way; what is still queued is dropped (the next start lists everything anew).
  void stop();

  /// Wants `key` reconciled.
  void enqueue(const ObjectKey& key) { queue_.add(key); }
  void enqueue_after(const ObjectKey& key, Millis delay) { queue_.add_after(key, delay); }
  [[nodiscard]] WorkQueue& queue() { return queue_; }
  [[nodiscard]] const WorkQueue& queue() const { return queue_; }

 private:
  struct Worker {
    std::atomic<bool> ended{false};
    std::jthread thread;
  };
  [[nodiscard]] Status add_worker();
  void supervise(const std::stop_token& stop);
  void work(Worker& self, const std::stop_token& stop);
  /// Of all threads, how many there should be now.
  [[nodiscard]] std::size_t wanted() const;
  /// Takes the calling worker out of the count, where there are more than wanted.
  [[nodiscard]] bool is_one_too_many();
  void handle(const ObjectKey& key);
  ReconcileResult guarded_pass(const ObjectKey& key) const;

  const ControllerOptions options_;
  ControllerMetrics& metrics_;
  const Reconcile reconcile_;
  WorkQueue queue_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::list<Worker> workers_;  // the supervisor's, but for `ended`
  std::atomic<std::size_t> working_{0};
  std::jthread supervisor_;
};

}  // namespace penstock::runtime
