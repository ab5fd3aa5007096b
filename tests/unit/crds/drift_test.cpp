// The schema and the C++ types hold the same fields, names, choices and defaults.

#include <gmock/gmock.h>

#include <map>
#include <regex>
#include <set>

#include "crds/crd.hpp"
#include "crds/pipe_fields.hpp"
#include "tests/unit/crds/schema.hpp"

namespace penstock::test {
namespace {

/// Walks the C++ types' lists of fields as FieldReader and FieldWriter do, and notes the path and choices of
/// each.
class LeafNames {
 public:
  LeafNames(std::string path, std::map<std::string, std::vector<std::string>>& out)
      : path_(std::move(path)), out_(out) {}

  template <typename T>
  void required(const char* name, T& value) {
    field(name, value);
  }
  template <typename T>
  void field(const char* name, T& value) {
    note(path_.empty() ? name : path_ + "." + name, value);
  }
  template <typename T>
  void unless_empty(const char* name, T& value) {
    field(name, value);
  }
  void secret(const char* name, std::optional<SecretKeyRef>& value, const char*) { field(name, value); }
  void truth(const char* name, bool&) { out_[path_ + "." + name] = {"True", "False"}; }
  template <typename Describe>
  void group(const char* name, Describe&& describe_group) {
    LeafNames inner(path_.empty() ? name : path_ + "." + name, out_);
    describe_group(inner);
  }

 private:
  template <typename T>
  void note(const std::string& path, std::vector<T>&) {
    T item{};
    note(path + "[]", item);
  }
  template <typename T>
  void note(const std::string& path, std::optional<T>&) {
    T item{};
    note(path, item);
  }
  template <typename T>
  void note(const std::string& path, T& value) {
    constexpr bool kIsText = std::is_same_v<T, std::string> || std::is_same_v<T, WallTime> ||
                             std::is_same_v<T, std::chrono::milliseconds>;
    if constexpr (std::is_enum_v<T>) {
      for (const auto& [each, name] : kEnumNames<T>)
        out_[path].push_back(name);
    } else if constexpr (std::is_arithmetic_v<T> || kIsText) {
      out_[path] = {};
    } else {
      LeafNames inner(path, out_);
      describe(inner, value);
    }
  }

  std::string path_;
  std::map<std::string, std::vector<std::string>>& out_;
};

using Leaves = std::map<std::string, std::vector<std::string>>;

template <typename T>
Leaves leaves_of_type() {
  Leaves out;
  T value;
  LeafNames names("", out);
  describe(names, value);
  return out;
}

Leaves leaves_of_schema(const std::string& part) {
  Leaves out;
  each_leaf(schema_of(part), "", [&](const std::string& path, const Json& leaf) {
    out[path] = leaf.value("enum", std::vector<std::string>{});
  });
  return out;
}

/// An object with every leaf set to a valid value that is not its default, each leaf to one of its own.
class Filler {
 public:
  Json fill(const Json& schema) {
    ++count_;
    const std::string type = schema["type"];
    if (type == "object") return object(schema);
    if (type == "array") return Json::array({fill(schema["items"]), fill(schema["items"])});
    if (type == "boolean") return !schema.value("default", false);
    if (type == "number") return count_ + 0.5;
    if (type == "integer") return integer(schema);
    return text(schema);
  }

 private:
  Json object(const Json& schema) {
    Json out = Json::object();
    for (const auto& [name, field] : schema["properties"].items())
      out[name] = fill(field);
    return out;
  }
  Json integer(const Json& schema) const {
    const std::int64_t value = schema.value("minimum", std::int64_t{0}) + count_;
    return std::min(value, schema.value("maximum", std::int64_t{1'000'000}));
  }
  Json text(const Json& schema) const {
    if (schema.contains("enum")) return schema["enum"].back();
    if (schema.value("format", "") == "date-time")
      return "2024-02-29T23:59:" + std::to_string(10 + count_ % 50) + "Z";
    const std::string number = std::to_string(count_);
    return schema.value("default", "") == "200ms" ? number + "s" : "text" + number;
  }

