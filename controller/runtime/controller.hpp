#pragma once

#include <functional>
#include <string>
#include <thread>
#include <vector>

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
  std::string name{};  ///< the metrics label and log component: "pipe"
  int workers = 2;
  ControllerMetrics* metrics = nullptr;  ///< outlives the controller; null: none
};

/// Worker threads that take keys from a queue of their own and reconcile them: never two at once for one key.
/// An exception out of `reconcile` is logged and counts as an Internal error. `start` and `stop` belong to
/// one thread; everything else may be called from any.
class Controller {
 public:
  Controller(ControllerOptions options, Reconcile reconcile);
  ~Controller() { stop(); }
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  void start();
  /// Waits for the passes under way; what is still queued is dropped (the next start lists everything anew).
  void stop();

  /// Wants `key` reconciled.
  void enqueue(const ObjectKey& key) { queue_.add(key); }
  void enqueue_after(const ObjectKey& key, Millis delay) { queue_.add_after(key, delay); }
  [[nodiscard]] WorkQueue& queue() { return queue_; }
  [[nodiscard]] const WorkQueue& queue() const { return queue_; }

 private:
  void work(const std::stop_token& stop);
  void handle(const ObjectKey& key);
  ReconcileResult guarded_pass(const ObjectKey& key) const;

  const ControllerOptions options_;
  ControllerMetrics& metrics_;
  const Reconcile reconcile_;
  WorkQueue queue_;
  std::vector<std::jthread> threads_;
};

}  // namespace penstock::runtime
