#include "controller/apiserver/schema.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/apiserver/test_api.hpp"

namespace penstock::apiserver {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// A valid Widget with this much of its spec changed.
Json with_spec(const char* change) {
  Json object = widget("w");
  object["spec"].merge_patch(Json::parse(change));
  return object;
}

std::vector<std::string> faults(const Json& object) {
  std::vector<std::string> texts;
  for (const auto& cause : validate(object, widget_type().schema)) {
    texts.push_back(cause.field + ": " + cause.message);
  }
  return texts;
}

TEST(Validate, FindsNothingWrongWithAGoodObject) {
  EXPECT_THAT(
      faults(with_spec(R"({"color": "green", "code": "abc", "ratio": 1, "port": "http", "tags": {"a": "b"},
    "parts": [{"name": "x"}, {"name": "y"}], "words": ["a", "b"], "free": {"any": [1, {"thing": null}]}})")),
      ElementsAre());
}

struct Fault {
  const char* spec;
  const char* text;
};

class ValidateSpec : public testing::TestWithParam<Fault> {};

TEST_P(ValidateSpec, NamesPathAndFaultAsKubernetesDoes) {
  EXPECT_THAT(faults(with_spec(GetParam().spec)), ElementsAre(GetParam().text));
}

INSTANTIATE_TEST_SUITE_P(
    Each, ValidateSpec,
    testing::Values(
        Fault{R"({"size": 101})",
              "spec.size: Invalid value: 101: spec.size in body should be less than or equal to 100"},
        Fault{R"({"size": 0})",
              "spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1"},
        Fault{R"({"size": "5"})",
              R"(spec.size: Invalid value: "string": spec.size in body must be of type integer: "string")"},
        Fault{R"({"size": 5.5})",
              R"(spec.size: Invalid value: "number": spec.size in body must be of type integer: "number")"},
        Fault{R"({"color": "blue"})",
              R"(spec.color: Unsupported value: "blue": supported values: "red", "green")"},
        Fault{R"({"code": "ABC"})",
              R"(spec.code: Invalid value: "ABC": spec.code in body should match '^[a-z]+$')"},
        Fault{R"({"code": "a"})",
              R"(spec.code: Invalid value: "a": spec.code in body should be at least 2 chars long)"},
        Fault{R"({"code": "abcdef"})", "spec.code: Too long: may not be more than 5 characters"},
        Fault{
            R"({"port": true})",
            R"(spec.port: Invalid value: "boolean": spec.port in body must be of type integer or string: "boolean")"},
        Fault{R"({"tags": {"a": "1", "b": "2", "c": "3"}})",
              "spec.tags: Too many: 3: must have at most 2 items"},
        Fault{
            R"({"tags": {"a.b": 1}})",
            R"(spec.tags[a.b]: Invalid value: "integer": spec.tags[a.b] in body must be of type string: "integer")"},
        Fault{R"({"parts": [{"name": "x"}, {"count": 2, "name": "x"}]})",
              R"(spec.parts[1]: Duplicate value: {"name":"x"})"},
        Fault{R"({"parts": [{"count": 2}]})", "spec.parts[0].name: Required value"},
        Fault{R"({"parts": {}})",
              R"(spec.parts: Invalid value: "object": spec.parts in body must be of type array: "object")"},
        Fault{R"({"words": ["a", "a"]})", R"(spec.words[1]: Duplicate value: "a")"},
        Fault{R"({"parts": [1,2,3,4]})", "spec.parts: Too many: 4: must have at most 3 items"}));

TEST(Validate, MissesARequiredField) {
  EXPECT_THAT(faults(with_spec(R"({"size": null})")), ElementsAre("spec.size: Required value"));
}

TEST(Validate, TakesNullOnlyWhereTheFieldIsNullable) {
  Json object = widget("w");
  object["spec"]["note"] = nullptr;
  EXPECT_THAT(faults(object), ElementsAre());
  object["spec"]["code"] = nullptr;
  EXPECT_THAT(faults(object), ElementsAre(HasSubstr("must be of type string: \"null\"")));
}

TEST(Validate, CountsCharactersAndNotBytes) {
  EXPECT_TRUE(validate("äöüßé", Json{{"type", "string"}, {"maxLength", 5}}).empty());
  EXPECT_FALSE(validate("äöüßée", Json{{"type", "string"}, {"maxLength", 5}}).empty());
}

TEST(Validate, HoldsLongTextAgainstAGreedyPatternWithoutOverflowingTheStack) {
  const Json schema{{"type", "string"}, {"pattern", "^(([a-z])+.)+[A-Z]([a-z])+$"}};
  EXPECT_EQ(validate(std::string(10'000, 'a'), schema, "x").size(), 1U);
  const auto causes = validate(std::string(1'000'000, 'a'), schema, "x");
  ASSERT_EQ(causes.size(), 1U);
  EXPECT_EQ(causes[0].reason, "FieldValueTooLong");
}

TEST(Validate, StopsAtAHundredFaults) {
  Json list = Json::array();
  for (int i = 0; i < 1000; ++i) {
    list.push_back(i);
  }
  EXPECT_EQ(validate(list, Json{{"type", "array"}, {"items", {{"type", "string"}}}}, "x").size(), kMaxCauses);
}

TEST(Validate, KnowsFormatsAndCombinations) {
  EXPECT_FALSE(validate(3'000'000'000, Json{{"type", "integer"}, {"format", "int32"}}).empty());
  EXPECT_FALSE(validate("yesterday", Json{{"type", "string"}, {"format", "date-time"}}).empty());
  EXPECT_TRUE(
      validate("2024-02-29T00:00:00.5+02:00", Json{{"type", "string"}, {"format", "date-time"}}).empty());
  const Json either{{"anyOf", {{{"required", {"a"}}}, {{"required", {"b"}}}}}};
  EXPECT_TRUE(validate(Json{{"b", 1}}, either).empty());
  EXPECT_FALSE(validate(Json{{"c", 1}}, either).empty());
  const Json one{{"oneOf", {{{"required", {"a"}}}, {{"required", {"b"}}}}}};
  EXPECT_FALSE(validate(Json{{"a", 1}, {"b", 1}}, one).empty());
  EXPECT_FALSE(validate(Json{{"a", 1}}, Json{{"not", {{"required", {"a"}}}}}).empty());
}

TEST(Prune, RemovesAndNamesWhatTheSchemaDoesNotKnow) {
  Json object = with_spec(R"({"colour": "red", "parts": [{"name": "a", "size": 1}], "tags": {"any": "b"},
    "free": {"x": {"y": 1}}})");
  object["extra"] = 1;
  object["metadata"]["foo"] = 1;
  object["metadata"]["labels"] = {{"anything", "goes"}};
  EXPECT_THAT(prune(object, widget_type().schema),
              ElementsAre("extra", "metadata.foo", "spec.colour", "spec.parts[0].size"));
  EXPECT_EQ(object["spec"]["free"]["x"]["y"], 1);
  EXPECT_EQ(object["spec"]["tags"]["any"], "b");
  EXPECT_FALSE(object["spec"].contains("colour"));
}

TEST(ApplyDefaults, FillsInWhatIsAbsentAtEveryLevel) {
  Json object = with_spec(R"({"parts": [{"name": "a"}, {"name": "b", "count": 7}]})");
  apply_defaults(object, widget_type().schema);
  EXPECT_EQ(object["spec"]["color"], "red");
  EXPECT_EQ(object["spec"]["nested"], (Json{{"depth", 3}}));
  EXPECT_EQ(object["spec"]["parts"][0]["count"], 1);
  EXPECT_EQ(object["spec"]["parts"][1]["count"], 7);
}

TEST(ApplyDefaults, DropsNullForTheDefaultUnlessNullIsAValue) {
  Json object = widget("w");
  object["spec"]["color"] = nullptr;
  object["spec"]["note"] = nullptr;
  apply_defaults(object, widget_type().schema);
  EXPECT_EQ(object["spec"]["color"], "red");
  EXPECT_TRUE(object["spec"]["note"].is_null());
}

TEST(ApplyDefaults, WritesWholeFloatsInIntegerFieldsAsIntegers) {
  Json object = with_spec(R"({"size": 7.0, "ratio": 2.0})");
  apply_defaults(object, widget_type().schema);
  EXPECT_TRUE(object["spec"]["size"].is_number_integer());
  EXPECT_TRUE(object["spec"]["ratio"].is_number_float());
}

TEST(TypeOfCrd, ReadsNamesColumnsAndSubresources) {
  const auto type = widget_type();
  EXPECT_EQ(type.qualified(), "widgets.test.dev");
  EXPECT_EQ(type.api_version(), "test.dev/v1");
  EXPECT_EQ(type.list_kind, "WidgetList");
  EXPECT_EQ(type.definition, "dev.test.v1.Widget");
  EXPECT_TRUE(type.has_status);
  EXPECT_EQ(type.columns.size(), 5U);
}

TEST(TypeOfCrd, SaysWhatIsMissing) {
  Json crd = widget_crd();
  crd["spec"]["versions"][0]["storage"] = false;
  EXPECT_THAT(type_of_crd(crd).error(), HasSubstr("storage"));
  crd = widget_crd();
  crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["code"]
     ["pattern"] = "(";
  EXPECT_THAT(type_of_crd(crd).error(), HasSubstr("the pattern ( is not understood"));
  crd = widget_crd();
  crd["spec"]["versions"][0].erase("schema");
  EXPECT_THAT(type_of_crd(crd).error(), HasSubstr("openAPIV3Schema"));
  EXPECT_FALSE(type_of_crd(Json()).has_value());
}

}  // namespace
}  // namespace penstock::apiserver
