#include "controller/apiserver/json_path.hpp"
#include "controller/apiserver/request.hpp"
#include "controller/apiserver/selectors.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace penstock::apiserver {
namespace {

const ResourceType& secrets() {
  static const Registry kRegistry(core_types());
  return *kRegistry.find_qualified("secrets");
}

const Json& labelled() {
  static const Json kObject = Json::parse(R"({"metadata": {"name": "a", "namespace": "b",
    "labels": {"app": "shop", "tier": "gold", "n": "5"}}, "type": "Opaque",
    "items": [{"type": "Ready", "status": "True"}, {"type": "Synced"}, 7, null]})");
  return kObject;
}

}  // namespace

// What stands in a URL or in a CRD's columns: a label selector, a field selector, a JSON path, a target,
// Accept.
PENSTOCK_FUZZ(selector, bytes) {
  const auto parts = fuzz::sections(bytes, 2);
  for (const auto& selector :
       {Selector::parse(secrets(), parts[0], parts[1]), Selector::parse(secrets(), parts[0], ""),
        Selector::parse(secrets(), "", parts[0])}) {
    if (selector) {
      (void)selector->matches(labelled());
      (void)selector->matches(Json());
    } else {
      FUZZ_REQUIRE(selector.error().code == 400 && !selector.error().message.empty());
    }
  }
  if (const auto path = JsonPath::parse(parts[0])) (void)path->find(labelled());
  const auto request = request_of("GET", parts[0]);
  if (!request) FUZZ_REQUIRE(request.error().code == 400);
  if (const auto form = accepted_form(parts[0]); !form) FUZZ_REQUIRE(form.error().code == 406);
  (void)accepted_discovery(parts[0]);
  (void)accepted_openapi_v2(parts[0]);
}

}  // namespace penstock::apiserver
