#pragma once

// The subset of Kubernetes' JSONPath that printer columns use: fields (`.spec.host`, `['a.b']`, `\.` for a
// dot in a name), list items (`[0]`, `[-1]`), all items (`[*]`, `.*`) and filters (`[?(@.type=="Ready")]`,
// ==, !=, or the bare `@.field` for "has it").

#include <string>
#include <string_view>
#include <vector>

#include "controller/apiserver/json.hpp"

namespace penstock::apiserver {

class JsonPath {
 public:
  /// Accepts `.a.b`, `a.b` and `{.a.b}`. The error says what is not understood.
  [[nodiscard]] static tl::expected<JsonPath, std::string> parse(std::string_view text);

  /// All values the path leads to, in order; pointers into `object`.
  [[nodiscard]] std::vector<const Json*> find(const Json& object) const;

 private:
  struct Filter {
    std::vector<std::string> fields{};
    std::string op{};  ///< "==", "!=" or "" for existence
    Json value{};
  };
  struct Step {
    enum class Kind { Field, Index, All, Matching } kind = Kind::Field;
    std::string field{};
    long index = 0;
    Filter filter{};
  };

  class Parser;
  static void take(const Step& step, const Json& value, std::vector<const Json*>& out);
  static bool passes(const Filter& filter, const Json& value);

  std::vector<Step> steps_;
};

}  // namespace penstock::apiserver
