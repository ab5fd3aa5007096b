#include "controller/apiserver/json.hpp"

#include <fmt/format.h>

#include <optional>

namespace penstock::apiserver {

namespace {

/// Builds the document and notes duplicate keys, which nlohmann's own builder overwrites in silence.
class Builder : public nlohmann::json_sax<Json> {
 public:
  explicit Builder(ParsedJson& out) : out_(out) {}

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(std::int64_t value) override { return add(value); }
  bool number_unsigned(std::uint64_t value) override { return add(value); }
  bool number_float(double value, const std::string&) override { return add(value); }
  bool string(std::string& value) override { return add(std::move(value)); }
  bool binary(Json::binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(std::string& name) override {
    const Json& object = *open_.back();
    if (object.contains(name) && out_.duplicates.size() < kMaxDuplicates) {
      out_.duplicates.push_back(child_path(path(), name));
    }
    keys_.back() = std::move(name);
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& fault) override {
    const std::string_view what = fault.what();
    const auto from = what.rfind(": ", what.find("; last read"));
    const auto reason = what.substr(0, what.find("; last read"));
    const auto dash = reason.rfind(" - ");
    const auto tail = dash != std::string_view::npos                           ? reason.substr(dash + 3)
                      : from != std::string_view::npos && from < reason.size() ? reason.substr(from + 2)
                                                                               : "syntax error";
    // The tail may quote what was read ("unexpected '}'"), never more than a token's kind.
    error_ = fmt::format("invalid JSON at byte {}: {}", position, tail.substr(0, 120));
    return false;
  }

  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  static constexpr std::size_t kMaxDuplicates = 50;

  Json* place(Json value) {
    if (open_.empty()) {
      out_.value = std::move(value);
      return &out_.value;
    }
    Json& parent = *open_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    Json& slot = parent[keys_.back()];
    slot = std::move(value);
    return &slot;
  }

  bool add(Json value) {
    place(std::move(value));
    return true;
  }

  bool open(Json value) {
    if (open_.size() >= kMaxDepth) {
      error_ = fmt::format("JSON nested deeper than {} levels", kMaxDepth);
      return false;
    }
    open_.push_back(place(std::move(value)));
    keys_.emplace_back();
    return true;
  }

  bool close() {
    open_.pop_back();
    keys_.pop_back();
    return true;
  }

  [[nodiscard]] std::string path() const {
    std::string text;
    for (std::size_t level = 0; level + 1 < open_.size(); ++level) {
      text = open_[level]->is_array() ? item_path(text, open_[level]->size() - 1)
                                      : child_path(text, keys_[level]);
    }
    return text;
  }

  ParsedJson& out_;
  std::vector<Json*> open_;
  std::vector<std::string> keys_;
  std::string error_;
};

}  // namespace

tl::expected<ParsedJson, std::string> parse_json(std::string_view text) {
  ParsedJson parsed;
  Builder builder(parsed);
  if (!Json::sax_parse(text.begin(), text.end(), &builder)) {
    return tl::unexpected(builder.error().empty() ? "invalid JSON" : builder.error());
  }
  return parsed;
}

std::string to_text(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

const Json& member(const Json& object, std::string_view name) {
  static const Json kNothing;
  if (!object.is_object()) return kNothing;
  const auto found = object.find(name);
  return found == object.end() ? kNothing : *found;
}

const Json& member(const Json& object, std::initializer_list<std::string_view> names) {
  const Json* at = &object;
  for (const auto name : names) {
    at = &member(*at, name);
  }
  return *at;
}

const std::string& text_of(const Json& object, std::initializer_list<std::string_view> names) {
  static const std::string kEmpty;
  const Json& value = member(object, names);
  return value.is_string() ? value.get_ref<const std::string&>() : kEmpty;
}

std::size_t depth_of(const Json& root) {
  std::size_t deepest = 0;
  std::vector<std::pair<const Json*, std::size_t>> open{{&root, 1}};
  while (!open.empty()) {
    const auto [value, depth] = open.back();
    open.pop_back();
    if (!value->is_structured()) continue;
    deepest = std::max(deepest, depth);
    if (depth > kMaxDepth) return deepest;
    for (const auto& child : *value) {
      if (child.is_structured()) open.emplace_back(&child, depth + 1);
    }
  }
  return deepest;
}

std::string child_path(std::string_view parent, std::string_view name) {
  if (name.find_first_of("./[]") != std::string_view::npos) return fmt::format("{}[{}]", parent, name);
  return parent.empty() ? std::string(name) : fmt::format("{}.{}", parent, name);
}

std::string item_path(std::string_view parent, std::size_t index) {
  return fmt::format("{}[{}]", parent, index);
}

}  // namespace penstock::apiserver
