#pragma once

#include "controller/apiserver/api_error.hpp"
#include "controller/apiserver/json.hpp"

namespace penstock::apiserver {

/// How a PATCH body changes an object.
enum class PatchKind {
  Operations,  ///< RFC 6902, a list of operations
  Merge,       ///< RFC 7386, null deletes
  Strategic,   ///< Kubernetes' own, for built-in kinds: merge patch, but finalizers and ownerReferences are
               ///< merged
};

/// `object` with the patch applied. 400 when the patch is not of its form, 422 when it does not fit the
/// object. What comes out may be any JSON: the caller reads it as it reads a body.
[[nodiscard]] Reply<Json> apply_patch(PatchKind kind, const Json& object, const Json& patch);

}  // namespace penstock::apiserver
