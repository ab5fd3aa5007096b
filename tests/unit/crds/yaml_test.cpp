#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "crds/crd.hpp"

namespace penstock {
namespace {

using Json = nlohmann::json;

Json parsed(const std::string& yaml) {
  const auto json = yaml_to_json(yaml);
  if (!json) ADD_FAILURE() << yaml << ": " << json.error().text();
  return json ? *json : Json();
}

std::string fault(const std::string& yaml) {
  const auto json = yaml_to_json(yaml);
  return json ? "accepted as " + json->dump() : json.error().reason + ": " + json.error().message;
}

TEST(Yaml, PlainScalarsHaveTheTypesOfTheCoreSchema) {
  const struct {
    const char* text;
    const char* json;
  } cases[] = {
      {"no", R"("no")"},
      {"yes", R"("yes")"},
      {"on", R"("on")"},
      {"y", R"("y")"},
      {"true", "true"},
      {"False", "false"},
      {"tRUE", R"("tRUE")"},
      {"~", "null"},
      {"null", "null"},
      {"nUll", R"("nUll")"},
      {"", "null"},
      {"012", "12"},
      {"0o14", "12"},
      {"0xff", "255"},
      {"1_000", R"("1_000")"},
      {"1:30", R"("1:30")"},
      {"+7", "7"},
      {"-7", "-7"},
      {"-a", R"("-a")"},
      {".5", "0.5"},
      {"5.", "5"},
      {"1.5", "1.5"},
      {"1e3", "1000"},
      {"1.5E-1", "0.15"},
      {"e3", R"("e3")"},
      {".", R"(".")"},
      {"1e", R"("1e")"},
      {"1.2.3", R"("1.2.3")"},
      {"200ms", R"("200ms")"},
      {"2024-01-01", R"("2024-01-01")"},
      {"9007199254740993", "9007199254740993"},
      {"18446744073709551615", "18446744073709551615"},
      {"0x", R"("0x")"},
      {"0b1", R"("0b1")"},
      {"!!str 5", R"("5")"},
      {"!!str null", R"("null")"},
      {"!!int 5", "5"},
      {"public.orders", R"("public.orders")"},
  };
  for (const auto& each : cases) {
    const Json value = parsed("value: " + std::string(each.text))["value"];
    EXPECT_EQ(value.dump(), each.json) << each.text;
  }
}

TEST(Yaml, WhatTheLibraryReadsForEverIsRefused) {
  for (const char* text : {", 0o1,---\nc51615}\n", "]", "}\n", "a: 1\n---\n]\n"})
    EXPECT_FALSE(yaml_documents(text)) << text;
}

TEST(Yaml, QuotedAndBlockScalarsStayStrings) {
  EXPECT_EQ(parsed(R"(a: ["1", 'no', "null", '~', "true", ''])"),
            Json::parse(R"({"a": ["1", "no", "null", "~", "true", ""]})"));
  EXPECT_EQ(parsed("a: |\n  12\nb: >-\n  13\n"), Json::parse(R"({"a": "12\n", "b": "13"})"));
  EXPECT_EQ(parsed(R"(a: '"My.Schema"."Order Lines"')")["a"], R"("My.Schema"."Order Lines")");
}

TEST(Yaml, KeysAreTakenAsWritten) {
  EXPECT_EQ(parsed("1: a\nyes: b\n\"\": c"), Json::parse(R"({"1": "a", "yes": "b", "": "c"})"));
}

TEST(Yaml, ErrorsNameLineAndColumn) {
  EXPECT_THAT(fault("a: 1\nb: [1,\n"), testing::StartsWith("InvalidYaml: line 3, column 1: "));
  EXPECT_THAT(fault("a: 1\n b: 2\n"), testing::StartsWith("InvalidYaml: line 2, column "));
  EXPECT_EQ(fault("a: 1\nb: 2\na: 3\n"), "InvalidYaml: line 3, column 1: the key a is there twice");
  EXPECT_EQ(fault("a: .inf"), "InvalidYaml: line 1, column 4: JSON has no .inf");
  EXPECT_EQ(fault("a: !!binary aGk="),
            "InvalidYaml: line 1, column 4: the tag tag:yaml.org,2002:binary is not supported here");
  EXPECT_THAT(fault("a: !!int five"), testing::HasSubstr("is not supported here"));
  EXPECT_EQ(fault("? [a]\n: 1"), "InvalidYaml: line 1, column 3: a key must be a plain word");
  EXPECT_EQ(fault("a: *nobody"), "InvalidYaml: line 1, column 4: the referenced anchor is not defined");
  EXPECT_THAT(fault("a: &x {b: 1}\nc: {<<: *x}"), testing::HasSubstr("merge keys (<<)"));
}

TEST(Yaml, OneDocumentIsWanted) {
  EXPECT_EQ(fault(""), "InvalidYaml: the document is empty");
  EXPECT_EQ(fault("# nothing\n---\n"), "InvalidYaml: the document is empty");
  EXPECT_EQ(fault("a: 1\n---\nb: 2\n"), "InvalidYaml: one document is wanted, there are 2");
  EXPECT_EQ(parsed("---\na: 1\n---\n"), Json::parse(R"({"a": 1})"));
}

TEST(Yaml, DocumentsOfAStreamComeInOrderWithoutTheEmptyOnes) {
  const auto documents = yaml_documents("---\n---\na: 1\n---\n# a comment\n---\nb: 2\n...\n");
  ASSERT_TRUE(documents);
  EXPECT_EQ(*documents, (std::vector<Json>{Json::parse(R"({"a": 1})"), Json::parse(R"({"b": 2})")}));
}

TEST(Yaml, AliasesAreWrittenOut) {
  EXPECT_EQ(parsed("a: &x {b: [1]}\nc: *x"), Json::parse(R"({"a": {"b": [1]}, "c": {"b": [1]}})"));
}

TEST(Yaml, AliasesThatExpandBeyondMeasureAreRefused) {
  std::string nested = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 30; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    nested += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
    for (int k = 0; k < 9; ++k)
      nested += ", " + last;
    nested += "]\n";
  }
  EXPECT_THAT(fault(nested), testing::HasSubstr("aliases expand to too much"));

