#pragma once

// Reading and writing of structs by one list of their fields. A struct is described once, by an overload
//
//   template <typename Fields, like<TableSpec> T>
//   void describe(Fields& fields, T& table) {
//     fields.required("source", table.source);
//     fields.unless_empty("target", table.target);
//     fields.field("engine", table.engine);
//   }
//
// and FieldReader and FieldWriter both walk that list:
//   required      must be there                       always written
//   field         absent or null: keeps its value     always written
//   unless_empty  absent or null: keeps its value     left out when it equals T{}

#include <chrono>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "crds/crd.hpp"
#include "crds/enum_names.hpp"
#include "crds/time_text.hpp"

namespace penstock {

template <typename T, typename Struct>
concept like = std::same_as<std::remove_const_t<T>, Struct>;

class FieldReader {
 public:
  /// `object` and `fault` outlive the reader; the first fault found is kept.
  FieldReader(const nlohmann::json& object, std::string path, std::optional<FieldError>& fault)
      : object_(object), path_(std::move(path)), fault_(fault) {
    if (!object_.is_object()) complain(path_, "must be an object");
  }

  template <typename T>
  void required(const char* name, T& value) {
    if (find(name) == nullptr) complain(at(name), "is missing");
    field(name, value);
  }
  template <typename T>
  void field(const char* name, T& value) {
    if (const auto* json = find(name); json != nullptr && !fault_) read(*json, at(name), value);
  }
  template <typename T>
  void unless_empty(const char* name, T& value) {
    field(name, value);
  }
  /// A SecretKeyRef whose key may be left out.
  void secret(const char* name, std::optional<SecretKeyRef>& value, const char* default_key) {
    value.reset();
    if (find(name) != nullptr) value = SecretKeyRef{{}, default_key};
    if (value) field(name, *value);
  }
  /// A bool that the API spells "True" and "False", as conditions do.
  void truth(const char* name, bool& value) {
    std::string text = value ? "True" : "False";
    field(name, text);
    if (text != "True" && text != "False") complain(at(name), "must be True or False");
    value = text == "True";
  }
  /// An object that has no struct of its own.
  template <typename Describe>
  void group(const char* name, Describe&& describe_group) {
    static const nlohmann::json kEmpty = nlohmann::json::object();
    const auto* json = find(name);
    FieldReader inner(json != nullptr ? *json : kEmpty, at(name), fault_);
    describe_group(inner);
  }

 private:
  [[nodiscard]] const nlohmann::json* find(const char* name) const {
    if (!object_.is_object()) return nullptr;
    const auto found = object_.find(name);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }
  [[nodiscard]] std::string at(const char* name) const { return path_.empty() ? name : path_ + '.' + name; }
  void complain(std::string path, std::string message) {
    if (!fault_) fault_ = FieldError{std::move(path), std::move(message)};
  }

