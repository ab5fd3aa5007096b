#include <fmt/format.h>

#include "controller/apiserver/api.hpp"
#include "controller/apiserver/patch.hpp"

namespace penstock::apiserver {

namespace {

constexpr int kTries = 20;

Reply<PatchKind> patch_kind(const ResourceType& type, const std::string& media) {
  if (media == "application/json-patch+json") return PatchKind::Operations;
  if (media == "application/merge-patch+json") return PatchKind::Merge;
  if (media == "application/strategic-merge-patch+json" && !type.custom) return PatchKind::Strategic;
  const std::string_view why =
      media.starts_with("application/apply-patch")
          ? "server-side apply is not supported by this server: use kubectl apply without --server-side"
      : media == "application/strategic-merge-patch+json"
          ? "strategic merge patch is not supported for custom resources: use --type=merge or --type=json"
          : "this patch type is not known";
  return unsupported_media_type(fmt::format(
      "the body of the request was in an unsupported format ({}): {}; accepted media types include: "
      "application/json-patch+json, application/merge-patch+json{}",
      media, why, type.custom ? "" : ", application/strategic-merge-patch+json"));
}

/// A resourceVersion in what was sent must be the present one: optimistic concurrency. None at all is for
/// kinds that may be overwritten; of the others, a patch that takes it out is refused as a PUT without it is.
Reply<void> check_version(const ResourcePath& path, const Json& current, const Json& sent) {
  const auto& type = *path.type;
  const auto& wanted = text_of(sent, {"metadata", "resourceVersion"});
  if (wanted == text_of(current, {"metadata", "resourceVersion"})) return {};
  if (!wanted.empty()) return error_of({WriteFailure::Kind::Stale}, type, path.key());
  if (type.unconditional_update) return {};
  return invalid(type.group, type.kind, path.name,
                 {{"FieldValueInvalid", "metadata.resourceVersion",
                   "Invalid value: 0x0: must be specified for an update"}});
}

}  // namespace

Api::Answer Api::written(const Request& request, const ResourceType& type, int status, const Json& object,
                         std::vector<std::string> warnings) const {
  const auto rendering = rendering_of(type, request);
  if (!rendering) return tl::unexpected(rendering.error());
  Response response;
  response.status = status;
  response.content_type = rendering->content_type();
  response.body = render_object(*rendering, object, nullptr, clock_.now()) + "\n";
  response.warnings = std::move(warnings);
  return response;
}

Api::Answer Api::create(const Request& request, const ResourcePath& path) {
  const auto& type = *path.type;
  if (type.namespaced && path.ns.empty()) {
    return method_not_allowed("the server does not allow this method on the requested resource");
  }
  const auto options = write_options(request);
  if (!options) return tl::unexpected(options.error());
  if (auto acceptable = rendering_of(type, request); !acceptable) return tl::unexpected(acceptable.error());
  auto body = read_body(request);
  if (!body) return tl::unexpected(body.error());
  auto decoded = decode_object(type, std::move(body->value), body->duplicates, options->validation);
  if (!decoded) return tl::unexpected(decoded.error());
  auto object = object_for_create(type, path.ns, std::move(decoded->object), clock_.now());
  if (!object) return tl::unexpected(object.error());
  Write write{.key = {type.qualified(), path.ns, text_of(*object, {"metadata", "name"})},
              .value = *std::move(object),
              .needs_namespace = type.namespaced,
              .now = clock_.now()};
  const auto key = write.key;
  if (options->dry_run) {
    if (auto refused = store_.would_refuse(write)) return error_of(*refused, type, key);
    return written(request, type, 201, write.value, std::move(decoded->warnings));
  }
  const auto stored = store_.write(std::move(write));
  if (!stored) return error_of(stored.error(), type, key);
  return written(request, type, 201, (*stored)->value, std::move(decoded->warnings));
}

Reply<Json> Api::change_object(const ResourcePath& path, const Change& change, bool dry_run) {
  for (int tries = 0; tries < kTries; ++tries) {
    const auto current = store_.get(path.key());
    if (!current) return not_found(path.type->subject(path.name));
    auto next = change(current->value);
    if (!next) return tl::unexpected(next.error());
    if (dry_run || same_object(current->value, *next)) return *std::move(next);
    const bool last_finalizer_gone =
        is_terminating(current->value) && !has_finalizers(*next) && path.type->qualified() != "namespaces";
    const auto stored = store_.write({.key = path.key(),
                                      .value = *std::move(next),
                                      .expected_revision = current->revision,
                                      .remove = last_finalizer_gone,
                                      .now = clock_.now()});
    if (stored) {
      if (last_finalizer_gone) settle_namespace(path.ns);
      return (*stored)->value;
    }
    // Somebody else was faster: decide again from what there is now.
    if (stored.error().kind != WriteFailure::Kind::Stale)
      return error_of(stored.error(), *path.type, path.key());
  }
  return error_of({WriteFailure::Kind::Stale}, *path.type, path.key());
}

Api::Answer Api::replace(const Request& request, const ResourcePath& path) {
  const auto& type = *path.type;
  const auto options = write_options(request);
  if (!options) return tl::unexpected(options.error());
  if (auto acceptable = rendering_of(type, request); !acceptable) return tl::unexpected(acceptable.error());
  auto body = read_body(request);
  if (!body) return tl::unexpected(body.error());
  const auto decoded = decode_object(type, std::move(body->value), body->duplicates, options->validation);
  if (!decoded) return tl::unexpected(decoded.error());
  const auto change = [&](const Json& current) -> Reply<Json> {
    if (auto good = check_version(path, current, decoded->object); !good) return tl::unexpected(good.error());
    return path.subresource == "status" ? object_for_status_update(type, current, decoded->object)
                                        : object_for_update(type, current, decoded->object);
  };
  const auto object = change_object(path, change, options->dry_run);
  if (!object) return tl::unexpected(object.error());
  return written(request, type, 200, *object, decoded->warnings);
}

Api::Answer Api::patch(const Request& request, const ResourcePath& path) {
  const auto& type = *path.type;
  const auto options = write_options(request);
  if (!options) return tl::unexpected(options.error());
  if (auto acceptable = rendering_of(type, request); !acceptable) return tl::unexpected(acceptable.error());
  const auto kind = patch_kind(type, request.media_type());
  if (!kind) return tl::unexpected(kind.error());
  const auto body = read_body(request);
  if (!body) return tl::unexpected(body.error());
  std::vector<std::string> warnings;
  const auto change = [&](const Json& current) -> Reply<Json> {
    auto patched = apply_patch(*kind, current, body->value);
    if (!patched) return tl::unexpected(patched.error());
    auto decoded = decode_object(type, *std::move(patched), body->duplicates, options->validation);
    if (!decoded) return tl::unexpected(decoded.error());
    warnings = std::move(decoded->warnings);
    if (auto good = check_version(path, current, decoded->object); !good) return tl::unexpected(good.error());
    return path.subresource == "status" ? object_for_status_update(type, current, decoded->object)
                                        : object_for_update(type, current, std::move(decoded->object));
  };
  const auto object = change_object(path, change, options->dry_run);
  if (!object) return tl::unexpected(object.error());
  return written(request, type, 200, *object, std::move(warnings));
}

}  // namespace penstock::apiserver