  std::string wide = "a: &a " + std::string(100'000, 'x') + "\nb: [";
  for (int i = 0; i < 5000; ++i)
    wide += "*a, ";
  EXPECT_THAT(fault(wide + "*a]"), testing::HasSubstr("aliases expand to too much"));
}

TEST(Yaml, NestingWithoutEndIsRefused) {
  EXPECT_THAT(fault("a: &a [*a]"), testing::HasSubstr("nested too deeply"));
  EXPECT_THAT(fault(std::string(200, '[') + std::string(200, ']')), testing::HasSubstr("nested too deeply"));
  EXPECT_THAT(fault(std::string(100'000, '[')), testing::HasSubstr("nested too deeply"));
  std::string maps;
  for (int i = 0; i < 50'000; ++i)
    maps += "{a: ";
  EXPECT_THAT(fault(maps), testing::HasSubstr("nested too deeply"));
}

TEST(Yaml, HostileBytesAreAnErrorOrText) {
  for (const std::string& text :
       {std::string("\0\0\0", 3), std::string("\xff\xfe\x00", 3), std::string("a: \x01"),
        std::string("\xEF\xBB\xBF"), std::string("%YAML 9.9\n---\na"), std::string("a: \"\\x\""),
        std::string("- - - ? ? : :"), std::string("\t"), std::string("!<"), std::string("&")}) {
    const auto json = yaml_to_json(text);
    EXPECT_TRUE(json || json.error().reason == "InvalidYaml") << text;
  }
}

TEST(Crd, IsThePipesDefinition) {
  EXPECT_EQ(crd_json()["metadata"]["name"], "pipes.penstock.dev");
  EXPECT_EQ(crd_json()["spec"]["names"]["shortNames"], Json::array({"pp"}));
  EXPECT_TRUE(crd_json()["spec"]["versions"][0]["subresources"].contains("status"));
  EXPECT_THAT(std::string(crd_yaml()), testing::HasSubstr("kind: CustomResourceDefinition"));
}

}  // namespace
}  // namespace penstock
