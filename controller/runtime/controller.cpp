#include "controller/runtime/controller.hpp"

#include <fmt/format.h>

#include <exception>
#include <utility>

#include "core/log.hpp"
#include "core/thread.hpp"

namespace penstock::runtime {
namespace {
/// A pass that takes longer waits for somebody.
constexpr Millis kLong{250};
constexpr Millis kSupervised{100};
}  // namespace

Controller::Controller(ControllerOptions options, Reconcile reconcile)
    : options_(std::move(options)),
      metrics_(options_.metrics != nullptr ? *options_.metrics : no_metrics()),
      reconcile_(std::move(reconcile)),
      queue_(options_.name, metrics_) {}

Status Controller::start() {
  Status added;
  for (int i = 0; i < options_.workers && added; ++i)
    added = add_worker();
  if (workers_.empty()) return added;
  PENSTOCK_ASSIGN(supervisor_, start_thread("watching over passes",
                                            [this](const std::stop_token& stop) { supervise(stop); }));
  return {};
}

void Controller::stop() {
  supervisor_.request_stop();
  if (supervisor_.joinable()) supervisor_.join();
  for (auto& worker : workers_)
    worker.thread.request_stop();
  queue_.shut_down();
  workers_.clear();
  working_ = 0;
}

Status Controller::add_worker() {
  auto& worker = workers_.emplace_back();
  auto started =
      start_thread("reconciling", [this, &worker](const std::stop_token& stop) { work(worker, stop); });
  if (!started) {
    workers_.pop_back();
    log::warn(options_.name, "going on with {} threads: {}", working_.load(), started.error().message);
    return fail(std::move(started).error());
  }
  worker.thread = *std::move(started);
  ++working_;
  return {};
}

std::size_t Controller::wanted() const {
  return static_cast<std::size_t>(options_.workers) + queue_.in_work_longer_than(kLong);
}

bool Controller::is_one_too_many() {
  auto now = working_.load();
  while (now > wanted())
    if (working_.compare_exchange_weak(now, now - 1)) return true;
  return false;
}

void Controller::supervise(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, stop, kSupervised, [&] { return stop.stop_requested(); })) {
    std::erase_if(workers_, [](const Worker& worker) { return worker.ended.load(); });
    for (auto waiting = queue_.size(); waiting > 0 && working_ < wanted(); --waiting)
      if (!add_worker()) break;
  }
}

void Controller::work(Worker& self, const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto key = queue_.get();
    if (!key) return;
    if (!stop.stop_requested()) handle(*key);
    queue_.done(*key);
    if (is_one_too_many()) break;
  }
  self.ended = true;
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