  int count_ = 0;
};

TEST(Drift, SpecAndSchemaHaveTheSameLeavesWithTheSameChoices) {
  EXPECT_EQ(leaves_of_type<PipeSpec>(), leaves_of_schema("spec"));
}

TEST(Drift, StatusAndSchemaHaveTheSameLeavesWithTheSameChoices) {
  EXPECT_EQ(leaves_of_type<PipeStatus>(), leaves_of_schema("status"));
}

TEST(Drift, AFullSpecIsReadAndWrittenBackUnchanged) {
  const Json full = Filler().fill(schema_of("spec"));
  ASSERT_THAT(refusals(schema_of("spec"), full, "spec"), testing::IsEmpty());
  const auto spec = read_spec(full);
  ASSERT_TRUE(spec) << spec.error().text();
  EXPECT_EQ(write_spec(*spec), full) << Json::diff(full, write_spec(*spec));
  EXPECT_EQ(read_spec(write_spec(*spec)), spec);
}

TEST(Drift, AFullStatusIsReadAndWrittenBackUnchanged) {
  const Json full = Filler().fill(schema_of("status"));
  ASSERT_THAT(refusals(schema_of("status"), full, "status"), testing::IsEmpty());
  const auto status = read_status(full);
  ASSERT_TRUE(status) << status.error().text();
  EXPECT_EQ(write_status(*status), full) << Json::diff(full, write_status(*status));
  EXPECT_EQ(read_status(write_status(*status)), status);
}

/// Calls `visit` for every choice of every enum in `schema`, with the pointer of its (first) place in an
/// object.
void each_choice(const Json& schema, const std::string& pointer,
                 const std::function<void(const std::string& pointer, const Json& choice)>& visit) {
  if (schema.contains("properties"))
    for (const auto& [name, field] : schema["properties"].items())
      each_choice(field, pointer + "/" + name, visit);
  if (schema.contains("items")) each_choice(schema["items"], pointer + "/0", visit);
  if (schema.contains("enum"))
    for (const Json& choice : schema["enum"])
      visit(pointer, choice);
}

Result<Json> round_trip(const std::string& part, const Json& object) {
  if (part == "spec") return read_spec(object).map(write_spec);
  return read_status(object).map(write_status);
}

TEST(Drift, EveryChoiceOfEveryEnumIsReadAndWrittenBack) {
  int choices = 0;
  for (const std::string& part : {std::string("spec"), std::string("status")}) {
    const Json full = Filler().fill(schema_of(part));
    each_choice(schema_of(part), "", [&](const std::string& pointer, const Json& choice) {
      Json object = full;
      object[Json::json_pointer(pointer)] = choice;
      const auto written = round_trip(part, object);
      ASSERT_TRUE(written) << written.error().text();
      EXPECT_EQ(*written, object) << pointer;
      ++choices;
    });
  }
  EXPECT_GE(choices, 30);
}

TEST(Drift, TheLargestAndSmallestIntegersOfTheSchemaAreReadAndWrittenBack) {
  const Json full = Filler().fill(schema_of("spec"));
  for (const char* bound : {"minimum", "maximum"}) {
    Json object = full;
    object["resyncGeneration"] = schema_of("spec")["properties"]["resyncGeneration"][bound];
    for (const char* group : {"sync", "snapshot"})
      for (const auto& [name, leaf] : schema_of("spec")["properties"][group]["properties"].items())
        if (leaf.contains(bound)) object[group][name] = leaf[bound];
    const auto spec = read_spec(object);
    ASSERT_TRUE(spec) << spec.error().text();
    EXPECT_EQ(write_spec(*spec), object);
  }
}

/// "Default: Fail." in a field's description, as a value; null when it says none.
Json described_default(const Json& schema) {
  const auto description = schema.value("description", "");
  std::smatch found;
  if (!std::regex_search(description, found, std::regex("Default: ([^.]+)\\."))) return nullptr;
  const auto text = found[1].str();
  return schema["type"] == "string" ? Json(text) : Json::parse(text);
}

/// Fills in what the items of lists are without a field. The schema has no defaults there: a merge patch
/// replaces a list as a whole, so that an item that does not say its defaults would be a change each time it
/// is applied.
Json with_described_defaults(const Json& schema, Json value, bool in_list = false) {
  if (value.is_array())
    for (Json& item : value)
      item = with_described_defaults(schema["items"], item, true);
  if (!value.is_object()) return value;
  for (const auto& [name, field] : schema["properties"].items()) {
    if (value.contains(name)) value[name] = with_described_defaults(field, value[name], in_list);
    if (in_list && !value.contains(name) && !described_default(field).is_null())
      value[name] = described_default(field);
  }
  return value;
}

TEST(Drift, DefaultsOfTheTypesAreTheDefaultsOfTheSchema) {
  Json minimal = read_yaml_file("examples/minimal.yaml")["spec"];
  const Json secret = {{"name", "s"}};
  const auto compare = [](const Json& spec) {
    const auto read = read_spec(spec);
    ASSERT_TRUE(read) << read.error().text();
    EXPECT_EQ(write_spec(*read),
              with_described_defaults(schema_of("spec"), with_defaults(schema_of("spec"), spec)));
  };
  compare(minimal);
  minimal["source"]["postgres"]["passwordSecretRef"] = secret;
  minimal["source"]["postgres"]["tls"] = {
      {"caSecretRef", secret}, {"clientCertificateSecretRef", secret}, {"clientKeySecretRef", secret}};
  minimal["destination"]["clickhouse"]["passwordSecretRef"] = secret;
  minimal["destination"]["clickhouse"]["caSecretRef"] = secret;
  minimal["tables"][0]["columns"] = {{{"name", "c"}}};
  compare(minimal);
}

void expect_no_defaults(const Json& schema, const std::string& path, bool in_list) {
  EXPECT_FALSE(in_list && schema.contains("default")) << path;
  if (schema.contains("items")) expect_no_defaults(schema["items"], path + "[]", true);
  if (!schema.contains("properties")) return;
  for (const auto& [name, field] : schema["properties"].items())
    expect_no_defaults(field, path + "." + name, in_list);
}

TEST(Schema, HasNoDefaultsInTheItemsOfLists) {
  expect_no_defaults(schema_of("spec"), "spec", false);
}

TEST(Drift, DefaultsAreAllowedByTheSchemaThemselves) {
  each_leaf(schema_of("spec"), "spec", [](const std::string& path, const Json& leaf) {
    const Json value = leaf.value("default", Json());
    EXPECT_THAT(value.is_null() ? std::vector<std::string>{} : refusals(leaf, value, path),
                testing::IsEmpty());
  });
}

void expect_described(const Json& schema, const std::string& path) {
  if (!schema.contains("properties")) return;
  for (const auto& [name, field] : schema["properties"].items()) {
    if (path.empty() && name == "metadata") continue;
    EXPECT_FALSE(field.value("description", "").empty()) << path << "." << name;
    expect_described(field, path + "." + name);
    if (field.contains("items")) expect_described(field["items"], path + "." + name + "[]");
  }
}

TEST(Schema, EveryFieldIsDescribed) {
  expect_described(schema_of(""), "");
}

TEST(Schema, EveryFieldOfTheSpecIsBounded) {
  each_leaf(schema_of("spec"), "spec", [](const std::string& path, const Json& leaf) {
    const std::string type = leaf["type"];
    const bool bounded = type == "boolean" || leaf.contains("enum") || leaf.contains("maxLength") ||
                         (leaf.contains("minimum") && leaf.contains("maximum"));
    EXPECT_TRUE(bounded) << path;
  });
}

void expect_worded_rules(const Json& schema, const std::string& path) {
  if (!schema.is_structured()) return;
  // An API server answers a pattern with the pattern, a rule with its message.
  if (schema.is_object() && schema.contains("pattern")) {
    EXPECT_FALSE(schema["pattern"].is_string()) << path << ": say it in words, as a rule with a message";
  }
  if (schema.is_object() && schema.contains("x-kubernetes-validations")) {
    for (const auto& rule : schema["x-kubernetes-validations"]) {
      EXPECT_GT(rule.value("message", "").size(), 10U) << path;
    }
  }
  for (const auto& [name, child] : schema.items())
    expect_worded_rules(child, path + "." + name);
}

TEST(Schema, EveryRuleIsToldInWords) {
  expect_worded_rules(schema_of(""), "");
}

TEST(Schema, PrinterColumnsShowFieldsThatExist) {
  const Json& columns = crd_json()["spec"]["versions"][0]["additionalPrinterColumns"];
  std::vector<std::string> names;
  for (const auto& column : columns) {
    if (!column.contains("priority")) names.push_back(column["name"]);
    std::string pointer = column["jsonPath"];
    if (pointer == ".metadata.creationTimestamp") continue;
    for (auto at = pointer.find('.'); at != std::string::npos; at = pointer.find('.', at + 1))
      pointer.replace(at, 1, "/properties/");
    ASSERT_TRUE(schema_of("").contains(Json::json_pointer(pointer))) << pointer;
    EXPECT_EQ(schema_of("").at(Json::json_pointer(pointer))["type"], column["type"]) << pointer;
  }
  EXPECT_THAT(names, testing::ElementsAre("State", "Tables", "Rows", "Lag", "Age"));
}

}  // namespace
}  // namespace penstock::test
