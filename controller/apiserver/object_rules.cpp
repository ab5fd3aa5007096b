#include "controller/apiserver/object_rules.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "controller/apiserver/kind_rules.hpp"
#include "controller/apiserver/metadata_rules.hpp"
#include "controller/apiserver/rfc3339.hpp"
#include "controller/apiserver/schema.hpp"

namespace penstock::apiserver {

namespace {

/// What the server alone writes into metadata.
constexpr const char* kServerFields[] = {"uid",        "creationTimestamp", "deletionTimestamp",
                                         "generation", "resourceVersion",   "deletionGracePeriodSeconds"};

/// The wanted state: all but metadata and, where it is written apart, status.
Json wanted_state(const ResourceType& type, const Json& object) {
  Json wanted = object;
  wanted.erase("metadata");
  if (type.has_status) wanted.erase("status");
  return wanted;
}

/// "spec.tables[1].target" in an object; null when the path leads nowhere.
const Json& value_at(const Json& object, std::string_view path) {
  const Json* at = &object;
  while (!path.empty()) {
    if (path.front() == '.') path.remove_prefix(1);
    if (path.starts_with("[")) {
      const auto close = std::min(path.find(']'), path.size());
      const auto inner = std::string(path.substr(1, close - 1));
      const bool number =
          !inner.empty() && inner.size() < 9 &&
          std::all_of(inner.begin(), inner.end(), [](char c) { return c >= '0' && c <= '9'; });
      const std::size_t index = number ? std::stoul(inner) : 0;
      static const Json kNothing;
      at = at->is_array() ? (number && index < at->size() ? &(*at)[index] : &kNothing) : &member(*at, inner);
      path.remove_prefix(std::min(close + 1, path.size()));
    } else {
      const auto end = std::min(path.find_first_of(".["), path.size());
      at = &member(*at, path.substr(0, end));
      path.remove_prefix(end);
    }
  }
  return *at;
}

std::vector<Cause> semantic_faults(const ResourceType& type, const Json& object, const Json* old) {
  std::vector<Cause> causes;
  if (!type.validator) return causes;
  for (const auto& error : type.validator(object, old)) {
    const Json& value = value_at(object, error.path);
    if (value.is_structured() || value.is_null()) {
      causes.push_back({"FieldValueInvalid", error.path, fmt::format("Invalid value: {}", error.message)});
    } else {
      causes.push_back(invalid_field(error.path, value, error.message));
    }
  }
  return causes;
}

Reply<void> refuse(const ResourceType& type, const Json& object, const std::vector<Cause>& causes) {
  if (causes.empty()) return {};
  return invalid(type.group, type.kind, text_of(object, {"metadata", "name"}), causes);
}

Reply<void> validate_whole(const ResourceType& type, const Json& object, const Json* old) {
  auto causes = check_metadata(type, object);
  for (auto& more : {validate(object, type.schema), check_kind(type, object, old)}) {
    causes.insert(causes.end(), more.begin(), more.end());
  }
  // Rules over several fields take the fields' own forms for granted.
  if (causes.empty()) causes = semantic_faults(type, object, old);
  return refuse(type, object, causes);
}

Reply<void> check_identity(const ResourceType& type, const Json& current, const Json& object) {
  const auto& name = text_of(current, {"metadata", "name"});
  if (const auto& sent = text_of(object, {"metadata", "name"}); sent != name) {
    return bad_request(
        fmt::format("the name of the object ({}) does not match the name on the URL ({})", sent, name));
  }
  const auto& ns = text_of(object, {"metadata", "namespace"});
  if (!ns.empty() && ns != text_of(current, {"metadata", "namespace"})) {
    return bad_request(
        "the namespace of the provided object does not match the namespace sent on the request");
  }
  const auto& uid = text_of(object, {"metadata", "uid"});
  const auto& own = text_of(current, {"metadata", "uid"});
  if (!uid.empty() && uid != own) {
    return conflict(type.subject(name),
                    fmt::format("Precondition failed: UID in precondition: {}, UID in object "
                                "meta: {}",
                                uid, own));
  }
  return {};
}

void keep_server_fields(const Json& current, Json& object) {
  Json& metadata = object["metadata"];
  for (const auto* field : kServerFields) {
    metadata.erase(field);
    if (current["metadata"].contains(field)) metadata[field] = current["metadata"][field];
  }
  metadata.erase("selfLink");
  metadata.erase("managedFields");
  if (current["metadata"].contains("namespace")) metadata["namespace"] = current["metadata"]["namespace"];
}

Reply<void> check_new_finalizers(const ResourceType& type, const Json& current, const Json& object) {
  if (!is_terminating(current)) return {};
  const Json& before = member(current, {"metadata", "finalizers"});
  std::vector<std::string> added;
  for (const auto& finalizer : member(object, {"metadata", "finalizers"})) {
    if (std::find(before.begin(), before.end(), finalizer) == before.end()) {
      added.push_back(finalizer.get<std::string>());
    }
  }
  if (added.empty()) return {};
  return refuse(
      type, object,
      {forbidden_field("metadata.finalizers",
                       fmt::format("no new finalizers can be added if the object is being deleted, found "
                                   "new finalizers {}",
                                   added))});
}

}  // namespace

bool is_terminating(const Json& object) {
  return member(object, {"metadata", "deletionTimestamp"}).is_string();
}

bool has_finalizers(const Json& object) {
  const Json& finalizers = member(object, {"metadata", "finalizers"});
  return finalizers.is_array() && !finalizers.empty();
}

bool same_object(const Json& current, const Json& next) {
  if (current.size() != next.size()) return false;
  for (const auto& [name, value] : current.items()) {
    if (!next.contains(name)) return false;
    if (name != "metadata" && next[name] != value) return false;
  }
  Json before = current["metadata"];
  Json after = next["metadata"];
  before.erase("resourceVersion");
  after.erase("resourceVersion");
  return before == after;
}

Reply<Json> object_for_create(const ResourceType& type, const std::string& ns, Json object, WallTime now) {
  Json& metadata = object["metadata"];
  if (!text_of(metadata, {"resourceVersion"}).empty()) {
    return bad_request("resourceVersion should not be set on objects to be created");
  }
  const auto& sent = text_of(metadata, {"namespace"});
  if (!sent.empty() && sent != ns) {
    return bad_request(
        "the namespace of the provided object does not match the namespace sent on the request");
  }
  for (const auto* field : kServerFields) {
    metadata.erase(field);
  }
  metadata.erase("selfLink");
  metadata.erase("managedFields");
  if (type.namespaced) metadata["namespace"] = ns;
  const auto& prefix = text_of(metadata, {"generateName"});
  if (text_of(metadata, {"name"}).empty() && !prefix.empty()) metadata["name"] = generated_name(prefix);
  if (type.has_status) object.erase("status");
  if (auto done = complete_kind(type, object, nullptr); !done) return tl::unexpected(done.error());
  if (type.custom) apply_defaults(object, type.schema);
  if (auto good = validate_whole(type, object, nullptr); !good) return tl::unexpected(good.error());
  object["metadata"]["uid"] = new_uid();
  object["metadata"]["creationTimestamp"] = rfc3339(now);
  if (type.custom) object["metadata"]["generation"] = 1;
  return object;
}

Reply<Json> object_for_update(const ResourceType& type, const Json& current, Json object) {
  if (auto good = check_identity(type, current, object); !good) return tl::unexpected(good.error());
  keep_server_fields(current, object);
  if (type.has_status) {
    object.erase("status");
    if (current.contains("status")) object["status"] = current["status"];
  }
  if (auto done = complete_kind(type, object, &current); !done) return tl::unexpected(done.error());
  if (type.custom) apply_defaults(object, type.schema);
  if (auto good = check_new_finalizers(type, current, object); !good) return tl::unexpected(good.error());
  const bool changed = wanted_state(type, current) != wanted_state(type, object);
  auto good =
      changed ? validate_whole(type, object, &current) : refuse(type, object, check_metadata(type, object));
  if (!good) return tl::unexpected(good.error());
  if (type.custom && changed) {
    const Json& generation = member(current, {"metadata", "generation"});
    object["metadata"]["generation"] =
        (generation.is_number_integer() ? generation.get<std::int64_t>() : 0) + 1;
  }
  return object;
}

Reply<Json> object_for_status_update(const ResourceType& type, const Json& current, const Json& object) {
  if (auto good = check_identity(type, current, object); !good) return tl::unexpected(good.error());
  Json next = current;
  next.erase("status");
  if (!object.contains("status")) {
    if (type.custom) apply_defaults(next, type.schema);
    return next;
  }
  const Json& schema = member(type.schema, {"properties", "status"});
  Json status = object["status"];
  apply_defaults(status, schema);
  if (auto good = refuse(type, current, validate(status, schema, "status")); !good) {
    return tl::unexpected(good.error());
  }
  next["status"] = std::move(status);
  return next;
}

Json object_for_deletion(const ResourceType& type, Json current, WallTime now) {
  Json& metadata = current["metadata"];
  metadata["deletionTimestamp"] = rfc3339(now);
  metadata["deletionGracePeriodSeconds"] = 0;
  if (type.custom && member(metadata, "generation").is_number_integer()) {
    metadata["generation"] = metadata["generation"].get<std::int64_t>() + 1;
  }
  if (type.kind == "Namespace" && !type.custom) current["status"]["phase"] = "Terminating";
  return current;
}

}  // namespace penstock::apiserver