  void read(const nlohmann::json& json, const std::string& path, std::string& value) {
    if (!json.is_string()) return complain(path, "must be a string");
    value = json.get<std::string>();
  }
  void read(const nlohmann::json& json, const std::string& path, bool& value) {
    if (!json.is_boolean()) return complain(path, "must be true or false");
    value = json.get<bool>();
  }
  void read(const nlohmann::json& json, const std::string& path, double& value) {
    if (!json.is_number()) return complain(path, "must be a number");
    value = json.get<double>();
  }
  /// JSON does not tell 1000 from 1e3: both are integers, as for a Kubernetes API server.
  template <std::signed_integral Integer>
  void read(const nlohmann::json& json, const std::string& path, Integer& value) {
    using Limits = std::numeric_limits<Integer>;
    std::int64_t wide = 0;
    if (json.is_number_unsigned() && json.get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max())
      return complain(path, "is too large");
    if (json.is_number_integer()) {
      wide = json.get<std::int64_t>();
    } else if (json.is_number_float() && std::trunc(json.get<double>()) == json.get<double>() &&
               std::abs(json.get<double>()) <= 9007199254740992.0) {
      wide = static_cast<std::int64_t>(json.get<double>());
    } else {
      return complain(path, "must be an integer");
    }
    if (wide < Limits::min() || wide > Limits::max()) return complain(path, "is too large");
    value = static_cast<Integer>(wide);
  }
  void read(const nlohmann::json& json, const std::string& path, std::chrono::milliseconds& value) {
    read_text(json, path, value, parse_duration, "must be a whole number with ms, s, m or h, such as 200ms");
  }
  void read(const nlohmann::json& json, const std::string& path, WallTime& value) {
    read_text(json, path, value, parse_rfc3339, "must be a time such as 2024-05-01T09:30:00Z");
  }
  template <typename T, typename Parse>
  void read_text(const nlohmann::json& json, const std::string& path, T& value, Parse parse,
                 const char* wanted) {
    std::string text;
    read(json, path, text);
    if (fault_) return;
    const auto parsed = parse(text);
    if (!parsed) return complain(path, wanted);
    value = *parsed;
  }
  template <typename Enum>
  requires std::is_enum_v<Enum>
  void read(const nlohmann::json& json, const std::string& path, Enum& value) {
    if (!json.is_string() || !enum_value(json.get_ref<const std::string&>(), value))
      complain(path, "must be one of " + enum_choices<Enum>());
  }
  template <typename T>
  void read(const nlohmann::json& json, const std::string& path, std::optional<T>& value) {
    read(json, path, value.emplace());
  }
  template <typename T>
  void read(const nlohmann::json& json, const std::string& path, std::vector<T>& value) {
    if (!json.is_array()) return complain(path, "must be a list");
    value.clear();
    value.reserve(json.size());
    for (std::size_t i = 0; i < json.size() && !fault_; ++i)
      read(json[i], path + '[' + std::to_string(i) + ']', value.emplace_back());
  }
  template <typename Struct>
  requires(std::is_class_v<Struct>) void read(const nlohmann::json& json, const std::string& path,
                                              Struct& value) {
    FieldReader inner(json, path, fault_);
    describe(inner, value);
  }

  const nlohmann::json& object_;
  std::string path_;
  std::optional<FieldError>& fault_;
};

class FieldWriter {
 public:
  template <typename T>
  void required(const char* name, const T& value) {
    object_[name] = write(value);
  }
  template <typename T>
  void field(const char* name, const T& value) {
    object_[name] = write(value);
  }
  template <typename T>
  void unless_empty(const char* name, const T& value) {
    if (!(value == T{})) object_[name] = write(value);
  }
  void secret(const char* name, const std::optional<SecretKeyRef>& value, const char* /*default_key*/) {
    unless_empty(name, value);
  }
  void truth(const char* name, bool value) { object_[name] = value ? "True" : "False"; }
  template <typename Describe>
  void group(const char* name, Describe&& describe_group) {
    FieldWriter inner;
    describe_group(inner);
    object_[name] = std::move(inner.object_);
  }
  [[nodiscard]] nlohmann::json take() && { return std::move(object_); }

 private:
  template <typename T>
  requires std::is_arithmetic_v<T>
  static nlohmann::json write(T value) { return value; }
  static nlohmann::json write(const std::string& value) { return value; }
  static nlohmann::json write(std::chrono::milliseconds value) { return to_duration_text(value); }
  static nlohmann::json write(WallTime value) { return to_rfc3339(value); }
  template <typename Enum>
  requires std::is_enum_v<Enum>
  static nlohmann::json write(Enum value) { return enum_name(value); }
  template <typename T>
  static nlohmann::json write(const std::optional<T>& value) {
    return value ? write(*value) : nlohmann::json();
  }
  template <typename T>
  static nlohmann::json write(const std::vector<T>& values) {
    auto out = nlohmann::json::array();
    for (const T& value : values)
      out.push_back(write(value));
    return out;
  }
  template <typename Struct>
  requires(std::is_class_v<Struct>) static nlohmann::json write(const Struct& value) {
    FieldWriter inner;
    describe(inner, value);
    return std::move(inner.object_);
  }

  nlohmann::json object_ = nlohmann::json::object();
};

/// A T read from `object`, whose own path is `path`. Where `fault` is set afterwards, the T is incomplete.
template <typename T>
[[nodiscard]] T read_object(const nlohmann::json& object, std::string path,
                            std::optional<FieldError>& fault) {
  T out;
  FieldReader reader(object, std::move(path), fault);
  describe(reader, out);
  return out;
}

template <typename T>
[[nodiscard]] nlohmann::json write_object(const T& value) {
  FieldWriter writer;
  describe(writer, value);
  return std::move(writer).take();
}

}  // namespace penstock
