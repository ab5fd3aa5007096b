#pragma once

#include <cstddef>
#include <string_view>

namespace penstock::runtime {

/// What the runtime counts, under the names that existing dashboards expect of a controller (given at each
/// method). Implemented where Prometheus is known; this class itself counts nothing, so it serves as "none".
/// Called from any thread, often under a lock: be quick, never call back.
class ControllerMetrics {
 public:
  virtual ~ControllerMetrics() = default;

  /// workqueue_depth{name}
  virtual void queue_depth(std::string_view /*queue*/, std::size_t /*depth*/) {}
  /// workqueue_adds_total{name}
  virtual void queue_added(std::string_view /*queue*/) {}
  /// workqueue_retries_total{name}
  virtual void queue_retried(std::string_view /*queue*/) {}
  /// workqueue_queue_duration_seconds{name}: how long a key lay in the queue
  virtual void queue_waited(std::string_view /*queue*/, double /*seconds*/) {}
  /// workqueue_work_duration_seconds{name}: from get to done
  virtual void queue_worked(std::string_view /*queue*/, double /*seconds*/) {}
  /// controller_runtime_reconcile_total{controller,result} with result success | error | requeue_after |
  /// cancelled, and controller_runtime_reconcile_time_seconds{controller}
  virtual void reconciled(std::string_view /*controller*/, std::string_view /*result*/, double /*seconds*/) {}
  /// rest_client_requests_total{code,method,host}; `code` is "<error>" when no answer came
  virtual void request_answered(std::string_view /*code*/, std::string_view /*method*/,
                                std::string_view /*host*/) {}
};

/// One that counts nothing.
[[nodiscard]] inline ControllerMetrics& no_metrics() {
  static ControllerMetrics none;
  return none;
}

}  // namespace penstock::runtime
