#include "controller/kube/kube_event_sink.hpp"

#include <nlohmann/json.hpp>

#include "core/utf8.hpp"
#include "crds/time_text.hpp"

namespace penstock::kube {
namespace {

/// Of an Event, as Kubernetes validates them (pkg/apis/core/validation/events.go).
constexpr std::size_t kLongestReason = 128;
constexpr std::size_t kLongestMessage = 1024;

std::string namespace_of(const runtime::Event& event) {
  return event.object.ns.empty() ? "default" : event.object.ns;
}

}  // namespace

Status KubeEventSink::create(const runtime::Event& event) {
  const nlohmann::json object = {
      {"apiVersion", "v1"},
      {"kind", "Event"},
      {"metadata", {{"name", event.name}, {"namespace", namespace_of(event)}}},
      {"involvedObject",
       {{"apiVersion", event.object.api_version},
        {"kind", event.object.kind},
        {"namespace", event.object.ns},
        {"name", event.object.name},
        {"uid", event.object.uid}}},
      {"type", runtime::text_of(event.type)},
      {"reason", shortened(event.reason, kLongestReason)},
      {"message", shortened(event.message, kLongestMessage)},
      {"count", event.count},
      {"firstTimestamp", to_rfc3339(event.first)},
      {"lastTimestamp", to_rfc3339(event.last)},
      {"source", {{"component", component_}}},
      {"reportingComponent", component_},
      {"reportingInstance", instance_},
  };
  PENSTOCK_TRY(client_.create(events(), object));
  return {};
}

Status KubeEventSink::update(const runtime::Event& event) {
  nlohmann::json patch = {{"count", event.count},
                          {"message", shortened(event.message, kLongestMessage)},
                          {"lastTimestamp", to_rfc3339(event.last)}};
  PENSTOCK_TRY(client_.merge_patch(events(), {namespace_of(event), event.name}, std::move(patch)));
  return {};
}

}  // namespace penstock::kube
