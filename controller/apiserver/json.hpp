#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace penstock::apiserver {

using Json = nlohmann::json;

/// Objects and lists nested deeper than this are refused: everything that walks JSON here recurses.
constexpr std::size_t kMaxDepth = 128;

/// A document, and the paths of keys that came twice in one object (the last one won).
struct ParsedJson {
  Json value;
  std::vector<std::string> duplicates;
};

/// Reads one JSON document. The error is a sentence with the place and never quotes the document, which may
/// hold a Secret.
[[nodiscard]] tl::expected<ParsedJson, std::string> parse_json(std::string_view text);

/// Compact text; never throws (text that is not UTF-8 is replaced).
[[nodiscard]] std::string to_text(const Json& value);

/// Member of an object, or null when there is none or `object` is not an object. Never throws.
[[nodiscard]] const Json& member(const Json& object, std::string_view name);
/// The same, through several levels: at(pipe, {"metadata", "name"}).
[[nodiscard]] const Json& member(const Json& object, std::initializer_list<std::string_view> names);
/// A member's string, or "" when it is absent or no string.
[[nodiscard]] const std::string& text_of(const Json& object, std::initializer_list<std::string_view> names);

/// Depth of nesting of lists and objects; a scalar has depth 0. Stops counting above kMaxDepth.
[[nodiscard]] std::size_t depth_of(const Json& value);

/// spec + "tables" -> spec.tables; a name with dots or slashes is put in brackets, as Kubernetes does it for
/// map keys.
[[nodiscard]] std::string child_path(std::string_view parent, std::string_view name);
[[nodiscard]] std::string item_path(std::string_view parent, std::size_t index);

}  // namespace penstock::apiserver
