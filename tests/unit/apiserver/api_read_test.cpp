#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/apiserver/test_api.hpp"

namespace penstock::apiserver {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kTable = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
constexpr const char* kPartial = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";

std::vector<std::string> names(const Json& list) {
  std::vector<std::string> found;
  for (const auto& item : list["items"]) {
    found.push_back(item["metadata"]["name"]);
  }
  return found;
}

class ListTest : public testing::Test {
 protected:
  ListTest() {
    for (const auto* name : {"a", "b", "c", "d", "e"}) {
      Json object = widget(name);
      object["metadata"]["labels"] = {{"vowel", *name == 'a' || *name == 'e' ? "yes" : "no"}};
      api_.post(kWidgets, object);
    }
  }
  Answered list(const std::string& query, const std::string& accept = "") {
    return api_.get(std::string(kWidgets) + "?" + query, accept);
  }
  TestApi api_;
};

TEST_F(ListTest, AnswersAllWithTheRevision) {
  const auto all = list("");
  EXPECT_EQ(all.body["kind"], "WidgetList");
  EXPECT_EQ(all.body["apiVersion"], "test.dev/v1");
  EXPECT_EQ(all.body["metadata"]["resourceVersion"], std::to_string(api_.store().revision()));
  EXPECT_THAT(names(all.body), ElementsAre("a", "b", "c", "d", "e"));
  EXPECT_EQ(all.body["items"][0]["kind"], "Widget");
}

TEST_F(ListTest, Selects) {
  EXPECT_THAT(names(list("labelSelector=vowel%3Dyes").body), ElementsAre("a", "e"));
  EXPECT_THAT(names(list("fieldSelector=metadata.name%3Dc").body), ElementsAre("c"));
  EXPECT_EQ(list("labelSelector=%21%21").code, 400);
  EXPECT_EQ(list("fieldSelector=spec.size%3D5").code, 400);
}

TEST_F(ListTest, GoesOnWhereItStoppedInTheStateItBeganWith) {
  const auto first = list("limit=2");
  EXPECT_THAT(names(first.body), ElementsAre("a", "b"));
  EXPECT_EQ(first.body["metadata"]["remainingItemCount"], 3);
  api_.remove(std::string(kWidgets) + "/c");
  api_.post(kWidgets, widget("bb"));
  const auto token = first.body["metadata"]["continue"].get<std::string>();
  const auto second = list("limit=2&continue=" + token);
  EXPECT_THAT(names(second.body), ElementsAre("c", "d"));
  EXPECT_EQ(second.body["metadata"]["resourceVersion"], first.body["metadata"]["resourceVersion"]);
  const auto third = list("limit=2&continue=" + second.body["metadata"]["continue"].get<std::string>());
  EXPECT_THAT(names(third.body), ElementsAre("e"));
  EXPECT_FALSE(third.body["metadata"].contains("continue"));
  EXPECT_THAT(names(list("").body), ElementsAre("a", "b", "bb", "d", "e"));
  EXPECT_EQ(list("limit=2&continue=rubbish").code, 400);
  EXPECT_EQ(list("limit=x").code, 400);
}

TEST_F(ListTest, DoesNotGoOnFromAStateThatIsForgotten) {
  const auto first = list("limit=2");
  api_.post(kWidgets, widget("f"));
  api_.reopen();
  const auto gone = list("limit=2&continue=" + first.body["metadata"]["continue"].get<std::string>());
  EXPECT_EQ(gone.code, 410);
  EXPECT_EQ(gone.body["reason"], "Expired");
}

TEST_F(ListTest, KnowsResourceVersions) {
  const auto now = api_.store().revision();
  EXPECT_EQ(list("resourceVersion=0").code, 200);
  EXPECT_EQ(list("resourceVersion=" + std::to_string(now)).code, 200);
  EXPECT_THAT(names(list("resourceVersionMatch=Exact&resourceVersion=" + std::to_string(now - 1)).body),
              ElementsAre("a", "b", "c", "d"));
  const auto future = list("resourceVersion=" + std::to_string(now + 5));
  EXPECT_EQ(future.code, 504);
  EXPECT_EQ(future.body["details"]["causes"][0]["reason"], "ResourceVersionTooLarge");
  EXPECT_EQ(list("resourceVersion=x").code, 400);
  EXPECT_EQ(list("resourceVersionMatch=Exact").code, 400);
  EXPECT_EQ(list("resourceVersionMatch=Odd&resourceVersion=1").code, 400);
}

TEST_F(ListTest, ComesAsATableOrAsMetadata) {
  const auto table = list("limit=1", kTable);
  EXPECT_EQ(table.body["kind"], "Table");
  EXPECT_EQ(table.body["columnDefinitions"][0]["name"], "Name");
  EXPECT_EQ(table.body["rows"][0]["cells"][0], "a");
  EXPECT_EQ(table.body["rows"][0]["object"]["kind"], "PartialObjectMetadata");
  EXPECT_FALSE(table.body["metadata"]["continue"].get<std::string>().empty());
  EXPECT_EQ(list("includeObject=Object", kTable).body["rows"][0]["object"]["spec"]["size"], 5);
  const auto partial = list("", kPartial);
  EXPECT_EQ(partial.body["kind"], "PartialObjectMetadataList");
  EXPECT_FALSE(partial.body["items"][0].contains("spec"));
  EXPECT_EQ(api_.get(std::string(kWidgets) + "/a", kTable).body["rows"].size(), 1U);
  EXPECT_EQ(list("", "application/cbor").code, 406);
}

class WatchTest : public testing::Test {
 protected:
  std::shared_ptr<WatchFeed> watch(const std::string& query, const std::string& accept = "") {
    return api_.watch(std::string(kWidgets) + "?watch=true&" + query, accept);
  }
  static std::vector<std::string> pull(WatchFeed& feed) {
    std::vector<std::string> found;
    for (const auto& event : events_of(feed.pull(1U << 20U))) {
      const auto& object = event["object"];
      const std::string name = object["metadata"].value("name", "");
      found.push_back(event["type"].get<std::string>() + " " + name);
    }
    return found;
  }
  std::string one(const std::string& name) { return std::string(kWidgets) + "/" + name; }
  TestApi api_;
};

TEST_F(WatchTest, BeginsWithWhatThereIsAndGoesOn) {
  api_.post(kWidgets, widget("a"));
  const auto feed = watch("");
  EXPECT_THAT(pull(*feed), ElementsAre("ADDED a"));
  EXPECT_THAT(pull(*feed), ElementsAre());
  api_.merge(one("a"), {{"spec", {{"size", 6}}}});
  api_.post(kWidgets, widget("b"));
  api_.remove(one("a"));
  api_.post("/api/v1/namespaces/default/secrets", {{"metadata", {{"name", "s"}}}});
  EXPECT_THAT(pull(*feed), ElementsAre("MODIFIED a", "ADDED b", "DELETED a"));
}

TEST_F(WatchTest, GoesOnFromARevision) {
  api_.post(kWidgets, widget("a"));
  const auto revision = api_.store().revision();
  api_.post(kWidgets, widget("b"));
  EXPECT_THAT(pull(*watch("resourceVersion=" + std::to_string(revision))), ElementsAre("ADDED b"));
}

TEST_F(WatchTest, SeesObjectsEnterAndLeaveItsSelection) {
  const auto feed = watch("labelSelector=on%3Dyes");
  api_.post(kWidgets, widget("a"));
  EXPECT_THAT(pull(*feed), ElementsAre());
  api_.merge(one("a"), {{"metadata", {{"labels", {{"on", "yes"}}}}}});
  api_.merge(one("a"), {{"spec", {{"size", 6}}}});
  api_.merge(one("a"), {{"metadata", {{"labels", {{"on", "no"}}}}}});
  api_.remove(one("a"));
  EXPECT_THAT(pull(*feed), ElementsAre("ADDED a", "MODIFIED a", "DELETED a"));
}

TEST_F(WatchTest, ShowsWhatLeavesItsSelectionAsItWasUnderTheRevisionAtWhichItWent) {
  api_.post(kWidgets, widget("a"));
  api_.merge(one("a"), {{"metadata", {{"labels", {{"on", "yes"}}}}}});
  const auto feed = watch("labelSelector=on%3Dyes");
  (void)pull(*feed);
  const Json left = api_.merge(one("a"), {{"metadata", {{"labels", {{"on", "no"}, {"else", "x"}}}}}}).body;
  const auto events = events_of(feed->pull(1U << 20U));
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0]["type"], "DELETED");
  EXPECT_EQ(events[0]["object"]["metadata"]["labels"], (Json{{"on", "yes"}}));
  EXPECT_EQ(events[0]["object"]["metadata"]["resourceVersion"], left["metadata"]["resourceVersion"]);
}

