#include "controller/apiserver/patch.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace penstock::apiserver {
namespace {

void check(PatchKind kind, const Json& object, const Json& patch) {
  const auto patched = apply_patch(kind, object, patch);
  if (!patched) {
    FUZZ_REQUIRE(patched.error().code == 400 || patched.error().code == 422);
    FUZZ_REQUIRE(!patched.error().message.empty());
    return;
  }
  FUZZ_REQUIRE(depth_of(*patched) <= kMaxDepth);
  const auto again = parse_json(to_text(*patched));
  FUZZ_REQUIRE(again && again->value == *patched);
  // A merge says what the outcome has: the second time there is nothing left to do.
  if (kind == PatchKind::Merge) FUZZ_REQUIRE(apply_patch(kind, *patched, patch) == patched);
}

}  // namespace

// An object and a patch, in two sections. What comes out can be written and read, and is nested no deeper
// than what may come in.
PENSTOCK_FUZZ(json_patch, bytes) {
  const auto parts = fuzz::sections(bytes, 2);
  const auto object = parse_json(parts[0]);
  const auto patch = parse_json(parts[1]);
  if (!object || !patch) return;
  for (const auto kind : {PatchKind::Operations, PatchKind::Merge, PatchKind::Strategic})
    check(kind, object->value, patch->value);
}

}  // namespace penstock::apiserver
