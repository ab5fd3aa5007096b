#include <fmt/format.h>

#include "controller/apiserver/api.hpp"
#include "core/log.hpp"

namespace penstock::apiserver {

namespace {

/// What a DELETE says: in its body, or in the query.
Reply<bool> is_dry_run(const Request& request, const Json& options) {
  const Json& listed = member(options, "dryRun");
  const auto text = listed.is_array() && !listed.empty() && listed.front().is_string()
                        ? listed.front().get<std::string>()
                        : request.param("dryRun");
  if (!text.empty() && text != "All") {
    return bad_request(fmt::format("dryRun: Unsupported value: \"{}\": supported values: \"All\"", text));
  }
  return text == "All";
}

Reply<void> check_preconditions(const ResourceType& type, const Json& current, const Json& options) {
  const auto& name = text_of(current, {"metadata", "name"});
  for (const auto* field : {"uid", "resourceVersion"}) {
    const auto& wanted = text_of(options, {"preconditions", field});
    const auto& is = text_of(current, {"metadata", field});
    if (wanted.empty() || wanted == is) continue;
    return conflict(type.subject(name),
                    fmt::format("Precondition failed: {0} in precondition: {1}, {0} in object "
                                "meta: {2}",
                                field, wanted, is));
  }
  return {};
}

Json success(const ResourceType& type, const Json& removed) {
  Json details{{"name", text_of(removed, {"metadata", "name"})},
               {"kind", type.plural},
               {"uid", text_of(removed, {"metadata", "uid"})}};
  if (!type.group.empty()) details["group"] = type.group;
  return {{"kind", "Status"},
          {"apiVersion", "v1"},
          {"metadata", Json::object()},
          {"status", "Success"},
          {"details", std::move(details)}};
}

}  // namespace

/// Answers the object while something still holds it, and a Status once it is gone.
Reply<Json> Api::remove_object(const ResourcePath& path, const Json& options, bool dry_run) {
  const auto& type = *path.type;
  const bool is_namespace = type.qualified() == "namespaces";
  if (is_namespace && path.name == "default") {
    return forbidden(type.subject(path.name), "this namespace may not be deleted");
  }
  while (true) {
    const auto current = store_.get(path.key());
    if (!current) return not_found(type.subject(path.name));
    if (auto good = check_preconditions(type, current->value, options); !good)
      return tl::unexpected(good.error());
    const bool held = is_namespace || has_finalizers(current->value);
    if (held && is_terminating(current->value)) return current->value;
    auto next = held ? object_for_deletion(type, current->value, clock_.now()) : current->value;
    if (dry_run) return held ? next : success(type, current->value);
    const auto stored = store_.write({.key = path.key(),
                                      .value = std::move(next),
                                      .expected_revision = current->revision,
                                      .remove = !held,
                                      .now = clock_.now()});
    if (stored) return held ? (*stored)->value : success(type, (*stored)->value);
    if (stored.error().kind != WriteFailure::Kind::Stale) return error_of(stored.error(), type, path.key());
  }
}

Api::Answer Api::remove(const Request& request, const ResourcePath& path) {
  Json options = Json::object();
  if (!request.body.empty()) {
    auto body = read_body(request);
    if (!body) return tl::unexpected(body.error());
    options = std::move(body->value);
  }
  const auto dry_run = is_dry_run(request, options);
  if (!dry_run) return tl::unexpected(dry_run.error());
  const auto removed = remove_object(path, options, *dry_run);
  if (!removed) return tl::unexpected(removed.error());
  if (!*dry_run) settle_namespace(path.type->qualified() == "namespaces" ? path.name : path.ns);
  if (text_of(*removed, {"kind"}) == "Status") return json_response(200, *removed);
  return written(request, *path.type, 200, *removed, {});
}

Api::Answer Api::remove_collection(const Request& request, const ResourcePath& path) {
  if (path.type->namespaced && path.ns.empty()) {
    return method_not_allowed("a collection is deleted in one namespace at a time");
  }
  Json options = Json::object();
  if (!request.body.empty()) {
    auto body = read_body(request);
    if (!body) return tl::unexpected(body.error());
    options = std::move(body->value);
  }
  const auto dry_run = is_dry_run(request, options);
  if (!dry_run) return tl::unexpected(dry_run.error());
  const auto selector =
      Selector::parse(*path.type, request.param("labelSelector"), request.param("fieldSelector"));
  if (!selector) return tl::unexpected(selector.error());
  const auto snapshot = store_.list(path.type->qualified(), path.ns);
  for (const auto& object : snapshot.objects) {
    if (!selector->matches(object->value)) continue;
    ResourcePath one = path;
    one.name = text_of(object->value, {"metadata", "name"});
    const auto removed = remove_object(one, options, *dry_run);
    // Gone by itself meanwhile, or not to be deleted ("default"): neither stops the others.
    if (!removed && removed.error().code != 404 && removed.error().code != 403) {
      return tl::unexpected(removed.error());
    }
    if (!*dry_run && path.type->qualified() == "namespaces") settle_namespace(one.name);
  }
  if (!*dry_run) settle_namespace(path.ns);
  return json_response(200, {{"kind", "Status"},
                             {"apiVersion", "v1"},
                             {"metadata", Json::object()},
                             {"status", "Success"},
                             {"details", {{"kind", path.type->plural}, {"group", path.type->group}}}});
}

void Api::settle_namespace(const std::string& ns) {
  if (ns.empty()) return;
  const auto* type = registry_.find_qualified("namespaces");
  const ObjectKey key{type->qualified(), "", ns};
  const auto current = store_.get(key);
  if (!current || !is_terminating(current->value)) return;
  for (const auto& inner : registry_.all()) {
    if (!inner.namespaced) continue;
    for (const auto& object : store_.list(inner.qualified(), ns).objects) {
      if (is_terminating(object->value)) continue;
      (void)remove_object({&inner, ns, text_of(object->value, {"metadata", "name"}), ""}, Json::object(),
                          false);
    }
  }
  for (auto last = current; last; last = store_.get(key)) {
    const auto stored = store_.write({.key = key,
                                      .value = last->value,
                                      .expected_revision = last->revision,
                                      .remove = true,
                                      .now = clock_.now()});
    // Labelled meanwhile, say: once more. Not empty yet: whoever removes the last object comes by again.
    if (!stored && stored.error().kind == WriteFailure::Kind::Stale) continue;
    if (!stored && stored.error().kind == WriteFailure::Kind::Io) {
      log::warn("apiserver", "namespace {} could not be removed: {}", ns, stored.error().message);
    }
    return;
  }
}

void Api::settle_namespaces() {
  for (const auto& object : store_.list("namespaces", "").objects) {
    settle_namespace(text_of(object->value, {"metadata", "name"}));
  }
}

void Api::forget_old_events() {
  const auto* type = registry_.find_qualified("events");
  const auto limit = clock_.now() - settings_.event_ttl;
  for (const auto& object : store_.list(type->qualified(), "").objects) {
    if (object->written > limit) continue;
    (void)store_.write({.key = {type->qualified(), text_of(object->value, {"metadata", "namespace"}),
                                text_of(object->value, {"metadata", "name"})},
                        .value = object->value,
                        .expected_revision = object->revision,
                        .remove = true,
                        .now = clock_.now()});
  }
}

}  // namespace penstock::apiserver
