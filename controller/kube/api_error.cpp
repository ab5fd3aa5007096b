#include "controller/kube/api_error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "controller/kube/json_text.hpp"
#include "controller/runtime/list_watch.hpp"

namespace penstock::kube {
namespace {

constexpr std::size_t kLongestMessage = 1000;

struct Meaning {
  ErrorKind kind;
  std::string reason;
  std::string cure;
};

Meaning meaning_of(int code, const std::string& reason, Effect effect) {
  using enum ErrorKind;
  switch (code) {
    case 400:
      return {Internal, "BadRequest", ""};
    case 401:
      return {NeedsUser, "Unauthorized", "Check the token or client certificate that the kubeconfig names."};
    case 403:
      return {NeedsUser, "Forbidden", "Grant the missing verb to the account by a Role and RoleBinding."};
    case 404:
      return {NeedsUser, "NotFound", ""};
    case 409:
      return {Transient, reason == "AlreadyExists" ? "AlreadyExists" : "Conflict", ""};
    case 410:
      return {Transient, runtime::kExpired, ""};
    case 413:
      return {Internal, "RequestEntityTooLarge", ""};
    case 415:
      return {Internal, "UnsupportedMediaType", ""};
    case 422:
      return {Internal, "Invalid", ""};
    case 429:
      return {Transient, "TooManyRequests", ""};
    case 503:
      return {Transient, "ServiceUnavailable", ""};
    case 504:
      return {effect == Effect::Write ? InDoubt : Transient, "Timeout", ""};
    case 507:
      return {Transient, "InsufficientStorage",
              "Free space on the disk where the API server keeps its state."};
    default:
      break;
  }
  if (code >= 500) return {effect == Effect::Write ? InDoubt : Transient, "InternalError", ""};
  if (code >= 300 && code < 400) {
    return {NeedsUser, "UnexpectedRedirect", "Check the server's address in the kubeconfig."};
  }
  return {Internal, "UnexpectedAnswer", ""};
}

/// Cuts between characters: what is not UTF-8 cannot be written to a condition.
std::string_view shortened(std::string_view message) {
  std::size_t end = kLongestMessage;
  while (end > 0 && (static_cast<unsigned char>(message[end]) & 0xC0) == 0x80)
    --end;
  return message.substr(0, end);
}

Error make_error(int code, const std::string& reason, std::string message, Effect effect,
                 std::string_view doing) {
  auto meaning = meaning_of(code, reason, effect);
  if (message.size() > kLongestMessage) message = std::string(shortened(message)) + "...";
  if (message.empty()) message = fmt::format("the API server answered {}", code);
  return {meaning.kind, std::move(meaning.reason), fmt::format("{}: {}", doing, message),
          std::move(meaning.cure)};
}

std::string text_field(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

/// The first line of a body that is no Status, as proxies send them, when people can read it.
std::string first_line(std::string_view body) {
  const auto line = body.substr(0, std::min(body.find_first_of("\r\n"), std::size_t{200}));
  const bool readable = std::all_of(line.begin(), line.end(), [](char c) { return c >= ' ' && c < 127; });
  return readable && !line.starts_with('<') ? std::string(line) : std::string{};
}

}  // namespace

Error error_of_answer(int http_status, std::string_view body, Effect effect, std::string_view doing) {
  const auto json = parse_json(body);
  if (json && json->is_object() && text_field(*json, "kind") == "Status") {
    return make_error(http_status, text_field(*json, "reason"), text_field(*json, "message"), effect, doing);
  }
  const auto line = json ? std::string{} : first_line(body);
  return make_error(http_status, "", line.empty() ? "" : fmt::format("{} ({})", line, http_status), effect,
                    doing);
}

Error error_of_status(const nlohmann::json& status, Effect effect, std::string_view doing) {
  if (!status.is_object()) return make_error(500, "", "an error without a Status", effect, doing);
  const auto code = status.find("code");
  const auto reason = text_field(status, "reason");
  int number = code != status.end() && code->is_number_integer() ? code->get<int>() : 500;
  if (reason == runtime::kExpired || reason == "Gone") number = 410;
  return make_error(number, reason, text_field(status, "message"), effect, doing);
}

}  // namespace penstock::kube
