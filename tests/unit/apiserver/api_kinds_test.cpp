#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/apiserver/rfc3339.hpp"
#include "tests/unit/apiserver/test_api.hpp"

namespace penstock::apiserver {
namespace {

using testing::HasSubstr;

constexpr const char* kSecrets = "/api/v1/namespaces/default/secrets";
constexpr const char* kMaps = "/api/v1/namespaces/default/configmaps";

std::string message(const Answered& answer) {
  return answer.body.value("message", "");
}

TEST(Secrets, TurnPlainTextIntoData) {
  TestApi api;
  const auto created = api.post(kSecrets, {{"metadata", {{"name", "s"}}},
                                           {"data", {{"a", "YQ=="}, {"b", "YQ=="}}},
                                           {"stringData", {{"b", "geheim"}}}});
  ASSERT_EQ(created.code, 201) << created.body;
  EXPECT_EQ(created.body["data"], Json::parse(R"({"a": "YQ==", "b": "Z2VoZWlt"})"));
  EXPECT_FALSE(created.body.contains("stringData"));
  EXPECT_EQ(created.body["type"], "Opaque");
  EXPECT_FALSE(created.body["metadata"].contains("generation"));
  const auto patched = api.send("PATCH", std::string(kSecrets) + "/s", {{"stringData", {{"a", "neu"}}}},
                                "application/strategic-merge-patch+json");
  EXPECT_EQ(patched.body["data"]["a"], "bmV1");
}

TEST(Secrets, ThatAreWrongAreRefusedWithoutRepeatingTheirValues) {
  TestApi api;
  const auto refuse = [&](const Json& change) {
    Json secret{{"metadata", {{"name", "s"}}}};
    secret.merge_patch(change);
    const auto answer = api.post(kSecrets, secret);
    EXPECT_EQ(message(answer).find("geheim"), std::string::npos) << message(answer);
    return std::pair(answer.code, message(answer));
  };
  EXPECT_THAT(refuse({{"data", {{"a", "geheim!"}}}}), testing::Pair(400, HasSubstr("data[a] is not base64")));
  EXPECT_THAT(refuse({{"data", {{"a b", "YQ=="}}}}),
              testing::Pair(422, HasSubstr("data[a b]: Invalid value")));
  EXPECT_THAT(refuse({{"data", {{"a", 5}}}}), testing::Pair(400, HasSubstr("data.a: Invalid value")));
  EXPECT_THAT(refuse({{"type", "kubernetes.io/tls"}}),
              testing::Pair(422, HasSubstr("data[tls.crt]: Required value")));
  EXPECT_THAT(refuse({{"stringData", {{"a", std::string(1'100'000, 'x')}}}}),
              testing::Pair(422, HasSubstr("data: Too long")));
}

TEST(Secrets, KeepTypeAndImmutableData) {
  TestApi api;
  api.post(kSecrets, {{"metadata", {{"name", "s"}}}, {"immutable", true}, {"data", {{"a", "YQ=="}}}});
  const auto one = std::string(kSecrets) + "/s";
  EXPECT_EQ(api.merge(one, {{"type", "other"}}).code, 422);
  EXPECT_EQ(api.merge(one, {{"data", {{"b", "YQ=="}}}}).code, 422);
  EXPECT_EQ(api.merge(one, {{"immutable", nullptr}}).code, 422);
  EXPECT_EQ(api.merge(one, {{"metadata", {{"labels", {{"a", "b"}}}}}}).code, 200);
}

TEST(Secrets, MayBeOverwrittenWithoutAResourceVersion) {
  TestApi api;
  api.post(kSecrets, {{"metadata", {{"name", "s"}}}});
  EXPECT_EQ(
      api.put(std::string(kSecrets) + "/s", {{"metadata", {{"name", "s"}}}, {"data", {{"a", "YQ=="}}}}).code,
      200);
}

TEST(ConfigMaps, KeepTextAndBytesApart) {
  TestApi api;
  EXPECT_EQ(api.post(kMaps,
                     {{"metadata", {{"name", "a"}}}, {"data", {{"x", "1"}}}, {"binaryData", {{"x", "YQ=="}}}})
                .code,
            422);
  EXPECT_EQ(api.post(kMaps, {{"metadata", {{"name", "a"}}}, {"binaryData", {{"x", "??"}}}}).code, 422);
  EXPECT_EQ(
      api.post(kMaps, {{"metadata", {{"name", "a"}}}, {"data", {{"x", nullptr}, {"y", "2"}}}}).body["data"],
      Json::parse(R"({"y": "2"})"));
}

TEST(Leases, ArePatchedAndNeverOverwrittenBlindly) {
  TestApi api;
  const std::string leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
  Json lease = api.post(leases, {{"metadata", {{"name", "l"}}},
                                 {"spec",
                                  {{"holderIdentity", "a"},
                                   {"leaseDurationSeconds", 15},
                                   {"renewTime", "2023-11-14T22:13:20.123456Z"}}}})
                   .body;
  EXPECT_EQ(lease["spec"]["renewTime"], "2023-11-14T22:13:20.123456Z");
  lease["spec"]["holderIdentity"] = "b";
  EXPECT_EQ(api.put(leases + "/l", lease).code, 200);
  EXPECT_EQ(api.put(leases + "/l", lease).code, 409);
  lease["metadata"].erase("resourceVersion");
  EXPECT_EQ(api.put(leases + "/l", lease).code, 422);
  EXPECT_EQ(api.merge(leases + "/l", {{"spec", {{"leaseDurationSeconds", 0}}}}).code, 422);
}

Json event(const std::string& name) {
  return {{"metadata", {{"name", name}}},
          {"involvedObject", {{"kind", "Widget"}, {"name", "w"}, {"namespace", "default"}, {"uid", "u"}}},
          {"reason", "Running"},
          {"type", "Normal"}};
}

TEST(Events, AreFoundByTheObjectTheyAreAbout) {
  TestApi api;
  const std::string events = "/api/v1/namespaces/default/events";
  ASSERT_EQ(api.post(events, event("a")).code, 201);
  Json other = event("b");
  other["involvedObject"]["name"] = "x";
  api.post(events, other);
  const auto found = api.get(events + "?fieldSelector=involvedObject.name%3Dw,involvedObject.uid%3Du");
  ASSERT_EQ(found.body["items"].size(), 1U);
  EXPECT_EQ(found.body["items"][0]["metadata"]["name"], "a");
  Json stray = event("c");
  stray["involvedObject"]["namespace"] = "elsewhere";
  EXPECT_EQ(api.post(events, stray).code, 422);
  EXPECT_EQ(api.post(events, {{"metadata", {{"name", "d"}}}}).code, 400);
}

TEST(Events, AreForgottenAnHourAfterTheyWereLastWritten) {
  TestApi api;
  const std::string events = "/api/v1/namespaces/default/events";
  api.post(events, event("a"));
  api.post(events, event("b"));
  api.clock.advance(std::chrono::minutes(50));
  api.merge(events + "/b", {{"count", 2}});
  api.clock.advance(std::chrono::minutes(20));
  api.reopen();
  api.api().forget_old_events();
  EXPECT_EQ(api.get(events + "/a").code, 404);
  EXPECT_EQ(api.get(events + "/b").code, 200);
}

TEST(Namespaces, AreActiveFromTheStart) {
  TestApi api;
  const auto created =
      api.post("/api/v1/namespaces", {{"metadata", {{"name", "data"}}}, {"status", {{"phase", "Odd"}}}});
  ASSERT_EQ(created.code, 201) << created.body;
  EXPECT_EQ(created.body["status"]["phase"], "Active");
  EXPECT_EQ(created.body["metadata"]["labels"]["kubernetes.io/metadata.name"], "data");
  EXPECT_EQ(api.get("/api/v1/namespaces/default").code, 200);
  EXPECT_EQ(api.post("/api/v1/namespaces", {{"metadata", {{"name", "a.b"}}}}).code, 422);
}

TEST(Namespaces, TakeWhatIsInThemAlong) {
  TestApi api;
  api.post("/api/v1/namespaces", {{"metadata", {{"name", "data"}}}});
  api.post("/apis/test.dev/v1/namespaces/data/widgets", widget("w"));
  api.post("/api/v1/namespaces/data/secrets", {{"metadata", {{"name", "s"}}}});
  const auto removed = api.remove("/api/v1/namespaces/data");
  EXPECT_EQ(removed.code, 200);
  EXPECT_EQ(removed.body["status"]["phase"], "Terminating");
  EXPECT_EQ(api.get("/api/v1/namespaces/data").code, 404);
  EXPECT_EQ(api.get("/apis/test.dev/v1/widgets").body["items"].size(), 0U);
}

TEST(Namespaces, WaitForFinalizersInThemAndTakeNothingNew) {
  TestApi api;
  const std::string widgets = "/apis/test.dev/v1/namespaces/data/widgets";
  api.post("/api/v1/namespaces", {{"metadata", {{"name", "data"}}}});
  Json held = widget("w");
  held["metadata"]["finalizers"] = {"test.dev/hold"};
  api.post(widgets, held);
  api.remove("/api/v1/namespaces/data");
  EXPECT_EQ(api.get("/api/v1/namespaces/data").body["status"]["phase"], "Terminating");
  const auto refused = api.post(widgets, widget("x"));
  EXPECT_EQ(refused.code, 403);
  EXPECT_THAT(message(refused), HasSubstr("because it is being terminated"));
  api.reopen();
  api.api().settle_namespaces();
  EXPECT_EQ(api.get("/api/v1/namespaces/data").code, 200);
  EXPECT_EQ(api.merge(widgets + "/w", {{"metadata", {{"finalizers", nullptr}}}}).code, 200);
  EXPECT_EQ(api.get(widgets + "/w").code, 404);
  EXPECT_EQ(api.get("/api/v1/namespaces/data").code, 404);
}

TEST(Namespaces, KeepTheirDefault) {
  TestApi api;
  EXPECT_EQ(api.remove("/api/v1/namespaces/default").code, 403);
}

TEST(Crd, IsThereToReadAndNotToWrite) {
  TestApi api;
  const std::string one = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.test.dev";
  const auto crd = api.get(one);
  EXPECT_EQ(crd.body["status"]["conditions"][1]["type"], "Established");
  EXPECT_EQ(crd.body["spec"], widget_crd()["spec"]);
  EXPECT_EQ(api.remove(one).code, 405);
  EXPECT_EQ(api.merge(one, Json::object()).code, 405);
  const auto uid = crd.body["metadata"]["uid"];
  api.reopen();
  EXPECT_EQ(api.get(one).body["metadata"]["uid"], uid);
}

TEST(Delete, AnswersAStatusWithTheUid) {
  TestApi api;
  const auto created = api.post(kWidgets, widget("w"));
  const auto removed = api.remove(std::string(kWidgets) + "/w", {{"propagationPolicy", "Background"}});
  EXPECT_EQ(removed.code, 200);
  EXPECT_EQ(removed.body["kind"], "Status");
  EXPECT_EQ(removed.body["status"], "Success");
  EXPECT_EQ(removed.body["details"]["uid"], created.body["metadata"]["uid"]);
  EXPECT_EQ(api.get(std::string(kWidgets) + "/w").code, 404);
}

TEST(Delete, WaitsForFinalizers) {
  TestApi api;
  const std::string one = std::string(kWidgets) + "/w";
  Json held = widget("w");
  held["metadata"]["finalizers"] = {"test.dev/hold"};
  api.post(kWidgets, held);
  const auto removed = api.remove(one);
  EXPECT_EQ(removed.body["kind"], "Widget");
  EXPECT_EQ(removed.body["metadata"]["deletionTimestamp"], "2023-11-14T22:13:20Z");
  EXPECT_EQ(removed.body["metadata"]["generation"], 2);
  const auto revision = api.store().revision();
  EXPECT_EQ(api.remove(one).body, removed.body);
  EXPECT_EQ(api.store().revision(), revision);
  const auto added = api.merge(one, {{"metadata", {{"finalizers", {"test.dev/hold", "test.dev/more"}}}}});
  EXPECT_EQ(added.code, 422);
  EXPECT_THAT(message(added), HasSubstr("no new finalizers can be added"));
  EXPECT_EQ(api.merge(one + "/status", {{"status", {{"phase", "Going"}}}}).code, 200);
  EXPECT_EQ(api.merge(one, {{"metadata", {{"finalizers", Json::array()}}}}).code, 200);
  EXPECT_EQ(api.get(one).code, 404);
}

TEST(Delete, HonoursPreconditions) {
  TestApi api;
  api.post(kWidgets, widget("w"));
  const std::string one = std::string(kWidgets) + "/w";
  EXPECT_EQ(api.remove(one, {{"preconditions", {{"uid", "other"}}}}).code, 409);
  EXPECT_EQ(api.remove(one, {{"preconditions", {{"resourceVersion", "1"}}}}).code, 409);
  EXPECT_EQ(api.remove(one).code, 200);
}

TEST(Delete, TakesACollectionBySelector) {
  TestApi api;
  for (const auto* name : {"a", "b", "c"}) {
    Json object = widget(name);
    object["metadata"]["labels"] = {{"keep", name == std::string("b") ? "yes" : "no"}};
    api.post(kWidgets, object);
  }
  EXPECT_EQ(api.remove(std::string(kWidgets) + "?labelSelector=keep%3Dno&dryRun=All").code, 200);
  EXPECT_EQ(api.get(kWidgets).body["items"].size(), 3U);
  EXPECT_EQ(api.remove(std::string(kWidgets) + "?labelSelector=keep%3Dno").code, 200);
  const auto left = api.get(kWidgets).body["items"];
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0]["metadata"]["name"], "b");
}

}  // namespace
}  // namespace penstock::apiserver
