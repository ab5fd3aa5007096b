#include "controller/runtime/event_recorder.hpp"

#include <utility>

#include "core/log.hpp"
#include "core/thread.hpp"

namespace penstock::runtime {
namespace {

constexpr const char* kLogName = "events";

bool worth_retrying(const Error& error) {
  return error.kind == ErrorKind::Transient || error.kind == ErrorKind::InDoubt;
}

}  // namespace

EventRecorder::EventRecorder(EventSink& sink, const Clock& clock, EventRecorderOptions options)
    : sink_(sink), clock_(clock), options_(options) {
  const std::lock_guard lock(mutex_);
  begin_writing();
}

void EventRecorder::begin_writing() {
  if (thread_.joinable()) return;
  auto thread = start_thread("writing Events", [this](const std::stop_token& stop) { run(stop); });
  if (thread)
    thread_ = *std::move(thread);
  else
    log::warn(kLogName, "{}", thread.error().text());
}

EventRecorder::~EventRecorder() {
  thread_.request_stop();
}

void EventRecorder::record(const ObjectReference& object, EventType type, std::string reason,
                           std::string message) {
  const std::lock_guard lock(mutex_);
  if (queue_.size() >= options_.queue_limit) {
    log::warn(kLogName, "dropped {} of {}/{}: too many events wait to be written", reason, object.ns,
              object.name);
    return;
  }
  auto next =
      correlator_.correlate(object, type, std::move(reason), std::move(message), steady_now(), clock_.now());
  if (!next) return;
  queue_.push_back(*std::move(next));
  begin_writing();
  changed_.notify_one();
}

void EventRecorder::run(const std::stop_token& stop) {
  for (;;) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, stop, [this] { return !queue_.empty(); });
    if (queue_.empty()) return;
    const auto next = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    write(next, stop);
  }
}

void EventRecorder::write(const CorrelatedEvent& next, const std::stop_token& stop) {
  bool create = next.is_new;
  for (int attempt = 1;; ++attempt) {
    auto written = create ? sink_.create(next.event) : sink_.update(next.event);
    if (written) return;
    if (!create && written.error().reason == "NotFound") {
      create = true;
      continue;
    }
    // An earlier attempt whose answer was lost did arrive.
    if (create && attempt > 1 && written.error().reason == "AlreadyExists") return;
    if (attempt >= options_.attempts || stop.stop_requested() || !worth_retrying(written.error())) {
      log::warn(kLogName, "event {} of {}/{} was not written: {}", next.event.reason, next.event.object.ns,
                next.event.object.name, written.error().text());
      if (!stop.stop_requested()) return;
      const std::lock_guard lock(mutex_);
      queue_.clear();  // the server does not answer, and we are to end
      return;
    }
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, stop, options_.between_attempts, [] { return false; });
  }
}

}  // namespace penstock::runtime
