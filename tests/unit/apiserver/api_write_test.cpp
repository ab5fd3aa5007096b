#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/apiserver/test_api.hpp"

namespace penstock::apiserver {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string one(const std::string& name) {
  return std::string(kWidgets) + "/" + name;
}

std::string message(const Answered& answer) {
  return answer.body.value("message", "");
}

TEST(Create, CompletesTheObject) {
  TestApi api;
  Json sent = widget("w");
  sent["metadata"].update({{"uid", "mine"},
                           {"generation", 9},
                           {"creationTimestamp", nullptr},
                           {"managedFields", Json::array()},
                           {"selfLink", "x"}});
  sent["status"] = {{"phase", "mine"}};
  const auto created = api.post(kWidgets, sent);
  ASSERT_EQ(created.code, 201) << created.body;
  const auto& metadata = created.body["metadata"];
  EXPECT_EQ(metadata["uid"].get<std::string>().size(), 36U);
  EXPECT_EQ(metadata["generation"], 1);
  EXPECT_EQ(metadata["creationTimestamp"], "2023-11-14T22:13:20Z");
  EXPECT_EQ(metadata["namespace"], "default");
  EXPECT_FALSE(metadata.contains("managedFields"));
  EXPECT_FALSE(metadata.contains("selfLink"));
  EXPECT_EQ(created.body["spec"]["color"], "red");
  EXPECT_FALSE(created.body.contains("status"));
  EXPECT_EQ(api.get(one("w")).body, created.body);
}

TEST(Create, CompletesGeneratedNames) {
  TestApi api;
  Json sent = widget("");
  sent["metadata"] = {{"generateName", "w-"}};
  const auto name = api.post(kWidgets, sent).body["metadata"]["name"].get<std::string>();
  EXPECT_EQ(name.size(), 7U);
  EXPECT_TRUE(name.starts_with("w-"));
}

struct Refusal {
  const char* change;
  int code;
  const char* text;
};
class CreateRefuses : public testing::TestWithParam<Refusal> {};

TEST_P(CreateRefuses, WithAStatusThatSaysWhere) {
  TestApi api;
  Json sent = widget("w");
  sent.merge_patch(Json::parse(GetParam().change));
  const auto answer = api.post(std::string(kWidgets) + "?fieldValidation=Strict", sent);
  EXPECT_EQ(answer.code, GetParam().code);
  EXPECT_EQ(answer.body["kind"], "Status");
  EXPECT_EQ(answer.body["status"], "Failure");
  EXPECT_THAT(message(answer), HasSubstr(GetParam().text));
  EXPECT_EQ(api.get(one("w")).code, 404);
}

INSTANTIATE_TEST_SUITE_P(
    Each, CreateRefuses,
    testing::Values(
        Refusal{
            R"({"spec": {"sise": 1}})", 400,
            R"(Widget in version "v1" cannot be handled as a Widget: strict decoding error: unknown field "spec.sise")"},
        Refusal{R"({"spec": {"size": 101}})", 422,
                R"(Widget.test.dev "w" is invalid: spec.size: Invalid value: 101)"},
        Refusal{R"({"spec": null})", 422, R"(Widget.test.dev "w" is invalid: spec: Required value)"},
        Refusal{R"({"kind": "Wheel"})", 400, "does not match the expected kind (Widget)"},
        Refusal{R"({"apiVersion": "test.dev/v2"})", 400,
                "does not match the expected API version (test.dev/v1)"},
        Refusal{R"({"metadata": {"name": "W"}})", 422,
                "metadata.name: Invalid value: \"W\": a lowercase RFC 1123"},
        Refusal{R"({"metadata": {"name": ""}})", 422, "metadata.name: Required value: name or generateName"},
        Refusal{R"({"metadata": null})", 422, "metadata.name: Required value"},
        Refusal{R"({"metadata": []})", 400, "metadata: Invalid value"},
        Refusal{R"({"metadata": {"labels": {"a": 1}}})", 400, "metadata.labels.a: Invalid value"},
        Refusal{R"({"metadata": {"labels": {"a": "b c"}}})", 422, "metadata.labels: Invalid value: \"b c\""},
        Refusal{R"({"metadata": {"labels": {"-a": "b"}}})", 422, "metadata.labels: Invalid value: \"-a\""},
        Refusal{R"({"metadata": {"finalizers": ["a b"]}})", 422, "metadata.finalizers: Invalid value"},
        Refusal{R"({"metadata": {"namespace": "other"}})", 400,
                "does not match the namespace sent on the request"},
        Refusal{R"({"metadata": {"resourceVersion": "1"}})", 400, "resourceVersion should not be set"}));

TEST(Create, ListsEveryFaultAsACause) {
  TestApi api;
  Json sent = widget("w");
  sent["spec"] = {{"size", 0}, {"color", "blue"}};
  const auto details = api.post(kWidgets, sent).body["details"];
  EXPECT_EQ(details["kind"], "Widget");
  EXPECT_EQ(details["group"], "test.dev");
  ASSERT_EQ(details["causes"].size(), 2U);
  EXPECT_EQ(details["causes"][0]["field"], "spec.color");
  EXPECT_EQ(details["causes"][0]["reason"], "FieldValueNotSupported");
  EXPECT_EQ(details["causes"][1]["field"], "spec.size");
}

TEST(Create, WarnsOfUnknownFieldsOrIgnoresThemAsAsked) {
  TestApi api;
  Json sent = widget("w");
  sent["spec"]["sise"] = 1;
  const auto created = api.post(kWidgets, sent);
  EXPECT_EQ(created.code, 201);
  EXPECT_THAT(created.warnings, ElementsAre(R"(unknown field "spec.sise")"));
  EXPECT_FALSE(created.body["spec"].contains("sise"));
  sent["metadata"]["name"] = "x";
  EXPECT_THAT(api.post(std::string(kWidgets) + "?fieldValidation=Ignore", sent).warnings, IsEmpty());
}

TEST(Create, FindsTheNameTakenAndTheNamespaceMissing) {
  TestApi api;
  api.post(kWidgets, widget("w"));
  const auto again = api.post(kWidgets, widget("w"));
  EXPECT_EQ(again.code, 409);
  EXPECT_EQ(again.body["reason"], "AlreadyExists");
  const auto nowhere = api.post("/apis/test.dev/v1/namespaces/nowhere/widgets", widget("w"));
  EXPECT_EQ(nowhere.code, 404);
  EXPECT_EQ(message(nowhere), "namespaces \"nowhere\" not found");
}

TEST(Create, AsksTheSemanticValidatorOnceTheSchemaIsContent) {
  TestApi api;
  int asked = 0;
  api.validator = [&](const Json& object, const Json* old) -> std::vector<FieldError> {
    ++asked;
    EXPECT_EQ(old, nullptr);
    EXPECT_EQ(object["spec"]["color"], "red");
    return {{"spec.size", "must be odd on Sundays"}, {"spec", "is not nice"}};
  };
  Json bad = widget("w");
  bad["spec"]["size"] = 0;
  EXPECT_EQ(api.post(kWidgets, bad).code, 422);
  EXPECT_EQ(asked, 0);
  const auto answer = api.post(kWidgets, widget("w"));
  EXPECT_EQ(answer.code, 422);
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(message(answer),
            "Widget.test.dev \"w\" is invalid: [spec.size: Invalid value: 5: must be odd on Sundays, "
            "spec: Invalid value: is not nice]");
}

TEST(DryRun, ValidatesAndStoresNothing) {
  TestApi api;
  const auto revision = api.store().revision();
  const auto all = std::string(kWidgets) + "?dryRun=All";
  EXPECT_EQ(api.post(all, widget("w")).code, 201);
  EXPECT_EQ(api.get(one("w")).code, 404);
  Json bad = widget("w");
  bad["spec"]["size"] = 0;
  EXPECT_EQ(api.post(all, bad).code, 422);
  EXPECT_EQ(api.post("/apis/test.dev/v1/namespaces/nowhere/widgets?dryRun=All", widget("w")).code, 404);
  EXPECT_EQ(api.store().revision(), revision);
  api.post(kWidgets, widget("w"));
  EXPECT_EQ(api.post(all, widget("w")).code, 409);
  EXPECT_EQ(api.merge(one("w") + "?dryRun=All", {{"spec", {{"size", 9}}}}).body["spec"]["size"], 9);
  EXPECT_EQ(api.send("DELETE", one("w") + "?dryRun=All").code, 200);
  EXPECT_EQ(api.remove(one("w"), {{"kind", "DeleteOptions"}, {"dryRun", {"All"}}}).code, 200);
  EXPECT_EQ(api.get(one("w")).body["spec"]["size"], 5);
  EXPECT_EQ(api.post(std::string(kWidgets) + "?dryRun=Some", widget("x")).code, 400);
}

TEST(Update, RaisesTheGenerationForAChangeOfSpecAlone) {
  TestApi api;
  Json object = api.post(kWidgets, widget("w")).body;
  object["metadata"]["labels"] = {{"a", "b"}};
  object = api.put(one("w"), object).body;
  EXPECT_EQ(object["metadata"]["generation"], 1);
  object["spec"]["size"] = 6;
  object = api.put(one("w"), object).body;
  EXPECT_EQ(object["metadata"]["generation"], 2);
  object["status"] = {{"phase", "Ready"}};
  object = api.put(one("w") + "/status", object).body;
  EXPECT_EQ(object["metadata"]["generation"], 2);
  EXPECT_EQ(object["status"]["phase"], "Ready");
}

TEST(Update, ThatChangesNothingWritesNothing) {
  TestApi api;
  const Json object = api.post(kWidgets, widget("w")).body;
  const auto revision = api.store().revision();
  EXPECT_EQ(api.put(one("w"), object).body, object);
  EXPECT_EQ(api.merge(one("w"), Json::object()).body, object);
  EXPECT_EQ(api.merge(one("w"), {{"spec", {{"size", 5}}}}).body, object);
  EXPECT_EQ(api.merge(one("w") + "/status", Json::object()).body, object);
  EXPECT_EQ(api.store().revision(), revision);
}

TEST(Update, WantsThePresentResourceVersion) {
  TestApi api;
  Json object = api.post(kWidgets, widget("w")).body;
  Json stale = object;
  object["spec"]["size"] = 6;
  ASSERT_EQ(api.put(one("w"), object).code, 200);
  const auto refused = api.put(one("w"), stale);
  EXPECT_EQ(refused.code, 409);
  EXPECT_EQ(refused.body["reason"], "Conflict");
  EXPECT_THAT(message(refused), HasSubstr("the object has been modified"));
  stale["metadata"].erase("resourceVersion");
  const auto blind = api.put(one("w"), stale);
  EXPECT_EQ(blind.code, 422);
  EXPECT_THAT(message(blind),
              HasSubstr("metadata.resourceVersion: Invalid value: 0x0: must be specified for an update"));
  EXPECT_EQ(api.merge(one("w"), {{"metadata", {{"resourceVersion", "1"}}}, {"spec", {{"size", 7}}}}).code,
            409);
  const auto without =
      api.merge(one("w"), {{"metadata", {{"resourceVersion", nullptr}}}, {"spec", {{"size", 7}}}});
  EXPECT_EQ(without.code, 422) << "as of a manifest that was once applied with one";
  EXPECT_THAT(message(without), HasSubstr("must be specified for an update"));
}

TEST(Update, KeepsWhatOnlyTheServerWrites) {
  TestApi api;
  const Json object = api.post(kWidgets, widget("w")).body;
  const auto changed = api.merge(one("w"), {{"metadata",
                                             {{"creationTimestamp", "2001-01-01T00:00:00Z"},
                                              {"generation", 77},
                                              {"deletionTimestamp", "2001-01-01T00:00:00Z"}}},
                                            {"spec", {{"size", 6}}}});
  ASSERT_EQ(changed.code, 200) << changed.body;
  EXPECT_EQ(changed.body["metadata"]["creationTimestamp"], object["metadata"]["creationTimestamp"]);
  EXPECT_EQ(changed.body["metadata"]["generation"], 2);
  EXPECT_FALSE(changed.body["metadata"].contains("deletionTimestamp"));
  EXPECT_EQ(api.merge(one("w"), {{"metadata", {{"uid", "other"}}}}).code, 409);
  EXPECT_EQ(api.merge(one("w"), {{"metadata", {{"name", "other"}}}}).code, 400);
  EXPECT_EQ(api.merge(one("w"), {{"metadata", {{"namespace", "other"}}}}).code, 400);
  EXPECT_EQ(api.merge(one("w"), {{"kind", "Other"}}).code, 400);
}

TEST(Update, DoesNotValidateAgainWhatDidNotChange) {
  TestApi api;
  Json object = widget("w");
  object["metadata"]["finalizers"] = {"test.dev/hold"};
  object["metadata"]["namespace"] = "default";
  object["spec"]["size"] = 1000;  // stored when the schema still allowed it
  ASSERT_TRUE(api.store().write({.key = {"widgets.test.dev", "default", "w"}, .value = object}));
  api.reopen();
  EXPECT_EQ(api.merge(one("w"), {{"spec", {{"color", "green"}}}}).code, 422);
  EXPECT_EQ(api.merge(one("w"), {{"metadata", {{"annotations", {{"a", "b"}}}}}}).code, 200);
  EXPECT_EQ(api.merge(one("w") + "/status", {{"status", {{"phase", "x"}}}}).code, 200);
  EXPECT_EQ(api.remove(one("w")).code, 200);
  EXPECT_EQ(api.merge(one("w"), {{"metadata", {{"finalizers", nullptr}}}}).code, 200);
  EXPECT_EQ(api.get(one("w")).code, 404);
}

TEST(Update, OfWhatIsNotThereIs404) {
  TestApi api;
  for (const auto& answer : {api.put(one("w"), widget("w")), api.merge(one("w"), Json::object()),
                             api.remove(one("w")), api.get(one("w"))}) {
    EXPECT_EQ(answer.code, 404);
    EXPECT_EQ(message(answer), "widgets.test.dev \"w\" not found");
    EXPECT_EQ(answer.body["details"]["kind"], "widgets");
  }
}

TEST(Status, AndSpecDoNotTouchEachOther) {
  TestApi api;
  api.post(kWidgets, widget("w"));
  auto answer = api.merge(
      one("w") + "/status",
      {{"spec", {{"size", 99}}}, {"metadata", {{"labels", {{"a", "b"}}}}}, {"status", {{"phase", "Ready"}}}});
  ASSERT_EQ(answer.code, 200) << answer.body;
  EXPECT_EQ(answer.body["spec"]["size"], 5);
  EXPECT_FALSE(answer.body["metadata"].contains("labels"));
  EXPECT_EQ(answer.body["status"]["phase"], "Ready");
  answer = api.merge(one("w"), {{"spec", {{"size", 6}}}, {"status", {{"phase", "Broken"}}}});
  EXPECT_EQ(answer.body["status"]["phase"], "Ready");
  answer = api.merge(one("w") + "/status", {{"status", {{"phase", 7}}}});
  EXPECT_EQ(answer.code, 422);
  EXPECT_THAT(message(answer), HasSubstr("status.phase: Invalid value: \"integer\""));
  EXPECT_EQ(api.get(one("w") + "/status").body["status"]["phase"], "Ready");
}

TEST(Patch, ComesInTheFormsTheKindTakes) {
  TestApi api;
  api.post(kWidgets, widget("w"));
  const Json change{{"spec", {{"size", 6}}}};
  const auto strategic = api.send("PATCH", one("w"), change, "application/strategic-merge-patch+json");
  EXPECT_EQ(strategic.code, 415);
  EXPECT_THAT(message(strategic), HasSubstr("application/merge-patch+json"));
  const auto apply = api.send("PATCH", one("w"), change, "application/apply-patch+yaml");
  EXPECT_EQ(apply.code, 415);
  EXPECT_THAT(message(apply), HasSubstr("server-side apply is not supported"));
  EXPECT_EQ(api.send("PATCH", one("w"), change, "text/plain").code, 415);
  EXPECT_EQ(
      api.send("PATCH", one("w"), Json::parse(R"([{"op": "replace", "path": "/spec/size", "value": 7}])"),
               "application/json-patch+json")
          .body["spec"]["size"],
      7);
  EXPECT_EQ(api.send("PATCH", one("w"), Json::parse(R"([{"op": "remove", "path": "/spec/none"}])"),
                     "application/json-patch+json")
                .code,
            422);
}

TEST(Patch, ThatIsAListOfOperationsSaysWhichContentTypeItNeeds) {
  TestApi api;
  api.post(kWidgets, widget("w"));
  const Json operations = {{{"op", "replace"}, {"path", "/spec/size"}, {"value", 7}}};
  const auto refused = api.merge(one("w"), operations);
  EXPECT_EQ(refused.code, 400);
  EXPECT_THAT(message(refused), HasSubstr("application/json-patch+json"));
  EXPECT_EQ(api.send("PATCH", one("w"), operations, "application/json-patch+json").code, 200);
}

TEST(Patch, UnderStrictNamesTheUnknownField) {
  TestApi api;
  api.post(kWidgets, widget("w"));
  const auto answer = api.merge(one("w") + "?fieldValidation=Strict", {{"spec", {{"sise", 6}}}});
  EXPECT_EQ(answer.code, 400);
  EXPECT_THAT(message(answer), HasSubstr("strict decoding error: unknown field \"spec.sise\""));
}

TEST(Body, IsReadWhateverItIsAndRefusedWithTheReason) {
  TestApi api;
  const auto send = [&](const std::string& body, const std::string& type) {
    auto request = request_of("POST", kWidgets).value();
    request.authorization = "Bearer token";
    request.body = body;
    request.content_type = type;
    return std::get<Response>(api.api().handle(request)).status;
  };
  EXPECT_EQ(send("", "application/json"), 400);
  EXPECT_EQ(send("{", "application/json"), 400);
  EXPECT_EQ(send("[]", "application/json"), 400);
  EXPECT_EQ(send("null", "application/json"), 400);
  EXPECT_EQ(send(std::string(100'000, '['), "application/json"), 400);
  EXPECT_EQ(send("a: b", "application/yaml"), 415);
  EXPECT_EQ(send("k8s", "application/vnd.kubernetes.protobuf"), 400);
  EXPECT_EQ(send(to_text(widget("w")), "application/json; charset=utf-8"), 201);
  EXPECT_EQ(send(R"({"metadata": {"name": "x"}, "spec": {"size": 5}})", ""), 201);
}

TEST(Body, WithAKeyTwiceIsRefusedUnderStrict) {
  TestApi api;
  auto request = request_of("POST", std::string(kWidgets) + "?fieldValidation=Strict").value();
  request.authorization = "Bearer token";
  request.body = R"({"metadata": {"name": "x"}, "spec": {"size": 5, "size": 6}})";
  const auto response = std::get<Response>(api.api().handle(request));
  EXPECT_EQ(response.status, 400);
  EXPECT_THAT(response.body, HasSubstr(R"(duplicate field \"spec.size\")"));
}

}  // namespace
}  // namespace penstock::apiserver
