#include "tests/unit/apiserver/test_api.hpp"

#include <gtest/gtest.h>

#include <sstream>

#include "controller/apiserver/own_objects.hpp"
#include "controller/apiserver/schema.hpp"

namespace penstock::apiserver {

namespace {

constexpr const char* kWidgetCrd = R"({
"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
"metadata": {"name": "widgets.test.dev"},
"spec": {"group": "test.dev", "scope": "Namespaced",
 "names": {"kind": "Widget", "plural": "widgets", "singular": "widget", "shortNames": ["wd"], "categories": ["all"]},
 "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
  "additionalPrinterColumns": [
   {"name": "Size", "type": "integer", "jsonPath": ".spec.size"},
   {"name": "Ready", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].status"},
   {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
   {"name": "Color", "type": "string", "jsonPath": ".spec.color", "priority": 1}],
  "schema": {"openAPIV3Schema": {"type": "object", "required": ["spec"], "description": "A thing.", "properties": {
   "spec": {"type": "object", "required": ["size"], "properties": {
    "size": {"type": "integer", "minimum": 1, "maximum": 100, "description": "How big."},
    "color": {"type": "string", "enum": ["red", "green"], "default": "red"},
    "code": {"type": "string", "pattern": "^[a-z]+$", "minLength": 2, "maxLength": 5},
    "note": {"type": "string", "nullable": true, "default": "none"},
    "ratio": {"type": "number"},
    "port": {"x-kubernetes-int-or-string": true},
    "tags": {"type": "object", "additionalProperties": {"type": "string"}, "maxProperties": 2},
    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
    "nested": {"type": "object", "default": {}, "properties": {"depth": {"type": "integer", "default": 3}}},
    "parts": {"type": "array", "maxItems": 3, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
     "items": {"type": "object", "required": ["name"], "properties": {
      "name": {"type": "string"}, "count": {"type": "integer", "default": 1}}}},
    "words": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}}}},
   "status": {"type": "object", "properties": {
    "phase": {"type": "string"},
    "conditions": {"type": "array", "items": {"type": "object", "properties": {
     "type": {"type": "string"}, "status": {"type": "string"}}}}}}}}}}]}})";

}  // namespace

const Json& widget_crd() {
  static const Json kCrd = Json::parse(kWidgetCrd);
  return kCrd;
}

ResourceType widget_type() {
  return type_of_crd(widget_crd()).value();
}

Json widget(const std::string& name) {
  return {{"apiVersion", "test.dev/v1"},
          {"kind", "Widget"},
          {"metadata", {{"name", name}}},
          {"spec", {{"size", 5}}}};
}

TestApi::TestApi() {
  reopen();
}

void TestApi::reopen(WatchWindow window) {
  api_.reset();
  store_.reset();
  auto types = core_types();
  types.push_back(widget_type());
  types.back().validator = [this](const Json& object, const Json* old) {
    return validator ? validator(object, old) : std::vector<FieldError>();
  };
  const Registry registry(std::move(types));
  auto file = StateFile::open(directory_ / "state.db");
  if (!file) throw std::runtime_error(file.error().text());
  const auto* type = registry.find_qualified("widgets.test.dev");
  auto store = Store::open(*std::move(file), window, [&](const ObjectKey& key, Json& value) {
    if (key.type == "widgets.test.dev") apply_defaults(value, type->schema);
  });
  if (!store) throw std::runtime_error(store.error().text());
  store_ = *std::move(store);
  const auto put = put_own_objects(*store_, registry, {{&widget_crd(), {}}}, clock.now());
  if (!put) throw std::runtime_error(put.error().text());
  api_ =
      std::make_unique<Api>(registry, *store_, clock, ApiSettings{Secret("token"), "127.0.0.1:1", "v1.32.0"});
}

Outcome TestApi::handle(Request request) {
  request.authorization = "Bearer token";
  return api_->handle(request);
}

Answered TestApi::send(const std::string& method, const std::string& target, const Json& body,
                       const std::string& content_type, const std::string& accept) {
  auto request = request_of(method, target).value();
  if (!body.is_null()) request.body = to_text(body);
  request.content_type = content_type;
  request.accept = accept;
  auto outcome = handle(std::move(request));
  auto& response = std::get<Response>(outcome);
  return {response.status, Json::parse(response.body, nullptr, false), response.warnings};
}

std::shared_ptr<WatchFeed> TestApi::watch(const std::string& target, const std::string& accept) {
  auto request = request_of("GET", target).value();
  request.accept = accept;
  auto outcome = handle(std::move(request));
  return std::get<WatchStart>(outcome).feed;
}

std::vector<Json> events_of(const std::string& lines) {
  std::vector<Json> events;
  std::istringstream stream(lines);
  for (std::string line; std::getline(stream, line);) {
    events.push_back(Json::parse(line));
  }
  return events;
}

}  // namespace penstock::apiserver
