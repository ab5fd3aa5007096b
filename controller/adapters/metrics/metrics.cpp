#include "controller/adapters/metrics/metrics.hpp"

#include <prometheus/gauge.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <mutex>
#include <utility>

#include "controller/adapters/metrics/controller_counters.hpp"
#include "controller/adapters/metrics/pipe_samples.hpp"
#include "core/utf8.hpp"

namespace penstock::adapters {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

MetricFamily family_of(const PipeMetricInfo& info) {
  return {info.name, info.question, info.counts ? MetricType::Counter : MetricType::Gauge, {}};
}

ClientMetric metric_of(const Pipe& pipe, const Sample& sample) {
  const auto& info = info_of(sample.metric);
  ClientMetric out;
  out.label = {{"namespace", pipe.ns}, {"name", pipe.name}};
  for (std::size_t i = 0; i < sample.labels.size(); ++i)
    out.label.push_back({info.labels.at(i), valid_utf8(sample.labels[i])});
  (info.counts ? out.counter.value : out.gauge.value) = sample.value;
  return out;
}

MetricFamily family_of(const std::vector<SeenSlot>& orphaned) {
  MetricFamily out{kOrphanedSlotMetric, kOrphanedSlotQuestion, MetricType::Gauge, {}};
  for (const auto& slot : orphaned) {
    ClientMetric metric;
    metric.label = {{"server", slot.server}, {"database", slot.database}, {"slot", slot.name}};
    metric.gauge.value = static_cast<double>(slot.retained_bytes);
    out.metric.push_back(std::move(metric));
  }
  return out;
}

MetricFamily gauge_of(const char* name, const char* question, const std::string& controller, double value) {
  ClientMetric metric;
  metric.label = {{"controller", controller}};
  metric.gauge.value = value;
  return {name, question, MetricType::Gauge, {metric}};
}

/// Looks at a controller and its pipes when it is asked.
class LiveView {
 public:
  void show(std::optional<ControllerView> view) {
    const std::lock_guard lock(mutex_);
    view_ = std::move(view);
  }
  PipeMeter& meter() { return meter_; }

  std::vector<MetricFamily> collect() const {
    const std::lock_guard lock(mutex_);
    if (!view_) return {};
    auto out = pipes();
    add_controller(out);
    std::erase_if(out, [](const auto& family) { return family.metric.empty(); });
    return out;
  }

 private:
  std::vector<MetricFamily> pipes() const {
    std::vector<MetricFamily> out;
    for (const auto& info : kPipeMetrics)
      out.push_back(family_of(info));
    const auto pipes = view_->pipes();
    std::vector<SeenSlot> slots;
    for (const auto& pipe : pipes) {
      const auto measures = meter_.of(pipe.uid);
      for (const auto& sample : samples_of(pipe, measures))
        out[static_cast<std::size_t>(sample.metric)].metric.push_back(metric_of(pipe, sample));
      // One that has failed does not look at its source any more.
      if (pipe.status.state == PipeState::Failed) continue;
      slots.insert(slots.end(), measures.slots_of_pipes.begin(), measures.slots_of_pipes.end());
    }
    out.push_back(family_of(orphaned(slots, pipes)));
    return out;
  }

  void add_controller(std::vector<MetricFamily>& out) const {
    const auto work = view_->in_work();
    const auto add = [&](const char* name, const char* question, double value) {
      out.push_back(gauge_of(name, question, view_->name, value));
    };
    add("controller_runtime_active_workers", "How many passes are under way?",
        static_cast<double>(work.keys));
    add("controller_runtime_max_concurrent_reconciles", "How many passes may be under way at once?",
        view_->workers);
    add("workqueue_unfinished_work_seconds", "For how long have the passes under way been at it, added up?",
        work.seconds);
    add("workqueue_longest_running_processor_seconds",
        "For how long has the longest pass under way been at it?", work.longest);
    for (std::size_t i = out.size() - 2; i < out.size(); ++i)
      out[i].metric[0].label.push_back({"name", view_->name});
  }

  mutable std::mutex mutex_;
  std::optional<ControllerView> view_;
  PipeMeter meter_;
};

}  // namespace

struct Metrics::Impl {
  prometheus::Registry registry;
  LiveView live;
  ControllerCounters counters{registry};
};

Metrics::Metrics(const std::string& version) : impl_(std::make_unique<Impl>()) {
  prometheus::BuildGauge()
      .Name("penstock_build_info")
      .Help("Which version of Penstock is this? Always 1.")
      .Register(impl_->registry)
      .Add({{"version", version}})
      .Set(1);
}

Metrics::~Metrics() = default;

runtime::ControllerMetrics& Metrics::controller() {
  return impl_->counters;
}

PipeMeter& Metrics::meter() {
  return impl_->live.meter();
}

void Metrics::show(ControllerView view) {
  impl_->counters.expect(view.name);
  impl_->live.show(std::move(view));
}

void Metrics::hide() {
  impl_->live.show(std::nullopt);
}

std::string Metrics::text() const {
  auto families = impl_->registry.Collect();
  for (auto& family : impl_->live.collect())
    families.push_back(std::move(family));
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace penstock::adapters
