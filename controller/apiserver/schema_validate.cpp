#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <regex>
#include <set>

#include "controller/apiserver/rfc3339.hpp"
#include "controller/apiserver/schema.hpp"

namespace penstock::apiserver {

namespace {

/// Longer text is not held against a pattern but refused; a schema that allows more says so with no pattern.
constexpr std::size_t kLongestMatched = 16384;

using Regex = std::shared_ptr<const std::regex>;

/// Compiled patterns, null for one that this library cannot compile (see unusable_patterns). The
/// "polynomial" matcher of libstdc++ neither recurses nor backtracks along the subject: a long string costs
/// time in proportion to its length and no stack, whatever the pattern.
Regex compiled(const std::string& pattern) {
  static std::mutex mutex;
  static std::map<std::string, Regex> cache;
  const std::lock_guard lock(mutex);
  const auto found = cache.find(pattern);
  if (found != cache.end()) return found->second;
  Regex regex;
  try {
    regex = std::make_shared<const std::regex>(pattern,
                                               std::regex::ECMAScript | std::regex_constants::__polynomial);
  } catch (const std::regex_error&) {
    regex = nullptr;
  }
  cache.emplace(pattern, regex);
  return regex;
}

std::size_t code_points(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string_view type_name(const Json& value) {
  if (value.is_null()) return "null";
  if (value.is_boolean()) return "boolean";
  if (value.is_string()) return "string";
  if (value.is_array()) return "array";
  if (value.is_object()) return "object";
  return value.is_number_float() ? "number" : "integer";
}

bool has_type(const Json& value, std::string_view type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "number") return value.is_number();
  if (type != "integer") return true;
  return value.is_number_integer() ||
         (value.is_number_float() && std::trunc(value.get<double>()) == value.get<double>());
}

bool fits_format(const Json& value, const std::string& format) {
  if (format == "int32" && value.is_number()) {
    const auto number = value.get<double>();
    return number >= -2147483648.0 && number <= 2147483647.0;
  }
  if (format == "int64" && value.is_number_unsigned()) return value.get<std::uint64_t>() <= INT64_MAX;
  if (format == "date-time" && value.is_string())
    return parse_rfc3339(value.get_ref<const std::string&>()).has_value();
  return true;
}

class Validator {
 public:
  explicit Validator(std::vector<Cause>& causes) : causes_(causes) {}

  void value(const Json& value, const Json& schema, const std::string& path) {
    if (!schema.is_object() || causes_.size() >= kMaxCauses) return;
    if (value.is_null() && flag(schema, "nullable")) return;
    if (!check_type(value, schema, path)) return;
    check_enum(value, schema, path);
    if (value.is_string()) check_string(value.get_ref<const std::string&>(), schema, path);
    if (value.is_number()) check_number(value, schema, path);
    if (value.is_array()) check_array(value, schema, path);
    if (value.is_object()) check_object(value, schema, path);
    check_combinations(value, schema, path);
  }

 private:
  static bool flag(const Json& schema, std::string_view keyword) {
    const Json& found = member(schema, keyword);
    return found.is_boolean() && found.get<bool>();
  }

  static std::optional<double> bound(const Json& schema, std::string_view keyword) {
    const Json& found = member(schema, keyword);
    return found.is_number() ? std::optional(found.get<double>()) : std::nullopt;
  }

  void fault(const std::string& path, const Json& shown, std::string_view detail) {
    causes_.push_back(invalid_field(path, shown, detail));
  }

  bool check_type(const Json& value, const Json& schema, const std::string& path) {
    if (flag(schema, "x-kubernetes-int-or-string")) {
      if (value.is_string() || has_type(value, "integer")) return true;
      fault(path, type_name(value),
            fmt::format("{} in body must be of type integer or string: \"{}\"", path, type_name(value)));
      return false;
    }
    const auto& type = text_of(schema, {"type"});
    if (type.empty() || has_type(value, type)) {
      const auto& format = text_of(schema, {"format"});
      if (format.empty() || fits_format(value, format)) return true;
      fault(path, value, fmt::format("{} in body must be of type {}: {}", path, format, to_text(value)));
      return false;
    }
    fault(path, type_name(value),
          fmt::format("{} in body must be of type {}: \"{}\"", path, type, type_name(value)));
    return false;
  }

  void check_enum(const Json& value, const Json& schema, const std::string& path) {
    const Json& allowed = member(schema, "enum");
    if (!allowed.is_array() || std::find(allowed.begin(), allowed.end(), value) != allowed.end()) return;
    std::vector<std::string> texts;
    for (const auto& one : allowed) {
      texts.push_back(to_text(one));
    }
    causes_.push_back(
        {"FieldValueNotSupported", path,
         fmt::format("Unsupported value: {}: supported values: {}", to_text(value), fmt::join(texts, ", "))});
  }

  void check_string(const std::string& text, const Json& schema, const std::string& path) {
    if (const auto longest = bound(schema, "maxLength"); longest && code_points(text) > *longest) {
      causes_.push_back(
          {"FieldValueTooLong", path,
           fmt::format("Too long: may not be more than {} characters", static_cast<long>(*longest))});
      return;
    }
    if (const auto shortest = bound(schema, "minLength"); shortest && code_points(text) < *shortest) {
      fault(path, text,
            fmt::format("{} in body should be at least {} chars long", path, static_cast<long>(*shortest)));
    }
    const auto& pattern = text_of(schema, {"pattern"});
    if (pattern.empty()) return;
    if (text.size() > kLongestMatched) {
      causes_.push_back({"FieldValueTooLong", path,
                         fmt::format("Too long: may not be more than {} bytes", kLongestMatched)});
      return;
    }
    const auto regex = compiled(pattern);
    if (regex && !std::regex_search(text, *regex)) {
      fault(path, text, fmt::format("{} in body should match '{}'", path, pattern));
    }
  }

