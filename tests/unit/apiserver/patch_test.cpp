#include "controller/apiserver/patch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::apiserver {
namespace {

using testing::HasSubstr;

Json patched(PatchKind kind, const char* object, const char* patch) {
  return apply_patch(kind, Json::parse(object), Json::parse(patch)).value();
}

ApiError refused(const char* object, const char* patch) {
  return apply_patch(PatchKind::Operations, Json::parse(object), Json::parse(patch)).error();
}

TEST(MergePatch, ReplacesListsAndRemovesByNull) {
  EXPECT_EQ(patched(PatchKind::Merge, R"({"a": {"b": 1, "c": 2}, "l": [1, 2]})",
                    R"({"a": {"b": null, "d": 3}, "l": [9], "n": {"x": null}})"),
            Json::parse(R"({"a": {"c": 2, "d": 3}, "l": [9], "n": {}})"));
}

TEST(MergePatch, MustBeAnObject) {
  EXPECT_EQ(apply_patch(PatchKind::Merge, Json::object(), Json::array()).error().code, 400);
}

TEST(JsonPatch, CarriesOutEveryOperation) {
  EXPECT_EQ(patched(PatchKind::Operations, R"({"a": [1, 2], "b": {"c/d": 1, "~": 2}, "e": 5})",
                    R"([{"op": "test", "path": "/a/0", "value": 1},
                        {"op": "add", "path": "/a/1", "value": 9}, {"op": "add", "path": "/a/-", "value": 10},
                        {"op": "remove", "path": "/b/c~1d"}, {"op": "replace", "path": "/b/~0", "value": 3},
                        {"op": "copy", "from": "/e", "path": "/f"}, {"op": "move", "from": "/e", "path": "/b/g"}])"),
            Json::parse(R"({"a": [1, 9, 2, 10], "b": {"~": 3, "g": 5}, "f": 5})"));
}

TEST(JsonPatch, RefusesWhatDoesNotFitWith422AndTheNumberOfTheOperation) {
  for (const auto* patch : {
           R"([{"op": "replace", "path": "/x", "value": 1}])",
           R"([{"op": "remove", "path": "/a/7"}])",
           R"([{"op": "add", "path": "/x/y", "value": 1}])",
           R"([{"op": "add", "path": "/a/01", "value": 1}])",
           R"([{"op": "add", "path": "/a/99", "value": 1}])",
           R"([{"op": "test", "path": "/b", "value": 3}])",
           R"([{"op": "move", "from": "/c", "path": "/c/d"}])",
           R"([{"op": "copy", "from": "/none", "path": "/d"}])",
           R"([{"op": "add", "path": "/b"}])",
           R"([{"op": "jump", "path": "/b", "value": 1}])",
           R"([{"op": "add", "path": "b", "value": 1}])",
           R"([{"op": "add", "path": "/b~2", "value": 1}])",
           R"([{"op": "remove", "path": ""}])",
           R"([{"path": "/b", "value": 1}])",
           R"([5])",
       }) {
    const auto error = refused(R"({"a": [1], "b": 2, "c": {}})", patch);
    EXPECT_EQ(error.code, 422) << patch;
    EXPECT_THAT(error.message, HasSubstr("[0]")) << patch;
  }
}

TEST(JsonPatch, ChangesNothingWhenOneOperationFails) {
  const Json object{{"a", 1}};
  EXPECT_FALSE(apply_patch(
      PatchKind::Operations, object,
      Json::parse(R"([{"op": "add", "path": "/b", "value": 1}, {"op": "remove", "path": "/x"}])")));
  EXPECT_EQ(object, (Json{{"a", 1}}));
}

