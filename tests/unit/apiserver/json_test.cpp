#include "controller/apiserver/json.hpp"

#include <gtest/gtest.h>

namespace penstock::apiserver {
namespace {

TEST(ParseJson, KeepsIntegersAndFloatsApart) {
  const auto parsed = parse_json(R"({"a": 1, "b": 1.0, "c": 18446744073709551615, "d": -5})");
  ASSERT_TRUE(parsed);
  EXPECT_TRUE(parsed->value["a"].is_number_integer());
  EXPECT_TRUE(parsed->value["b"].is_number_float());
  EXPECT_EQ(parsed->value["c"].get<std::uint64_t>(), UINT64_MAX);
  EXPECT_EQ(parsed->value["d"], -5);
}

TEST(ParseJson, NamesThePathOfAKeyThatComesTwiceAndTakesTheLast) {
  const auto parsed =
      parse_json(R"({"spec": {"tables": [{"a": 1}, {"x": 1, "x": 2}], "spec": 1}, "spec": {}})");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->duplicates, (std::vector<std::string>{"spec.tables[1].x", "spec"}));
  EXPECT_EQ(parsed->value["spec"], Json::object());
}

TEST(ParseJson, RefusesNestingBeyondTheLimitWithoutRecursing) {
  for (const auto* brackets : {"[]", "{}"}) {
    std::string text;
    for (int i = 0; i < 100'000; ++i) {
      text += brackets[0] == '[' ? "[" : "{\"a\":";
    }
    const auto parsed = parse_json(text);
    ASSERT_FALSE(parsed);
    EXPECT_NE(parsed.error().find("nested deeper than"), std::string::npos) << parsed.error();
  }
}

TEST(ParseJson, AcceptsNestingUpToTheLimit) {
  EXPECT_TRUE(parse_json(std::string(kMaxDepth, '[') + std::string(kMaxDepth, ']')));
  EXPECT_FALSE(parse_json(std::string(kMaxDepth + 1, '[') + std::string(kMaxDepth + 1, ']')));
}

TEST(ParseJson, NeverQuotesTheDocumentInItsError) {
  for (const auto* text : {"{\"password\": \"geheim\xff\"}", "{\"password\": \"geheim", "{\"a\": geheim}",
                           "{\"a\": \"b\"} geheim", "{\"geheim\" 1}"}) {
    const auto parsed = parse_json(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().find("geheim"), std::string::npos) << parsed.error();
    EXPECT_NE(parsed.error().find("invalid JSON at byte"), std::string::npos) << parsed.error();
  }
}

TEST(ParseJson, RefusesWhatIsNoDocument) {
  for (const auto* text : {"", " ", "{", "nul", "1e999", "{\"a\":1,}", "\"\\ud800\""}) {
    EXPECT_FALSE(parse_json(text)) << text;
  }
}

TEST(Member, AnswersNullWhereverThereIsNothing) {
  const Json object{{"a", {{"b", "text"}}}};
  EXPECT_EQ(text_of(object, {"a", "b"}), "text");
  EXPECT_EQ(text_of(object, {"a", "b", "c"}), "");
  EXPECT_TRUE(member(object, {"x", "y"}).is_null());
  EXPECT_TRUE(member(Json(5), "x").is_null());
}

TEST(DepthOf, CountsLevels) {
  EXPECT_EQ(depth_of(Json(1)), 0U);
  EXPECT_EQ(depth_of(Json::parse(R"({"a": [1, {"b": 2}], "c": {}})")), 3U);
}

TEST(ChildPath, BracketsNamesThatHoldDots) {
  EXPECT_EQ(child_path("metadata.labels", "a.b/c"), "metadata.labels[a.b/c]");
  EXPECT_EQ(child_path("", "spec"), "spec");
}

}  // namespace
}  // namespace penstock::apiserver