  void check_number(const Json& value, const Json& schema, const std::string& path) {
    const auto number = value.get<double>();
    if (const auto most = bound(schema, "maximum")) {
      const bool exclusive = flag(schema, "exclusiveMaximum");
      if (number > *most || (exclusive && number == *most)) {
        fault(path, value,
              fmt::format("{} in body should be less than {}{}", path, exclusive ? "" : "or equal to ",
                          to_text(schema["maximum"])));
      }
    }
    if (const auto least = bound(schema, "minimum")) {
      const bool exclusive = flag(schema, "exclusiveMinimum");
      if (number < *least || (exclusive && number == *least)) {
        fault(path, value,
              fmt::format("{} in body should be greater than {}{}", path, exclusive ? "" : "or equal to ",
                          to_text(schema["minimum"])));
      }
    }
    if (const auto step = bound(schema, "multipleOf"); step && *step > 0 && std::fmod(number, *step) != 0) {
      fault(path, value,
            fmt::format("{} in body should be a multiple of {}", path, to_text(schema["multipleOf"])));
    }
  }

  void check_array(const Json& list, const Json& schema, const std::string& path) {
    if (const auto most = bound(schema, "maxItems"); most && list.size() > *most) {
      causes_.push_back(
          {"FieldValueTooMany", path,
           fmt::format("Too many: {}: must have at most {} items", list.size(), static_cast<long>(*most))});
      return;
    }
    if (const auto least = bound(schema, "minItems"); least && list.size() < *least) {
      fault(path, list.size(),
            fmt::format("{} in body should have at least {} items", path, static_cast<long>(*least)));
    }
    for (std::size_t i = 0; i < list.size(); ++i) {
      value(list[i], member(schema, "items"), item_path(path, i));
    }
    check_unique(list, schema, path);
  }

  void check_unique(const Json& list, const Json& schema, const std::string& path) {
    const auto& kind = text_of(schema, {"x-kubernetes-list-type"});
    if (kind != "map" && kind != "set") return;
    std::set<std::string> seen;
    for (std::size_t i = 0; i < list.size() && causes_.size() < kMaxCauses; ++i) {
      Json key = kind == "set" ? list[i] : Json::object();
      if (kind == "map") {
        for (const auto& name : member(schema, "x-kubernetes-list-map-keys")) {
          const auto& part = member(list[i], name.get_ref<const std::string&>());
          if (!part.is_null()) key[name.get_ref<const std::string&>()] = part;
        }
      }
      if (!seen.insert(to_text(key)).second) causes_.push_back(duplicate_field(item_path(path, i), key));
    }
  }

  void check_object(const Json& object, const Json& schema, const std::string& path) {
    for (const auto& name : member(schema, "required")) {
      const auto& field = name.get_ref<const std::string&>();
      if (!object.contains(field)) causes_.push_back(required_field(child_path(path, field)));
    }
    if (const auto most = bound(schema, "maxProperties"); most && object.size() > *most) {
      causes_.push_back(
          {"FieldValueTooMany", path,
           fmt::format("Too many: {}: must have at most {} items", object.size(), static_cast<long>(*most))});
    }
    if (const auto least = bound(schema, "minProperties"); least && object.size() < *least) {
      fault(path, object.size(),
            fmt::format("{} in body should have at least {} properties", path, static_cast<long>(*least)));
    }
    const Json& properties = member(schema, "properties");
    const Json& additional = member(schema, "additionalProperties");
    for (const auto& [name, child] : object.items()) {
      value(child, properties.contains(name) ? properties[name] : additional, child_path(path, name));
    }
  }

  std::size_t matches(const Json& one, const Json& schemas) {
    return static_cast<std::size_t>(std::count_if(schemas.begin(), schemas.end(), [&](const Json& schema) {
      return validate(one, schema, "").empty();
    }));
  }

  void check_combinations(const Json& one, const Json& schema, const std::string& path) {
    for (const auto& part : member(schema, "allOf")) {
      value(one, part, path);
    }
    if (const Json& any = member(schema, "anyOf"); any.is_array() && matches(one, any) == 0) {
      fault(path, type_name(one), fmt::format("{} in body must validate at least one schema (anyOf)", path));
    }
    if (const Json& exactly = member(schema, "oneOf"); exactly.is_array() && matches(one, exactly) != 1) {
      fault(path, type_name(one),
            fmt::format("{} in body must validate one and only one schema (oneOf)", path));
    }
    if (const Json& never = member(schema, "not"); never.is_object() && validate(one, never, "").empty()) {
      fault(path, type_name(one), fmt::format("{} in body must not validate the schema (not)", path));
    }
  }

  std::vector<Cause>& causes_;
};

}  // namespace

std::vector<std::string> unusable_patterns(const Json& schema) {
  std::vector<std::string> found;
  if (!schema.is_structured()) return found;
  // A property may be called "pattern"; its schema is no string.
  const auto& pattern = text_of(schema, {"pattern"});
  if (!pattern.empty() && !compiled(pattern)) found.push_back(pattern);
  for (const auto& child : schema) {
    for (auto& more : unusable_patterns(child)) {
      found.push_back(std::move(more));
    }
  }
  return found;
}

std::vector<Cause> validate(const Json& value, const Json& schema, const std::string& path) {
  std::vector<Cause> causes;
  Validator(causes).value(value, schema, path);
  return causes;
}

}  // namespace penstock::apiserver