TEST(JsonPatch, IsBoundedInNumberAndInWhatCopiesAdd) {
  Json many = Json::array();
  for (int i = 0; i < 10'001; ++i) {
    many.push_back({{"op", "test"}, {"path", "/a"}, {"value", 1}});
  }
  EXPECT_EQ(apply_patch(PatchKind::Operations, Json{{"a", 1}}, many).error().code, 400);
  Json doubling = Json::array();
  for (int i = 0; i < 60; ++i) {
    doubling.push_back({{"op", "copy"}, {"from", "/a"}, {"path", "/a/-"}});
  }
  const auto error = apply_patch(PatchKind::Operations, Json{{"a", {1, 2, 3}}}, doubling).error();
  EXPECT_THAT(error.message, HasSubstr("copy too much"));
}

TEST(JsonPatch, CopiesThatDoubleTheDepthEndBeforeTheStackDoes) {
  Json doubling = Json::array();
  std::string innermost = "/a";
  for (int i = 0; i < 18; ++i) {
    doubling.push_back({{"op", "copy"}, {"from", ""}, {"path", innermost}});
    innermost += innermost;
  }
  EXPECT_EQ(apply_patch(PatchKind::Operations, Json{{"a", Json::object()}}, doubling).error().code, 400);
}

TEST(JsonPatch, RefusesToNestBeyondTheDepthLimit) {
  Json deeper = Json::array();
  for (int i = 0; i < 400; ++i) {
    deeper.push_back({{"op", "move"}, {"from", "/a"}, {"path", "/b"}});
    deeper.push_back({{"op", "add"}, {"path", "/a"}, {"value", Json::object()}});
    deeper.push_back({{"op", "move"}, {"from", "/b"}, {"path", "/a/b"}});
  }
  EXPECT_EQ(apply_patch(PatchKind::Operations, Json{{"a", Json::object()}}, deeper).error().code, 400);
}

TEST(StrategicPatch, MergesMapsAndFinalizersAndReplacesOtherLists) {
  EXPECT_EQ(patched(PatchKind::Strategic,
                    R"({"metadata": {"finalizers": ["a", "b"], "labels": {"x": "1"}}, "l": [1]})",
                    R"({"metadata": {"finalizers": ["c", "a"], "labels": {"x": null, "y": "2"}}, "l": [2]})"),
            Json::parse(R"({"metadata": {"finalizers": ["a", "b", "c"], "labels": {"y": "2"}}, "l": [2]})"));
}

TEST(StrategicPatch, RemovesAndOrdersFinalizersByDirective) {
  EXPECT_EQ(patched(PatchKind::Strategic, R"({"metadata": {"finalizers": ["a", "b", "c"]}})",
                    R"({"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"],
                        "$setElementOrder/finalizers": ["c", "b"]}})"),
            Json::parse(R"({"metadata": {"finalizers": ["c", "b"]}})"));
}

TEST(StrategicPatch, MatchesOwnerReferencesByUid) {
  EXPECT_EQ(
      patched(
          PatchKind::Strategic,
          R"({"metadata": {"ownerReferences": [{"uid": "1", "name": "a"}, {"uid": "2", "name": "b"}]}})",
          R"({"metadata": {"ownerReferences": [{"uid": "1", "name": "x"}, {"uid": "2", "$patch": "delete"},
                        {"uid": "3", "name": "c"}]}})"),
      Json::parse(
          R"({"metadata": {"ownerReferences": [{"uid": "1", "name": "x"}, {"uid": "3", "name": "c"}]}})"));
}

TEST(StrategicPatch, ReplacesAMapByDirective) {
  EXPECT_EQ(patched(PatchKind::Strategic, R"({"data": {"a": "1", "b": "2"}})",
                    R"({"data": {"$patch": "replace", "c": "3"}})"),
            Json::parse(R"({"data": {"c": "3"}})"));
  EXPECT_EQ(patched(PatchKind::Strategic, R"({"data": {"a": "1", "b": "2"}})",
                    R"({"data": {"$retainKeys": ["b", "c"], "c": "3"}})"),
            Json::parse(R"({"data": {"b": "2", "c": "3"}})"));
}

}  // namespace
}  // namespace penstock::apiserver
