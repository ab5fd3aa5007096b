#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/apiserver/api_error.hpp"

namespace penstock::apiserver {

/// An HTTP request, freed of HTTP: what the handlers see.
struct Request {
  std::string method{};                        ///< "GET"
  std::string path{};                          ///< "/api/v1/namespaces", still escaped
  std::vector<std::string> segments{};         ///< of the path, unescaped
  std::map<std::string, std::string> query{};  ///< unescaped; of a name that comes twice, the first
  std::string accept{};
  std::string content_type{};
  std::string authorization{};
  std::string body{};

  /// "" when absent.
  [[nodiscard]] const std::string& param(const std::string& name) const;
  /// "true", "1" and the bare name.
  [[nodiscard]] bool flag(const std::string& name) const;
  /// The media type without its parameters.
  [[nodiscard]] std::string media_type() const;
};

/// Splits "/api/v1/pods?watch=true" into path, segments and query. 400 on broken escapes.
[[nodiscard]] Reply<Request> request_of(std::string method, std::string_view target);

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body{};
  std::vector<std::string> warnings{};  ///< go out as Warning headers
};

/// A response of JSON text, or an error's Status object.
[[nodiscard]] Response json_response(int status, const Json& body);
[[nodiscard]] Response error_response(const ApiError& error);

/// In which form the client wants objects (the `as=` of Accept).
enum class Form { Object, Table, PartialMetadata };

/// What Accept asks for, most wanted first: the first that is served wins. 406 when nothing is.
[[nodiscard]] Reply<Form> accepted_form(std::string_view accept);
/// "v2" or "v2beta1" when Accept asks for aggregated discovery before plain JSON, else "".
[[nodiscard]] std::string accepted_discovery(std::string_view accept);
/// The content type to answer with when Accept takes OpenAPI v2 in protobuf, else "".
[[nodiscard]] std::string accepted_openapi_v2(std::string_view accept);
/// True when Accept takes plain JSON.
[[nodiscard]] bool accepts_json(std::string_view accept);

}  // namespace penstock::apiserver
