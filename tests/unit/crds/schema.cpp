#include "tests/unit/crds/schema.hpp"

#include <regex.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>

#include "crds/crd.hpp"

namespace penstock::test {
namespace {

const Json& pipe_schema() {
  return crd_json()["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
}

bool has_type(const std::string& type, const Json& value) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  return false;
}

/// POSIX's extended syntax has all that the schema's patterns use; std::regex trips g++ 12's warnings when
/// sanitizers are on.
bool matches(const std::string& pattern, const std::string& text) {
  regex_t compiled;
  if (regcomp(&compiled, pattern.c_str(), REG_EXTENDED | REG_NOSUB) != 0) throw std::runtime_error(pattern);
  const int outcome = regexec(&compiled, text.c_str(), 0, nullptr, 0);
  regfree(&compiled);
  return outcome == 0;
}

void judge_text(const Json& schema, const std::string& text, const std::string& path,
                std::vector<std::string>& out) {
  if (text.size() < schema.value("minLength", 0u)) out.push_back(path + ": too short");
  if (text.size() > schema.value("maxLength", 1'000'000u)) out.push_back(path + ": too long");
  if (schema.contains("pattern") && !matches(schema["pattern"], text))
    out.push_back(path + ": does not match");
}

void judge(const Json& schema, const Json& value, const std::string& path, std::vector<std::string>& out) {
  if (!has_type(schema["type"], value)) return out.push_back(path + ": not of type " + schema["type"].dump());
  if (schema.contains("enum") &&
      schema["enum"].end() == std::find(schema["enum"].begin(), schema["enum"].end(), value))
    out.push_back(path + ": not in the enum");
  if (schema.contains("minimum") && value < schema["minimum"]) out.push_back(path + ": too small");
  if (schema.contains("maximum") && value > schema["maximum"]) out.push_back(path + ": too large");
  if (value.is_string()) judge_text(schema, value, path, out);
  if (value.is_array()) {
    if (value.size() < schema.value("minItems", 0u)) out.push_back(path + ": too few");
    if (value.size() > schema.value("maxItems", 1'000'000u)) out.push_back(path + ": too many");
    for (std::size_t i = 0; i < value.size(); ++i)
      judge(schema["items"], value[i], path + "[" + std::to_string(i) + "]", out);
  }
  if (!value.is_object()) return;
  for (const auto& name : schema.value("required", Json::array()))
    if (!value.contains(name)) out.push_back(path + "." + name.get<std::string>() + ": missing");
  for (const auto& [name, field] : value.items()) {
    if (schema.contains("properties") && schema["properties"].contains(name))
      judge(schema["properties"][name], field, path + "." + name, out);
    else if (schema.contains("properties"))
      out.push_back(path + "." + name + ": unknown");
  }
}

}  // namespace

const Json& schema_of(const std::string& part) {
  return part.empty() ? pipe_schema() : pipe_schema()["properties"][part];
}

void each_leaf(const Json& schema, const std::string& path,
               const std::function<void(const std::string&, const Json&)>& visit) {
  if (schema.contains("properties")) {
    for (const auto& [name, field] : schema["properties"].items())
      each_leaf(field, path.empty() ? name : path + "." + name, visit);
  } else if (schema.contains("items")) {
    each_leaf(schema["items"], path + "[]", visit);
  } else {
    visit(path, schema);
  }
}

Json with_defaults(const Json& schema, Json value) {
  if (value.is_array())
    for (Json& item : value)
      item = with_defaults(schema["items"], item);
  if (!value.is_object() || !schema.contains("properties")) return value;
  for (const auto& [name, field] : schema["properties"].items()) {
    if (!value.contains(name) && field.contains("default")) value[name] = field["default"];
    if (value.contains(name)) value[name] = with_defaults(field, value[name]);
  }
  return value;
}

std::vector<std::string> refusals(const Json& schema, const Json& value, const std::string& path) {
  std::vector<std::string> out;
  judge(schema, value, path, out);
  return out;
}

Json read_yaml_file(const std::string& path) {
  std::ifstream file(std::string(PENSTOCK_SOURCE_DIR) + "/" + path);
  std::stringstream text;
  text << file.rdbuf();
  auto parsed = yaml_to_json(text.str());
  if (!file || !parsed)
    throw std::runtime_error(path + ": " + (parsed ? "not readable" : parsed.error().text()));
  return *std::move(parsed);
}

Json pipe_with(const std::function<void(Json& pipe)>& edit) {
  Json pipe = Json::parse(R"({
    "metadata": {"name": "shop", "namespace": "data", "uid": "u1"},
    "spec": {
      "source": {"postgres": {"host": "db", "database": "shop"}},
      "destination": {"clickhouse": {"url": "http://ch:8123"}},
      "tables": [{"source": "public.orders"}]}})");
  edit(pipe);
  pipe["spec"] = with_defaults(schema_of("spec"), pipe["spec"]);
  return pipe;
}

}  // namespace penstock::test