TEST_F(WatchTest, IsLimitedToItsNamespaceAndName) {
  api_.post("/api/v1/namespaces", {{"metadata", {{"name", "n"}}}});
  api_.post("/apis/test.dev/v1/namespaces/n/widgets", widget("a"));
  api_.post(kWidgets, widget("a"));
  api_.post(kWidgets, widget("b"));
  EXPECT_THAT(pull(*watch("")), ElementsAre("ADDED a", "ADDED b"));
  EXPECT_THAT(pull(*watch("fieldSelector=metadata.name%3Db")), ElementsAre("ADDED b"));
  EXPECT_THAT(pull(*api_.watch("/apis/test.dev/v1/widgets?watch=1")),
              ElementsAre("ADDED a", "ADDED b", "ADDED a"));
  EXPECT_THAT(pull(*api_.watch(one("b") + "?watch=1")), ElementsAre("ADDED b"));
}

TEST_F(WatchTest, MarksTheEndOfWhatThereWasWhenAskedForInitialEvents) {
  api_.post(kWidgets, widget("a"));
  const auto feed =
      watch("sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true");
  const auto events = events_of(feed->pull(1U << 20U));
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0]["type"], "ADDED");
  EXPECT_EQ(events[1]["type"], "BOOKMARK");
  EXPECT_EQ(events[1]["object"]["kind"], "Widget");
  EXPECT_EQ(events[1]["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
  EXPECT_EQ(events[1]["object"]["metadata"]["resourceVersion"], std::to_string(api_.store().revision()));
  EXPECT_EQ(api_.get(std::string(kWidgets) + "?watch=1&sendInitialEvents=true").code, 422);
  const auto none =
      watch("sendInitialEvents=false&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true");
  EXPECT_THAT(pull(*none), ElementsAre());
}

TEST_F(WatchTest, BookmarksItsPlacePastEventsOfOtherKinds) {
  const auto feed = watch("allowWatchBookmarks=true");
  (void)feed->pull(1000);
  api_.post("/api/v1/namespaces/default/secrets", {{"metadata", {{"name", "s"}}}});
  (void)feed->pull(1000);
  const auto events = events_of(feed->bookmark());
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0]["object"]["metadata"]["resourceVersion"], std::to_string(api_.store().revision()));
  EXPECT_EQ(watch("")->bookmark(), "");
}

