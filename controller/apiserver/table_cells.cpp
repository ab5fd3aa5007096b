#include <fmt/format.h>

#include <algorithm>

#include "controller/apiserver/table.hpp"

namespace penstock::apiserver {

namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

std::size_t size_of(const Json& object, std::string_view field) {
  const Json& value = member(object, field);
  return value.is_object() ? value.size() : 0;
}

const Json& first_set(const Json& object, std::initializer_list<std::string_view> one,
                      std::initializer_list<std::string_view> other) {
  const Json& value = member(object, one);
  return value.is_null() ? member(object, other) : value;
}

/// LAST SEEN TYPE REASON OBJECT SUBOBJECT SOURCE MESSAGE FIRST SEEN COUNT NAME, as Kubernetes fills them.
std::vector<Json> event_cells(const Json& event, WallTime now) {
  const Json& first = first_set(event, {"firstTimestamp"}, {"eventTime"});
  const Json& series_seen = member(event, {"series", "lastObservedTime"});
  const Json& plain_seen = first_set(event, {"lastTimestamp"}, {"eventTime"});
  const Json& last = series_seen.is_null() ? (plain_seen.is_null() ? first : plain_seen) : series_seen;
  const auto& kind = text_of(event, {"involvedObject", "kind"});
  const auto& name = text_of(event, {"involvedObject", "name"});
  const auto& component = text_of(event, {"source", "component"});
  const auto& host = text_of(event, {"source", "host"});
  const auto source = component.empty() ? text_of(event, {"reportingComponent"}) : component;
  const Json& count = first_set(event, {"series", "count"}, {"count"});
  std::string message = text_of(event, {"message"});
  message.erase(message.find_last_not_of(" \t\r\n") + 1);
  return {age_of(last, now),
          text_of(event, {"type"}),
          text_of(event, {"reason"}),
          name.empty() ? lower(kind) : fmt::format("{}/{}", lower(kind), name),
          text_of(event, {"involvedObject", "fieldPath"}),
          host.empty() ? source : fmt::format("{}, {}", source, host),
          message,
          age_of(first, now),
          count.is_number() ? count : Json(1),
          text_of(event, {"metadata", "name"})};
}

}  // namespace

std::vector<Json> core_cells(const ResourceType& type, const Json& object, WallTime now) {
  const Json name = text_of(object, {"metadata", "name"});
  const Json& created = member(object, {"metadata", "creationTimestamp"});
  const Json age = age_of(created, now);
  if (type.kind == "Event") return event_cells(object, now);
  if (type.kind == "Namespace") return {name, text_of(object, {"status", "phase"}), age};
  if (type.kind == "Secret") return {name, text_of(object, {"type"}), size_of(object, "data"), age};
  if (type.kind == "ConfigMap") return {name, size_of(object, "data") + size_of(object, "binaryData"), age};
  if (type.kind == "Lease") return {name, text_of(object, {"spec", "holderIdentity"}), age};
  return {name, created};
}

}  // namespace penstock::apiserver
