#include <fmt/format.h>
#include <fmt/ranges.h>

#include "controller/apiserver/object_rules.hpp"
#include "controller/apiserver/schema.hpp"

namespace penstock::apiserver {

namespace {

constexpr std::size_t kMostComplaints = 50;

/// Kubernetes' typed readers take null for absent. As deep as the body, which its reader bounds.
void drop_nulls(Json& value) {
  if (!value.is_structured()) return;
  if (value.is_object()) {
    for (auto field = value.begin(); field != value.end();) {
      field = field->is_null() ? value.erase(field) : std::next(field);
    }
  }
  for (auto& child : value) {
    drop_nulls(child);
  }
}

std::string cannot_be_handled(const ResourceType& type, std::string_view why) {
  return fmt::format("{0} in version \"{1}\" cannot be handled as a {0}: {2}", type.kind, type.version, why);
}

Reply<void> check_type_meta(const ResourceType& type, Json& body) {
  const auto expected = [&](const char* field, const std::string& own, const char* what) -> Reply<void> {
    const Json& sent = member(body, field);
    if (sent.is_null() || sent == "") {
      body[field] = own;
      return {};
    }
    if (sent == own) return {};
    return bad_request(fmt::format("the {0} in the data ({1}) does not match the expected {0} ({2})", what,
                                   sent.is_string() ? sent.get<std::string>() : to_text(sent), own));
  };
  if (auto good = expected("apiVersion", type.api_version(), "API version"); !good) return good;
  return expected("kind", type.kind, "kind");
}

}  // namespace

Reply<DecodedObject> decode_object(const ResourceType& type, Json body,
                                   const std::vector<std::string>& duplicates, FieldValidation validation) {
  if (!body.is_object()) return bad_request(cannot_be_handled(type, "the body is not a JSON object"));
  if (auto good = check_type_meta(type, body); !good) return tl::unexpected(good.error());
  Json& metadata = body["metadata"];
  if (metadata.is_null()) metadata = Json::object();
  drop_nulls(type.custom ? metadata : body);

  DecodedObject decoded;
  for (const auto& path : duplicates) {
    decoded.warnings.push_back(fmt::format("duplicate field \"{}\"", path));
  }
  for (const auto& path : prune(body, type.schema)) {
    decoded.warnings.push_back(fmt::format("unknown field \"{}\"", path));
  }
  if (decoded.warnings.size() > kMostComplaints) decoded.warnings.resize(kMostComplaints);
  if (validation == FieldValidation::Ignore) decoded.warnings.clear();
  if (validation == FieldValidation::Strict && !decoded.warnings.empty()) {
    return bad_request(
        cannot_be_handled(type, fmt::format("strict decoding error: {}", fmt::join(decoded.warnings, ", "))));
  }
  // Everything behind this line relies on metadata's types, and on all of a built-in kind's.
  const auto faults = type.custom ? validate(body["metadata"], object_meta_schema(), "metadata")
                                  : validate(body, type.schema);
  if (!faults.empty()) {
    return bad_request(
        cannot_be_handled(type, fmt::format("{}: {}", faults.front().field, faults.front().message)));
  }
  decoded.object = std::move(body);
  return decoded;
}

}  // namespace penstock::apiserver
