#include "controller/adapters/metrics/controller_counters.hpp"

namespace penstock::adapters {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;
using prometheus::Histogram;

/// controller-runtime's, for controller_runtime_reconcile_time_seconds.
const Histogram::BucketBoundaries kReconcileBuckets{
    0.005, 0.01, 0.025, 0.05, 0.1,  0.15, 0.2,  0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6,
    0.7,   0.8,  0.9,   1,    1.25, 1.5,  1.75, 2,    2.5, 3,    3.5, 4,    4.5, 5,
    6,     7,    8,     9,    10,   15,   20,   25,   30,  40,   50,  60};
/// client-go's, for the work queue: powers of ten from 10 ns.
const Histogram::BucketBoundaries kQueueBuckets{1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3,
                                                0.01, 0.1,  1,    10,   100,  1000};

constexpr const char* kResults[] = {"success", "error", "requeue_after", "cancelled"};

}  // namespace

ControllerCounters::ControllerCounters(prometheus::Registry& registry)
    : depth_(BuildGauge().Name("workqueue_depth").Help("How many pipes wait for a pass?").Register(registry)),
      adds_(BuildCounter()
                .Name("workqueue_adds_total")
                .Help("How often has a pipe been put into the queue?")
                .Register(registry)),
      retries_(BuildCounter()
                   .Name("workqueue_retries_total")
                   .Help("How often has a pipe been put into the queue for a later time?")
                   .Register(registry)),
      waited_(BuildHistogram()
                  .Name("workqueue_queue_duration_seconds")
                  .Help("How long do pipes wait in the queue for a pass?")
                  .Register(registry)),
      worked_(BuildHistogram()
                  .Name("workqueue_work_duration_seconds")
                  .Help("How long does a worker keep a pipe it has taken from the queue?")
                  .Register(registry)),
      results_(BuildCounter()
                   .Name("controller_runtime_reconcile_total")
                   .Help("How do passes over pipes end?")
                   .Register(registry)),
      took_(BuildHistogram()
                .Name("controller_runtime_reconcile_time_seconds")
                .Help("How long does a pass over a pipe take?")
                .Register(registry)),
      errors_(BuildCounter()
                  .Name("controller_runtime_reconcile_errors_total")
                  .Help("How many passes over pipes have failed?")
                  .Register(registry)),
      requests_(BuildCounter()
                    .Name("rest_client_requests_total")
                    .Help("How has the Kubernetes API answered?")
                    .Register(registry)) {}

ControllerCounters::Series ControllerCounters::make(const std::string& controller) {
  const prometheus::Labels queue{{"name", controller}, {"controller", controller}};
  const prometheus::Labels one{{"controller", controller}};
  for (const auto* result : kResults)
    results_.Add({{"controller", controller}, {"result", result}});
  return {depth_.Add(queue),
          adds_.Add(queue),
          retries_.Add(queue),
          waited_.Add(queue, kQueueBuckets),
          worked_.Add(queue, kQueueBuckets),
          took_.Add(one, kReconcileBuckets),
          errors_.Add(one)};
}

ControllerCounters::Series& ControllerCounters::of(std::string_view controller) {
  const std::lock_guard lock(mutex_);
  if (const auto known = series_.find(controller); known != series_.end()) return known->second;
  std::string name(controller);
  auto fresh = make(name);
  return series_.emplace(std::move(name), fresh).first->second;
}

void ControllerCounters::queue_depth(std::string_view queue, std::size_t depth) {
  of(queue).depth.Set(static_cast<double>(depth));
}

void ControllerCounters::queue_added(std::string_view queue) {
  of(queue).adds.Increment();
}

void ControllerCounters::queue_retried(std::string_view queue) {
  of(queue).retries.Increment();
}

void ControllerCounters::queue_waited(std::string_view queue, double seconds) {
  of(queue).waited.Observe(seconds);
}

void ControllerCounters::queue_worked(std::string_view queue, double seconds) {
  of(queue).worked.Observe(seconds);
}

void ControllerCounters::reconciled(std::string_view controller, std::string_view result, double seconds) {
  auto& series = of(controller);
  series.took.Observe(seconds);
  results_.Add({{"controller", std::string(controller)}, {"result", std::string(result)}}).Increment();
  if (result == "error") series.errors.Increment();
}

void ControllerCounters::request_answered(std::string_view code, std::string_view method,
                                          std::string_view host) {
  requests_.Add({{"code", std::string(code)}, {"method", std::string(method)}, {"host", std::string(host)}})
      .Increment();
}

}  // namespace penstock::adapters
