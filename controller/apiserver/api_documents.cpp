#include <fmt/format.h>

#include "controller/apiserver/api.hpp"
#include "controller/apiserver/discovery.hpp"
#include "controller/apiserver/openapi.hpp"

namespace penstock::apiserver {

namespace {

Response text_response(std::string body) {
  Response response;
  response.content_type = "text/plain; charset=utf-8";
  response.body = std::move(body);
  return response;
}

/// One user, who may do everything: whoever can read the kubeconfig.
constexpr std::string_view kUser = "penstock";

Json review_status(const std::string& resource) {
  if (resource == "selfsubjectaccessreviews")
    return {{"allowed", true}, {"reason", "the token allows everything"}};
  if (resource == "selfsubjectreviews") {
    return {{"userInfo", {{"username", kUser}, {"groups", Json::array({"system:masters"})}}}};
  }
  const Json all = Json::array({"*"});
  return {{"resourceRules", Json::array({{{"verbs", all}, {"apiGroups", all}, {"resources", all}}})},
          {"nonResourceRules", Json::array({{{"verbs", all}, {"nonResourceURLs", all}}})},
          {"incomplete", false}};
}

bool is_review(const Request& request) {
  const auto& segments = request.segments;
  if (segments.size() != 4 || segments[0] != "apis" || segments[2] != "v1") return false;
  if (segments[1] == "authorization.k8s.io") {
    return segments[3] == "selfsubjectaccessreviews" || segments[3] == "selfsubjectrulesreviews";
  }
  return segments[1] == "authentication.k8s.io" && segments[3] == "selfsubjectreviews";
}

}  // namespace

std::optional<Api::Answer> Api::document(const Request& request) const {
  const auto& segments = request.segments;
  if (is_review(request)) return review(request);
  if (segments.empty()) {
    if (request.method != "GET") return no_such_path();
    return json_response(
        200, {{"paths", {"/api", "/apis", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version"}}});
  }
  const auto& first = segments[0];
  const bool discovery =
      (first == "api" && segments.size() <= 2) || (first == "apis" && segments.size() <= 3);
  const bool health = first == "livez" || first == "readyz" || first == "healthz";
  if (!discovery && !health && first != "version" && first != "openapi") return std::nullopt;
  if (request.method != "GET") return method_not_allowed("the server does not allow this method here");
  if (health) return text_response("ok");
  if (first == "openapi") return openapi_document(request);
  if (first == "version") {
    return json_response(200, {{"major", "1"},
                               {"minor", "32"},
                               {"gitVersion", settings_.version},
                               {"gitCommit", ""},
                               {"gitTreeState", "clean"},
                               {"buildDate", "1970-01-01T00:00:00Z"},
                               {"goVersion", ""},
                               {"compiler", ""},
                               {"platform", "linux/amd64"}});
  }
  return discovery_document(request);
}

Api::Answer Api::discovery_document(const Request& request) const {
  const auto& segments = request.segments;
  const bool core = segments[0] == "api";
  if (segments.size() == 1) {
    const auto aggregated = accepted_discovery(request.accept);
    if (!aggregated.empty()) {
      auto response = json_response(200, api_group_discovery(registry_, core, aggregated));
      response.content_type =
          fmt::format("application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList", aggregated);
      return response;
    }
    if (!accepts_json(request.accept)) return not_acceptable("discovery is served as application/json");
    return json_response(200, core ? api_versions(settings_.address) : api_group_list(registry_));
  }
  Json found;
  if (core) {
    found = api_resource_list(registry_, "", segments[1]);
  } else {
    found = segments.size() == 2 ? api_group(registry_, segments[1])
                                 : api_resource_list(registry_, segments[1], segments[2]);
  }
  if (found.is_null()) return no_such_path();
  return json_response(200, found);
}

Api::Answer Api::openapi_document(const Request& request) const {
  const auto& segments = request.segments;
  if (segments.size() == 2 && segments[1] == "v2") {
    Response response;
    response.content_type = accepted_openapi_v2(request.accept);
    // As JSON it would mislead: kubectl up to 1.26 asks for protobuf and takes what it is given.
    if (response.content_type.empty())
      return not_acceptable("OpenAPI v2 is served as protobuf only; see /openapi/v3");
    response.body = openapi_v2_;
    return response;
  }
  if (segments.size() < 2 || segments[1] != "v3") return no_such_path();
  if (!accepts_json(request.accept)) return not_acceptable("OpenAPI v3 is served as application/json");
  if (segments.size() == 2) return json_response(200, openapi_v3_index(registry_, openapi_hash_));
  const bool core = segments.size() == 4 && segments[2] == "api";
  if (!core && (segments.size() != 5 || segments[2] != "apis")) return no_such_path();
  const std::string group = core ? "" : segments[3];
  const std::string& version = segments.back();
  for (const auto& pair : registry_.group_versions()) {
    if (pair == std::pair(group, version)) return json_response(200, openapi_v3(registry_, group, version));
  }
  return no_such_path();
}

Api::Answer Api::review(const Request& request) const {
  if (request.method != "POST") return method_not_allowed("reviews are created only");
  auto body = read_body(request);
  if (!body) return tl::unexpected(body.error());
  if (!body->value.is_object()) return bad_request("the body is not a JSON object");
  body->value["apiVersion"] = request.segments[1] + "/v1";
  body->value["status"] = review_status(request.segments[3]);
  return json_response(201, body->value);
}

}  // namespace penstock::apiserver
