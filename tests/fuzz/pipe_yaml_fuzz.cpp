#include <nlohmann/json.hpp>

#include "crds/crd.hpp"
#include "crds/pipe.hpp"
#include "dataplane/clickhouse/endpoint.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace penstock {
namespace {

void read_as_pipe(const nlohmann::json& object) {
  const auto faults = validate_pipe(object, nullptr);
  for (const auto& fault : faults)
    FUZZ_REQUIRE(!fault.path.empty() && !fault.message.empty());
  const auto pipe = read_pipe(object);
  if (!pipe) FUZZ_REQUIRE(!pipe.error().message.empty());
  // A url that a manifest may have is one that the client takes.
  if (pipe && faults.empty()) FUZZ_REQUIRE(clickhouse::parse_address(pipe->spec.destination.url).has_value());
}

}  // namespace

// Manifests, as `penstock plan` reads them: of what cannot be read the place is said, and what can be read is
// judged whatever it is.
PENSTOCK_FUZZ(pipe_yaml, bytes) {
  const auto documents = yaml_documents(bytes);
  if (!documents) {
    FUZZ_REQUIRE(documents.error().reason == "InvalidYaml" && !documents.error().message.empty());
    return;
  }
  for (const auto& document : *documents) {
    const auto text = document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    FUZZ_REQUIRE(nlohmann::json::accept(text));
    read_as_pipe(document);
  }
}

}  // namespace penstock
