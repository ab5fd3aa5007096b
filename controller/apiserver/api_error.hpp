#pragma once

// Errors as the Kubernetes API speaks them: always an object of kind Status (meta/v1), with a code, a reason
// for machines and a message for people.

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "controller/apiserver/json.hpp"

namespace penstock::apiserver {

/// One fault in a field; `reason` is one of meta/v1's CauseType names, FieldValueInvalid and the like.
struct Cause {
  std::string reason;
  std::string field;
  std::string message;

  bool operator==(const Cause&) const = default;
};

struct ApiError {
  int code = 500;
  std::string reason = "InternalError";
  std::string message;
  Json details = nullptr;

  bool operator==(const ApiError&) const = default;
};

template <typename T>
using Reply = tl::expected<T, ApiError>;

[[nodiscard]] Json to_status(const ApiError& error);

/// What an error is about: a resource's plural name and group ("" is the core group), and an object's name.
struct Subject {
  std::string group;
  std::string resource;
  std::string name;
};

[[nodiscard]] tl::unexpected<ApiError> bad_request(std::string message);
[[nodiscard]] tl::unexpected<ApiError> unauthorized();
[[nodiscard]] tl::unexpected<ApiError> forbidden(const Subject& subject, std::string_view why);
[[nodiscard]] tl::unexpected<ApiError> not_found(const Subject& subject);
/// No such path at all, as opposed to no such object.
[[nodiscard]] tl::unexpected<ApiError> no_such_path();
[[nodiscard]] tl::unexpected<ApiError> method_not_allowed(std::string message);
[[nodiscard]] tl::unexpected<ApiError> not_acceptable(std::string message);
[[nodiscard]] tl::unexpected<ApiError> already_exists(const Subject& subject);
[[nodiscard]] tl::unexpected<ApiError> conflict(const Subject& subject, std::string_view why);
[[nodiscard]] tl::unexpected<ApiError> expired(std::string message);
[[nodiscard]] tl::unexpected<ApiError> too_large_revision(std::string_view wanted, std::string_view current);
[[nodiscard]] tl::unexpected<ApiError> request_too_large(std::size_t limit);
[[nodiscard]] tl::unexpected<ApiError> unsupported_media_type(std::string message);
[[nodiscard]] tl::unexpected<ApiError> internal_error(std::string message);
/// 507: the server's own disk is full. Nothing was written.
[[nodiscard]] tl::unexpected<ApiError> insufficient_storage(std::string message);
/// 422 with one cause per fault. `causes` must not be empty.
[[nodiscard]] tl::unexpected<ApiError> invalid(std::string_view group, std::string_view kind,
                                               std::string_view name, const std::vector<Cause>& causes);

// Causes, worded as Kubernetes words them.
[[nodiscard]] Cause required_field(std::string field, std::string_view detail = {});
[[nodiscard]] Cause invalid_field(std::string field, const Json& value, std::string_view detail);
[[nodiscard]] Cause duplicate_field(std::string field, const Json& value);
[[nodiscard]] Cause forbidden_field(std::string field, std::string_view detail);

}  // namespace penstock::apiserver
