#include "controller/runtime/event_correlator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string_view>
#include <utility>

namespace penstock::runtime {
namespace {

constexpr std::size_t kFoldFrom = 10;
constexpr std::chrono::minutes kFoldWithin{10};
constexpr std::size_t kRemembered = 4096;
constexpr std::size_t kLongestMessage = 1024;

/// Cuts at a character's boundary: the API refuses invalid UTF-8.
std::string shortened(std::string message) {
  if (message.size() <= kLongestMessage) return message;
  static constexpr std::string_view kDots = "...";
  std::size_t end = kLongestMessage - kDots.size();
  while (end > 0 && (static_cast<unsigned char>(message[end]) & 0xC0) == 0x80)
    --end;
  message.resize(end);
  return message.append(kDots);
}

/// The entry under `key`, made when absent; the one that was not used for the longest time makes room.
template <typename Map>
typename Map::mapped_type& remember(Map& map, const typename Map::key_type& key, SteadyTime now) {
  if (map.size() >= kRemembered && !map.contains(key)) {
    map.erase(std::min_element(map.begin(), map.end(), [](const auto& left, const auto& right) {
      return left.second.last < right.second.last;
    }));
  }
  auto& entry = map[key];
  if (entry.last == SteadyTime{}) entry.last = now;
  return entry;
}

constexpr std::size_t kLongestName = 253;

/// FNV-1a, to tell apart names that begin alike.
std::uint32_t hash_of(std::string_view text) {
  std::uint32_t hash = 2166136261U;
  for (const char c : text)
    hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return hash;
}

/// As client-go names them: the object's name and the time in hexadecimal, unique for a process that does not
/// record two events about one object within a microsecond. Of a name too long for that, its beginning and a
/// hash.
std::string event_name(const ObjectReference& object, WallTime wall) {
  const auto nanos = std::chrono::duration_cast<std::chrono::nanoseconds>(wall.time_since_epoch()).count();
  auto name = fmt::format("{}.{:x}", object.name, nanos);
  if (name.size() <= kLongestName) return name;
  const auto end = fmt::format("-{:08x}.{:x}", hash_of(object.name), nanos);
  auto begin = object.name.substr(0, kLongestName - end.size());
  // "a.-b" would be no name.
  begin.resize(begin.find_last_not_of(".-") + 1);
  return begin + end;
}

}  // namespace

bool EventCorrelator::folds(const Kind& kind, const std::string& message, SteadyTime now) {
  auto& messages = remember(similar_, kind, now);
  if (now - messages.last > kFoldWithin) messages.different.clear();
  messages.last = now;
  if (messages.different.size() < kFoldFrom) messages.different.insert(message);
  return messages.different.size() >= kFoldFrom;
}

std::optional<CorrelatedEvent> EventCorrelator::correlate(const ObjectReference& object, EventType type,
                                                          std::string reason, std::string message,
                                                          SteadyTime now, WallTime wall) {
  message = shortened(std::move(message));
  const Kind kind{object, type, reason};
  const bool folded = folds(kind, message, now);
  if (folded) message = shortened("(combined from similar events): " + message);

  auto& written = remember(written_, {kind, folded ? std::string{} : message}, now);
  const bool is_new = written.event.name.empty();
  if (is_new) written.event = {event_name(object, wall), object, type, std::move(reason), {}, 0, wall, wall};
  written.event.message = std::move(message);
  ++written.event.count;
  written.event.last = wall;
  written.last = now;

  auto& allowance = remember(allowances_, object, now);
  allowance.last = now;
  if (!allowance.bucket.try_take(now)) {
    // Never written, so that the next of its kind must not raise the count of something that is not there.
    if (is_new) written_.erase({kind, folded ? std::string{} : written.event.message});
    return std::nullopt;
  }
  return CorrelatedEvent{written.event, is_new};
}

}  // namespace penstock::runtime
