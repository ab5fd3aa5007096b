#pragma once

// From a body to what is stored: the rules of Kubernetes' API conventions for create, update, status update
// and deletion. Pure: what there is, what was sent and the time go in; what to store, or the error, comes
// out.

#include <string>
#include <vector>

#include "controller/apiserver/api_error.hpp"
#include "controller/apiserver/resource_type.hpp"
#include "core/clock.hpp"

namespace penstock::apiserver {

/// What to do about unknown and duplicate fields (?fieldValidation=).
enum class FieldValidation { Ignore, Warn, Strict };

/// A body that has the shape of its kind: apiVersion and kind are right, metadata is of the right types,
/// unknown fields are gone. For built-in kinds all fields have their types; a custom resource's are validated
/// later.
struct DecodedObject {
  Json object;
  std::vector<std::string> warnings;
};

/// `duplicates` are the paths of keys that the body has twice.
[[nodiscard]] Reply<DecodedObject> decode_object(const ResourceType& type, Json body,
                                                 const std::vector<std::string>& duplicates,
                                                 FieldValidation validation);

/// A new object, complete and valid. `ns` is that of the URL.
[[nodiscard]] Reply<Json> object_for_create(const ResourceType& type, const std::string& ns, Json object,
                                            WallTime now);

/// `current` changed to `object`, status aside. The part that did not change is not validated again: an
/// object stored under an older schema can still lose its finalizer.
[[nodiscard]] Reply<Json> object_for_update(const ResourceType& type, const Json& current, Json object);

/// `current` with the status of `object`.
[[nodiscard]] Reply<Json> object_for_status_update(const ResourceType& type, const Json& current,
                                                   const Json& object);

/// `current` marked as being deleted.
[[nodiscard]] Json object_for_deletion(const ResourceType& type, Json current, WallTime now);

/// True when nothing would change: all is equal but the resourceVersion.
[[nodiscard]] bool same_object(const Json& current, const Json& next);

[[nodiscard]] bool is_terminating(const Json& object);
[[nodiscard]] bool has_finalizers(const Json& object);

}  // namespace penstock::apiserver
