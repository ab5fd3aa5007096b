#include "controller/runtime/controller.hpp"

#include <fmt/format.h>

#include <exception>
#include <utility>

#include "core/log.hpp"

namespace penstock::runtime {

Controller::Controller(ControllerOptions options, Reconcile reconcile)
    : options_(std::move(options)),
      metrics_(options_.metrics != nullptr ? *options_.metrics : no_metrics()),
      reconcile_(std::move(reconcile)),
      queue_(options_.name, metrics_) {}

void Controller::start() {
  for (int i = 0; i < options_.workers; ++i) {
    threads_.emplace_back([this](const std::stop_token& stop) { work(stop); });
  }
}

void Controller::stop() {
  for (auto& thread : threads_)
    thread.request_stop();
  queue_.shut_down();
  threads_.clear();
}

void Controller::work(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto key = queue_.get();
    if (!key) return;
    if (!stop.stop_requested()) handle(*key);
    queue_.done(*key);
  }
}

void Controller::handle(const ObjectKey& key) {
  const auto begun = steady_now();
  const auto outcome = guarded_pass(key);
  const double seconds = seconds_between(begun, steady_now());
  if (outcome) {
    queue_.forget(key);
    const bool again = outcome->after > Millis{0};
    if (again) queue_.add_after(key, outcome->after);
    metrics_.reconciled(options_.name, again ? "requeue_after" : "success", seconds);
  } else if (outcome.error().kind == ErrorKind::Cancelled) {
    metrics_.reconciled(options_.name, "cancelled", seconds);
  } else {
    // Somebody else wrote first: routine, the next pass sees what.
    const auto level = outcome.error().reason == "Conflict" ? log::Level::Debug : log::Level::Warn;
    log::write(level, options_.name,
               fmt::format("{}: {} ({})", key.text(), outcome.error().text(), outcome.error().reason));
    queue_.add_rate_limited(key);
    metrics_.reconciled(options_.name, "error", seconds);
  }
}

ReconcileResult Controller::guarded_pass(const ObjectKey& key) const {
  try {
    return reconcile_(key);
  } catch (const std::exception& thrown) {
    return fail(ErrorKind::Internal, "UnexpectedException",
                "reconciling " + key.text() + " failed unexpectedly: " + thrown.what());
  } catch (...) {
    return fail(ErrorKind::Internal, "UnexpectedException",
                "reconciling " + key.text() + " failed unexpectedly");
  }
}

}  // namespace penstock::runtime
