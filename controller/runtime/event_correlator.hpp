#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "controller/runtime/rate_limit.hpp"
#include "controller/runtime/steady_time.hpp"
#include "core/clock.hpp"

namespace penstock::runtime {

enum class EventType { Normal, Warning };
[[nodiscard]] constexpr std::string_view text_of(EventType type) {
  return type == EventType::Normal ? "Normal" : "Warning";
}

/// The object that an event is about (core/v1 ObjectReference).
struct ObjectReference {
  std::string api_version;  ///< "penstock.dev/v1alpha1"
  std::string kind;         ///< "Pipe"
  std::string ns;
  std::string name;
  std::string uid;

  auto operator<=>(const ObjectReference&) const = default;
};

/// A core/v1 Event as it is written.
struct Event {
  std::string name;  ///< unique in the namespace
  ObjectReference object;
  EventType type = EventType::Normal;
  std::string reason;   ///< CamelCase, at most 128 characters
  std::string message;  ///< at most 1024 bytes
  int count = 1;
  WallTime first{};
  WallTime last{};

  bool operator==(const Event&) const = default;
};

/// What to do with an event: write it as a new one, or raise the count of one written before.
struct CorrelatedEvent {
  Event event;
  bool is_new = true;
};

/// Keeps a failing pipe from flooding the API, by the rules of client-go's EventCorrelator:
/// - an event equal to an earlier one raises that one's count;
/// - from the tenth different message on, within ten minutes, those of one object, type and reason are folded
///   into one event "(combined from similar events): …";
/// - an object may have 25 in a burst, then one per five minutes; the rest is dropped.
/// Remembers a bounded number of events. Not thread-safe.
class EventCorrelator {
 public:
  /// Nothing: drop it. `now` is for the rates, `wall` for the timestamps.
  [[nodiscard]] std::optional<CorrelatedEvent> correlate(const ObjectReference& object, EventType type,
                                                         std::string reason, std::string message,
                                                         SteadyTime now, WallTime wall);

 private:
  struct Kind {  // what makes events similar
    ObjectReference object;
    EventType type;
    std::string reason;
    auto operator<=>(const Kind&) const = default;
  };
  struct Messages {
    std::set<std::string> different;
    SteadyTime last{};
  };
  struct Written {
    Event event;
    SteadyTime last{};
  };
  struct Allowance {
    TokenBucket bucket{1.0 / 300.0, 25.0};
    SteadyTime last{};
  };

  [[nodiscard]] bool folds(const Kind& kind, const std::string& message, SteadyTime now);

  std::map<Kind, Messages> similar_;
  std::map<std::pair<Kind, std::string>, Written> written_;  // by message; "" for the folded one
  std::map<ObjectReference, Allowance> allowances_;
};

}  // namespace penstock::runtime
