#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "controller/runtime/event_correlator.hpp"
#include "core/clock.hpp"
#include "core/result.hpp"

namespace penstock::runtime {

/// Where events are written; called by one thread.
class EventSink {
 public:
  virtual ~EventSink() = default;
  [[nodiscard]] virtual Status create(const Event& event) = 0;
  /// Sets count, message and last time of an event written before; reason "NotFound" when it has expired.
  [[nodiscard]] virtual Status update(const Event& event) = 0;
};

struct EventRecorderOptions {
  std::size_t queue_limit = 1000;  ///< events that wait to be written; past it new ones are dropped
  int attempts = 12;               ///< per event, while the failure is one that waiting cures
  Millis between_attempts{10'000};
};

/// Tells users what happened to an object, as Kubernetes Events: one per transition, one per failure.
/// Correlated (see EventCorrelator) and written by a thread of its own: recording never waits for the API
/// server. An event that cannot be written is lost, with a line in the log.
class EventRecorder {
 public:
  /// `sink` and `clock` outlive the recorder.
  EventRecorder(EventSink& sink, const Clock& clock, EventRecorderOptions options = {});
  /// Writes what is queued as long as the sink answers well, without retries.
  ~EventRecorder();
  EventRecorder(const EventRecorder&) = delete;
  EventRecorder& operator=(const EventRecorder&) = delete;

  /// Any thread. `message` must hold no secret.
  void record(const ObjectReference& object, EventType type, std::string reason, std::string message);
  void normal(const ObjectReference& object, std::string reason, std::string message) {
    record(object, EventType::Normal, std::move(reason), std::move(message));
  }
  void warning(const ObjectReference& object, std::string reason, std::string message) {
    record(object, EventType::Warning, std::move(reason), std::move(message));
  }

 private:
  /// With the mutex held. Where there is no thread to have, the next record tries again.
  void begin_writing();
  void run(const std::stop_token& stop);
  void write(const CorrelatedEvent& next, const std::stop_token& stop);

  EventSink& sink_;
  const Clock& clock_;
  const EventRecorderOptions options_;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  EventCorrelator correlator_;
  std::deque<CorrelatedEvent> queue_;
  std::jthread thread_;  // last: the first to be destroyed
};

}  // namespace penstock::runtime
