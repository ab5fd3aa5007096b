#include "controller/kube/json_text.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace penstock::kube {
namespace {

constexpr int kDeepest = 200;

/// Nesting of the brackets outside of strings; meaningless, but harmless, for what is no JSON.
int depth_of(std::string_view text) {
  int depth = 0;
  int deepest = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      deepest = std::max(deepest, ++depth);
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return deepest;
}

}  // namespace

Result<nlohmann::json> parse_json(std::string_view text) {
  if (depth_of(text) > kDeepest) return fail(ErrorKind::BadData, "NotJson", "the JSON is nested too deeply");
  auto json = nlohmann::json::parse(text, nullptr, false);
  if (json.is_discarded()) return fail(ErrorKind::BadData, "NotJson", "the text is not valid JSON");
  return json;
}

}  // namespace penstock::kube
