#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "controller/adapters/metrics/pipe_meter.hpp"
#include "controller/runtime/metrics.hpp"
#include "controller/runtime/work_queue.hpp"
#include "crds/pipe.hpp"

namespace penstock::adapters {

/// A controller as a scrape looks at it. Both functions read memory and do not wait; any thread.
struct ControllerView {
  std::string name;  ///< as runtime::ControllerOptions has it
  int workers = 0;   ///< passes that it may run side by side
  std::function<runtime::WorkQueue::InWork()> in_work;
  std::function<std::vector<Pipe>()> pipes;  ///< as they are stored, those that are ours to tell of
};

/// All that /metrics tells (docs/metrics.md). What is counted is kept here; what can be looked up is looked
/// up at each scrape, so that the series of a Pipe go with it. Thread-safe.
class Metrics {
 public:
  explicit Metrics(const std::string& version);
  ~Metrics();

  /// To be handed to whatever counts: a controller, the Kubernetes client.
  [[nodiscard]] runtime::ControllerMetrics& controller();
  /// To be handed to whatever measures pipes.
  [[nodiscard]] PipeMeter& meter();

  /// From now on scrapes look at `view`, instead of an earlier one, until hide(), which waits for those under
  /// way.
  void show(ControllerView view);
  void hide();

  /// What a scrape is answered: Prometheus' text format, version 0.0.4.
  [[nodiscard]] std::string text() const;

 private:
  struct Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::adapters
