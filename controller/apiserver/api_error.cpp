#include "controller/apiserver/api_error.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace penstock::apiserver {

namespace {

constexpr std::size_t kLongestQuotedValue = 1024;

std::string qualified(const Subject& subject) {
  return subject.group.empty() ? subject.resource : fmt::format("{}.{}", subject.resource, subject.group);
}

Json details_of(const Subject& subject) {
  Json details = Json::object();
  if (!subject.name.empty()) details["name"] = subject.name;
  if (!subject.group.empty()) details["group"] = subject.group;
  if (!subject.resource.empty()) details["kind"] = subject.resource;
  return details;
}

tl::unexpected<ApiError> error(int code, std::string reason, std::string message, Json details = nullptr) {
  return tl::unexpected(ApiError{code, std::move(reason), std::move(message), std::move(details)});
}

/// A URL's user and password are not given back: this text ends up in logs and terminals.
std::string without_credentials(std::string text) {
  const auto scheme = text.find("://");
  const auto at = text.rfind('@');
  if (scheme == std::string::npos || at == std::string::npos || at < scheme) return text;
  return text.replace(scheme + 3, at - scheme - 3, "***");
}

std::string quoted(const Json& value) {
  std::string text = without_credentials(to_text(value));
  if (text.size() <= kLongestQuotedValue) return text;
  std::size_t end = kLongestQuotedValue;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) {
    --end;
  }
  return text.substr(0, end) + "...";
}

}  // namespace

Json to_status(const ApiError& error) {
  Json status{{"kind", "Status"},    {"apiVersion", "v1"},       {"metadata", Json::object()},
              {"status", "Failure"}, {"message", error.message}, {"reason", error.reason},
              {"code", error.code}};
  if (!error.details.is_null()) status["details"] = error.details;
  return status;
}

tl::unexpected<ApiError> bad_request(std::string message) {
  return error(400, "BadRequest", std::move(message));
}

tl::unexpected<ApiError> unauthorized() {
  return error(401, "Unauthorized", "Unauthorized");
}

tl::unexpected<ApiError> forbidden(const Subject& subject, std::string_view why) {
  return error(403, "Forbidden",
               fmt::format("{} \"{}\" is forbidden: {}", qualified(subject), subject.name, why),
               details_of(subject));
}

tl::unexpected<ApiError> not_found(const Subject& subject) {
  return error(404, "NotFound", fmt::format("{} \"{}\" not found", qualified(subject), subject.name),
               details_of(subject));
}

tl::unexpected<ApiError> no_such_path() {
  return error(404, "NotFound", "the server could not find the requested resource", Json::object());
}

tl::unexpected<ApiError> method_not_allowed(std::string message) {
  return error(405, "MethodNotAllowed", std::move(message), Json::object());
}

tl::unexpected<ApiError> not_acceptable(std::string message) {
  return error(406, "NotAcceptable", std::move(message));
}

tl::unexpected<ApiError> already_exists(const Subject& subject) {
  return error(409, "AlreadyExists",
               fmt::format("{} \"{}\" already exists", qualified(subject), subject.name),
               details_of(subject));
}

tl::unexpected<ApiError> conflict(const Subject& subject, std::string_view why) {
  return error(
      409, "Conflict",
      fmt::format("Operation cannot be fulfilled on {} \"{}\": {}", qualified(subject), subject.name, why),
      details_of(subject));
}

tl::unexpected<ApiError> expired(std::string message) {
  return error(410, "Expired", std::move(message));
}

tl::unexpected<ApiError> too_large_revision(std::string_view wanted, std::string_view current) {
  auto message = fmt::format("Too large resource version: {}, current: {}", wanted, current);
  Json details{
      {"causes", {{{"reason", "ResourceVersionTooLarge"}, {"message", "Too large resource version"}}}},
      {"retryAfterSeconds", 1}};
  return error(504, "Timeout", std::move(message), std::move(details));
}

tl::unexpected<ApiError> request_too_large(std::size_t limit) {
  return error(413, "RequestEntityTooLarge",
               fmt::format("Request entity too large: limit is {} bytes", limit));
}

tl::unexpected<ApiError> unsupported_media_type(std::string message) {
  return error(415, "UnsupportedMediaType", std::move(message));
}

tl::unexpected<ApiError> internal_error(std::string message) {
  return error(500, "InternalError", fmt::format("Internal error occurred: {}", message));
}

tl::unexpected<ApiError> insufficient_storage(std::string message) {
  return error(507, "InsufficientStorage", std::move(message));
}

tl::unexpected<ApiError> invalid(std::string_view group, std::string_view kind, std::string_view name,
                                 const std::vector<Cause>& causes) {
  std::vector<std::string> texts;
  Json listed = Json::array();
  for (const auto& cause : causes) {
    texts.push_back(fmt::format("{}: {}", cause.field, cause.message));
    listed.push_back({{"reason", cause.reason}, {"message", cause.message}, {"field", cause.field}});
  }
  const auto all = texts.size() == 1 ? texts.front() : fmt::format("[{}]", fmt::join(texts, ", "));
  const auto what = group.empty() ? std::string(kind) : fmt::format("{}.{}", kind, group);
  Json details{{"kind", kind}, {"causes", std::move(listed)}};
  if (!name.empty()) details["name"] = name;
  if (!group.empty()) details["group"] = group;
  return error(422, "Invalid", fmt::format("{} \"{}\" is invalid: {}", what, name, all), std::move(details));
}

Cause required_field(std::string field, std::string_view detail) {
  return {"FieldValueRequired", std::move(field),
          detail.empty() ? "Required value" : fmt::format("Required value: {}", detail)};
}

Cause invalid_field(std::string field, const Json& value, std::string_view detail) {
  return {"FieldValueInvalid", std::move(field), fmt::format("Invalid value: {}: {}", quoted(value), detail)};
}

Cause duplicate_field(std::string field, const Json& value) {
  return {"FieldValueDuplicate", std::move(field), fmt::format("Duplicate value: {}", quoted(value))};
}

Cause forbidden_field(std::string field, std::string_view detail) {
  return {"FieldValueForbidden", std::move(field), fmt::format("Forbidden: {}", detail)};
}

}  // namespace penstock::apiserver
