#include "controller/apiserver/api.hpp"

#include <fmt/format.h>

#include <exception>
#include <typeinfo>

#include "controller/apiserver/kube_protobuf.hpp"
#include "controller/apiserver/openapi.hpp"
#include "core/log.hpp"

namespace penstock::apiserver {

namespace {

/// Takes the same time whatever the texts are, so that a token cannot be guessed byte by byte.
bool same_secret(std::string_view one, std::string_view other) {
  unsigned difference = one.size() == other.size() ? 0 : 1;
  for (std::size_t i = 0; i < one.size(); ++i) {
    const char against = other.empty() ? '\0' : other[i % other.size()];
    difference |=
        static_cast<unsigned>(static_cast<unsigned char>(one[i]) ^ static_cast<unsigned char>(against));
  }
  return difference == 0;
}

bool is_open(const std::string& path) {
  return path == "/livez" || path == "/readyz" || path == "/healthz" || path == "/version";
}

}  // namespace

Api::Api(Registry registry, Store& store, const Clock& clock, ApiSettings settings)
    : registry_(std::move(registry)), store_(store), clock_(clock), settings_(std::move(settings)) {
  openapi_v2_ = openapi_v2(registry_);
  openapi_hash_ = fmt::format("{:016x}", std::hash<std::string>{}(openapi_v2_));
}

Outcome Api::handle(const Request& request) noexcept {
  Reply<Outcome> answer = Response();
  try {
    const auto allowed = is_open(request.path) ? Reply<void>() : authorize(request.authorization);
    answer = allowed ? route(request) : tl::unexpected(allowed.error());
  } catch (const std::exception& defect) {
    // The text may quote what was sent, so it goes neither out nor into the log.
    log::error("apiserver", "{} {} failed: {}", request.method, request.path, typeid(defect).name());
    answer = internal_error("a defect of this server; see its log");
  }
  return answer ? *std::move(answer) : error_response(answer.error());
}

Reply<void> Api::admit(const RequestOrigin& origin, std::string_view authorization, bool has_body) const {
  if (const auto fault = foreign_page_fault(origin, true); !fault.empty()) {
    return tl::unexpected(ApiError{403, "Forbidden", std::string(fault)});
  }
  return has_body ? authorize(authorization) : Reply<void>();
}

Reply<void> Api::authorize(std::string_view authorization) const {
  constexpr std::string_view kScheme = "Bearer ";
  const bool known = authorization.starts_with(kScheme) &&
                     same_secret(authorization.substr(kScheme.size()), settings_.token.reveal());
  if (!known) return unauthorized();
  return {};
}

Reply<Outcome> Api::route(const Request& request) {
  if (auto answer = document(request)) {
    if (!*answer) return tl::unexpected(answer->error());
    return Outcome(**std::move(answer));
  }
  const auto path = resource_path(registry_, request.segments);
  if (!path) return no_such_path();
  return route_resource(request, *path);
}

Reply<Outcome> Api::route_resource(const Request& request, const ResourcePath& path) {
  const auto finish = [](Answer answer) -> Reply<Outcome> {
    if (!answer) return tl::unexpected(answer.error());
    return Outcome(*std::move(answer));
  };
  const auto& method = request.method;
  if (method == "GET" && request.flag("watch") && path.subresource.empty()) {
    auto started = watch(request, path);
    if (!started) return tl::unexpected(started.error());
    return Outcome(*std::move(started));
  }
  if (method == "GET") return finish(path.name.empty() ? list(request, path) : get(request, path));
  if (path.type->absent) {
    return method_not_allowed(
        fmt::format("this server has no {}: it serves Pipes, and what they need", path.type->qualified()));
  }
  if (path.type->read_only) {
    return method_not_allowed(
        fmt::format("{} are part of this program and cannot be changed here", path.type->qualified()));
  }
  if (method == "POST" && path.name.empty()) return finish(create(request, path));
  if (method == "PUT" && !path.name.empty()) return finish(replace(request, path));
  if (method == "PATCH" && !path.name.empty()) return finish(patch(request, path));
  if (method == "DELETE" && path.subresource.empty()) {
    return finish(path.name.empty() ? remove_collection(request, path) : remove(request, path));
  }
  return method_not_allowed("the server does not allow this method on the requested resource");
}

Reply<Api::Body> Api::read_body(const Request& request) {
  const auto media = request.media_type();
  if (media == "application/vnd.kubernetes.protobuf") {
    auto object = read_kube_protobuf(request.body);
    if (!object) return tl::unexpected(object.error());
    return Body{*std::move(object), {}};
  }
  const bool json = media.empty() || media == "application/json" || media.ends_with("+json");
  if (!json) {
    return unsupported_media_type(
        fmt::format("the body of the request was in an unknown format ({}): send application/json", media));
  }
  auto parsed = parse_json(request.body);
  if (!parsed) return bad_request(fmt::format("the body of the request cannot be read: {}", parsed.error()));
  return Body{std::move(parsed->value), std::move(parsed->duplicates)};
}

Reply<Api::WriteOptions> Api::write_options(const Request& request) {
  WriteOptions options;
  const auto& dry_run = request.param("dryRun");
  if (!dry_run.empty() && dry_run != "All") {
    return bad_request(fmt::format("dryRun: Unsupported value: \"{}\": supported values: \"All\"", dry_run));
  }
  options.dry_run = dry_run == "All";
  const auto& validation = request.param("fieldValidation");
  if (validation == "Strict") options.validation = FieldValidation::Strict;
  if (validation == "Ignore") options.validation = FieldValidation::Ignore;
  if (!validation.empty() && validation != "Strict" && validation != "Ignore" && validation != "Warn") {
    return bad_request(fmt::format(
        "fieldValidation: Unsupported value: \"{}\": supported values: \"Ignore\", \"Strict\", \"Warn\"",
        validation));
  }
  return options;
}

tl::unexpected<ApiError> error_of(const WriteFailure& failure, const ResourceType& type,
                                  const ObjectKey& key) {
  const auto subject = type.subject(key.name);
  switch (failure.kind) {
    case WriteFailure::Kind::Exists:
      return already_exists(subject);
    case WriteFailure::Kind::Missing:
      return not_found(subject);
    case WriteFailure::Kind::Stale:
      return conflict(subject,
                      "the object has been modified; please apply your changes to the latest version and "
                      "try again");
    case WriteFailure::Kind::NamespaceMissing:
      return not_found({"", "namespaces", key.ns});
    case WriteFailure::Kind::NamespaceTerminating:
      return forbidden(subject,
                       fmt::format("unable to create new content in namespace {} because it is being "
                                   "terminated",
                                   key.ns));
    case WriteFailure::Kind::NamespaceNotEmpty:
      return conflict(subject, "the namespace is not empty");
    case WriteFailure::Kind::DiskFull:
      return insufficient_storage(failure.message);
    case WriteFailure::Kind::Io:
      break;
  }
  return internal_error(failure.message);
}

}  // namespace penstock::apiserver