TEST_F(WatchTest, TooFarBackEndsWith410AndSkipsNothing) {
  api_.reopen({.changes = 3, .bytes = 1U << 20U});
  const auto slow = watch("");
  (void)slow->pull(1000);
  for (int i = 0; i < 10; ++i) {
    api_.post(kWidgets, widget("w" + std::to_string(i)));
  }
  for (const auto& feed : {slow, watch("resourceVersion=1"), watch("resourceVersion=99999")}) {
    const auto events = events_of(feed->pull(1U << 20U));
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0]["type"], "ERROR");
    EXPECT_EQ(events[0]["object"]["code"], 410);
    EXPECT_TRUE(feed->ended());
    EXPECT_EQ(feed->pull(1000), "");
  }
}

TEST_F(WatchTest, PullsInPiecesWithoutLosingAny) {
  for (int i = 0; i < 300; ++i) {
    api_.post(kWidgets, widget("w" + std::to_string(i)));
  }
  const auto from_start = watch("");
  const auto from_revision = watch("resourceVersion=2");
  for (int i = 300; i < 400; ++i) {
    api_.post(kWidgets, widget("w" + std::to_string(i)));
  }
  for (const auto& feed : {from_start, from_revision}) {
    std::set<std::string> seen;
    for (auto lines = feed->pull(500); !lines.empty(); lines = feed->pull(500)) {
      EXPECT_LT(lines.size(), 100'000U);
      for (const auto& event : events_of(lines)) {
        EXPECT_EQ(event["type"], "ADDED");
        EXPECT_TRUE(seen.insert(event["object"]["metadata"]["name"]).second);
      }
    }
    EXPECT_EQ(seen.size(), 400U);
  }
}

TEST_F(WatchTest, AsTablesDefinesTheColumnsOnce) {
  api_.post(kWidgets, widget("a"));
  api_.post(kWidgets, widget("b"));
  const auto events = events_of(watch("", kTable)->pull(1U << 20U));
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0]["object"]["columnDefinitions"].size(), 5U);
  EXPECT_TRUE(events[1]["object"]["columnDefinitions"].is_null());
  EXPECT_EQ(events[1]["object"]["rows"][0]["cells"][0], "b");
  EXPECT_EQ(events[1]["object"]["rows"][0]["object"]["metadata"]["name"], "b");
}

