#pragma once

// runtime::ControllerMetrics on prometheus-cpp. Includes it: for the files of this folder alone.

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <map>
#include <mutex>
#include <string>

#include "controller/runtime/metrics.hpp"

namespace penstock::adapters {

/// Counts under the names that controller-runtime and client-go use, with their buckets. Thread-safe.
class ControllerCounters final : public runtime::ControllerMetrics {
 public:
  /// Registers its families; the registry outlives it.
  explicit ControllerCounters(prometheus::Registry& registry);

  /// Makes all series of a controller, at zero, so that the first error is an increase.
  void expect(std::string_view controller) { of(controller); }

  void queue_depth(std::string_view queue, std::size_t depth) override;
  void queue_added(std::string_view queue) override;
  void queue_retried(std::string_view queue) override;
  void queue_waited(std::string_view queue, double seconds) override;
  void queue_worked(std::string_view queue, double seconds) override;
  void reconciled(std::string_view controller, std::string_view result, double seconds) override;
  void request_answered(std::string_view code, std::string_view method, std::string_view host) override;

 private:
  template <typename Metric>
  using Family = prometheus::Family<Metric>;

  /// The series of one controller, whose queue has its name.
  struct Series {
    prometheus::Gauge& depth;
    prometheus::Counter& adds;
    prometheus::Counter& retries;
    prometheus::Histogram& waited;
    prometheus::Histogram& worked;
    prometheus::Histogram& took;
    prometheus::Counter& errors;
  };
  Series& of(std::string_view controller);
  Series make(const std::string& controller);

  Family<prometheus::Gauge>& depth_;
  Family<prometheus::Counter>& adds_;
  Family<prometheus::Counter>& retries_;
  Family<prometheus::Histogram>& waited_;
  Family<prometheus::Histogram>& worked_;
  Family<prometheus::Counter>& results_;
  Family<prometheus::Histogram>& took_;
  Family<prometheus::Counter>& errors_;
  Family<prometheus::Counter>& requests_;

  std::mutex mutex_;
  std::map<std::string, Series, std::less<>> series_;  // by controller
};

}  // namespace penstock::adapters
