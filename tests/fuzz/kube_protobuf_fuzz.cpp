#include "controller/apiserver/kube_protobuf.hpp"
#include "controller/apiserver/protobuf.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace penstock::apiserver {

// The bytes as a body, and as what follows a body's beginning. What is read is an object of JSON.
PENSTOCK_FUZZ(kube_protobuf, bytes) {
  for (const std::string& body : {std::string(bytes), std::string("k8s\0", 4) + std::string(bytes)}) {
    const auto object = read_kube_protobuf(body);
    if (!object) {
      FUZZ_REQUIRE(object.error().code == 400 || object.error().code == 415);
      continue;
    }
    FUZZ_REQUIRE(object->is_object() && depth_of(*object) <= kMaxDepth);
    FUZZ_REQUIRE(parse_json(to_text(*object)).has_value());
  }
  ProtoReader reader(bytes);
  std::size_t fields = 0;
  while (const auto field = reader.next()) {
    FUZZ_REQUIRE(++fields <= bytes.size());
    FUZZ_REQUIRE(field->bytes.empty() ||
                 (field->bytes.data() >= bytes.data() && field->bytes.end() <= bytes.end()));
  }
}

}  // namespace penstock::apiserver