TEST(Authorization, IsAskedOfAllButHealthAndVersion) {
  TestApi api;
  const auto code = [&](const std::string& path, const std::string& authorization) {
    auto request = request_of("GET", path).value();
    request.authorization = authorization;
    return std::get<Response>(api.api().handle(request)).status;
  };
  for (const auto* wrong :
       {"", "Bearer", "Bearer ", "Bearer toke", "Bearer tokens", "Basic token", "token"}) {
    EXPECT_EQ(code("/api/v1/namespaces", wrong), 401) << wrong;
    EXPECT_EQ(code("/nothing", wrong), 401) << wrong;
  }
  EXPECT_EQ(code("/api/v1/namespaces", "Bearer token"), 200);
  for (const auto* open : {"/readyz", "/livez", "/healthz", "/version"}) {
    EXPECT_EQ(code(open, ""), 200) << open;
  }
}

TEST(Documents, ServeDiscoveryInBothForms) {
  TestApi api;
  EXPECT_EQ(api.get("/api").body["versions"], Json::array({"v1"}));
  EXPECT_EQ(api.get("/apis").body["groups"].size(), 8U);
  EXPECT_EQ(api.get("/apis/test.dev").body["preferredVersion"]["version"], "v1");
  const auto resources = api.get("/apis/test.dev/v1").body["resources"];
  EXPECT_EQ(resources[0]["shortNames"], Json::array({"wd"}));
  EXPECT_EQ(resources[0]["categories"], Json::array({"all"}));
  EXPECT_EQ(resources[1]["name"], "widgets/status");
  const auto aggregated =
      api.get("/apis", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
  EXPECT_EQ(aggregated.body["kind"], "APIGroupDiscoveryList");
  EXPECT_EQ(aggregated.body["apiVersion"], "apidiscovery.k8s.io/v2");
  EXPECT_EQ(api.get("/apis/none").code, 404);
  EXPECT_EQ(api.get("/apis/test.dev/v9").code, 404);
  EXPECT_EQ(api.get("/api/v9").code, 404);
}

TEST(Documents, ServeOpenapiV2AsProtobufAlone) {
  TestApi api;
  EXPECT_EQ(api.get("/openapi/v2", "application/json").code, 406);
  auto request = request_of("GET", "/openapi/v2").value();
  request.authorization = "Bearer token";
  request.accept = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
  const auto response = std::get<Response>(api.api().handle(request));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "application/com.github.proto-openapi.spec.v2.v1.0+protobuf");
  EXPECT_EQ(api.get("/openapi/v3").body["paths"].size(), 7U);
  EXPECT_EQ(api.get("/openapi/v3/apis/test.dev/v1").body["openapi"], "3.0.0");
  EXPECT_EQ(api.get("/openapi/v3/api/v1").code, 200);
  EXPECT_EQ(api.get("/openapi/v3/apis/none/v1").code, 404);
}

TEST(Documents, AnswerReviews) {
  TestApi api;
  const auto review =
      api.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
               {{"kind", "SelfSubjectAccessReview"}, {"spec", {{"resourceAttributes", {{"verb", "get"}}}}}});
  EXPECT_EQ(review.code, 201);
  EXPECT_EQ(review.body["status"]["allowed"], true);
  EXPECT_EQ(api.get("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews").code, 405);
}

TEST(Defects, AreAnsweredWith500AndKillNothing) {
  TestApi api;
  api.validator = [](const Json&, const Json*) -> std::vector<FieldError> {
    throw std::runtime_error("geheim");
  };
  const auto answer = api.post(kWidgets, widget("w"));
  EXPECT_EQ(answer.code, 500);
  EXPECT_EQ(answer.body["reason"], "InternalError");
  EXPECT_EQ(answer.body.dump().find("geheim"), std::string::npos);
}

TEST(Paths, ThatAreNotServedAre404AndWrongMethods405) {
  TestApi api;
  for (const auto* path : {"/api/v1/nodes", "/nothing", "/api/v1/namespaces/default/secrets/s/status",
                           "/openapi", "/openapi/v4"}) {
    EXPECT_EQ(api.get(path).code, 404) << path;
  }
  EXPECT_EQ(api.send("POST", "/api").code, 405);
  EXPECT_EQ(api.send("POST", "/apis/test.dev/v1/widgets", widget("w")).code, 405);
  EXPECT_EQ(api.send("PUT", kWidgets, widget("w")).code, 405);
  EXPECT_EQ(api.send("BREW", std::string(kWidgets) + "/w").code, 405);
  EXPECT_EQ(api.send("DELETE", "/apis/test.dev/v1/widgets").code, 405);
}

}  // namespace
}  // namespace penstock::apiserver
