#include "controller/apiserver/own_objects.hpp"

#include "controller/apiserver/metadata_rules.hpp"
#include "controller/apiserver/object_rules.hpp"
#include "controller/apiserver/rfc3339.hpp"

namespace penstock::apiserver {

namespace {

Status put(Store& store, ObjectKey key, Json value, std::uint64_t expected, WallTime now) {
  const auto stored = store.write({.key = std::move(key),
                                   .value = std::move(value),
                                   .expected_revision = expected,
                                   .urgent = true,
                                   .now = now});
  if (stored) return {};
  return fail(ErrorKind::Transient, "StateFileUnusable", stored.error().message,
              "Check the space on its disk and that it is writable");
}

Json condition(const char* type, const char* reason, const char* message, WallTime now) {
  return {{"type", type},
          {"status", "True"},
          {"reason", reason},
          {"message", message},
          {"lastTransitionTime", rfc3339(now)}};
}

/// What an API server that installed the CRD says of it.
Json crd_status(const Json& crd, WallTime now) {
  Json stored = Json::array();
  for (const auto& version : member(crd, {"spec", "versions"})) {
    if (member(version, "storage") == Json(true)) stored.push_back(member(version, "name"));
  }
  return {{"acceptedNames", member(crd, {"spec", "names"})},
          {"storedVersions", std::move(stored)},
          {"conditions",
           {condition("NamesAccepted", "NoConflicts", "no conflicts found", now),
            condition("Established", "InitialNamesAccepted", "the names have been accepted", now)}}};
}

Status put_crd(Store& store, const Json& crd, WallTime now) {
  const ObjectKey key{"customresourcedefinitions.apiextensions.k8s.io", "",
                      text_of(crd, {"metadata", "name"})};
  const auto current = store.get(key);
  if (current && member(current->value, "spec") == member(crd, "spec")) return {};
  Json object = crd;
  Json& metadata = object["metadata"];
  metadata["uid"] = current ? text_of(current->value, {"metadata", "uid"}) : new_uid();
  metadata["creationTimestamp"] =
      current ? text_of(current->value, {"metadata", "creationTimestamp"}) : rfc3339(now);
  object["status"] = crd_status(crd, now);
  return put(store, key, std::move(object), current ? current->revision : 0, now);
}

}  // namespace

Status put_own_objects(Store& store, const Registry& registry, const std::vector<CustomKind>& kinds,
                       WallTime now) {
  const auto& type = *registry.find_qualified("namespaces");
  const ObjectKey home{type.qualified(), "", "default"};
  if (!store.get(home)) {
    Json wanted{{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", "default"}}}};
    auto object = object_for_create(type, "", std::move(wanted), now);
    if (!object) return fail(ErrorKind::Internal, "Internal", object.error().message);
    PENSTOCK_TRY(put(store, home, *std::move(object), 0, now));
  }
  for (const auto& kind : kinds) {
    PENSTOCK_TRY(put_crd(store, *kind.crd, now));
  }
  return {};
}

}  // namespace penstock::apiserver
