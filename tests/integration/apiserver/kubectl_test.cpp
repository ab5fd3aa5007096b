// Real kubectl against the server: every command that people are told to use. Which kubectl: see kubectl.hpp.

#include "tests/integration/apiserver/kubectl_fixture.hpp"

#include <gmock/gmock.h>

namespace penstock::apiserver {
namespace {

using std::chrono::seconds;
using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST_F(KubectlTest, ApplyCreatesUpdatesAndLeavesAlone) {
  Json pipe = pipe_manifest("shop");
  pipe["spec"]["tables"][0]["columns"] = {{{"name", "price"}, {"type", "Decimal(10, 2)"}}};
  EXPECT_EQ(apply(pipe), "pipe.penstock.dev/shop created\n");
  const auto version = get("pipe/shop")["metadata"]["resourceVersion"];
  EXPECT_EQ(apply(pipe), "pipe.penstock.dev/shop unchanged\n");
  EXPECT_EQ(get("pipe/shop")["metadata"]["resourceVersion"], version);
  pipe["spec"]["paused"] = false;
  EXPECT_EQ(apply(pipe), "pipe.penstock.dev/shop configured\n");
  EXPECT_EQ(get("pipe/shop")["spec"]["paused"], false);
  EXPECT_EQ(get("pipe/shop")["metadata"]["generation"], 2);
}

TEST_F(KubectlTest, ApplyTakesFieldsAwayAgain) {
  Json pipe = pipe_manifest("shop");
  pipe["metadata"]["labels"] = {{"team", "a"}};
  pipe["spec"]["source"]["postgres"]["port"] = 6000;
  apply(pipe);
  pipe["metadata"].erase("labels");
  pipe["spec"]["source"]["postgres"].erase("port");
  apply(pipe);
  EXPECT_FALSE(get("pipe/shop")["metadata"].contains("labels"));
  EXPECT_EQ(get("pipe/shop")["spec"]["source"]["postgres"]["port"], 5432);
}

TEST_F(KubectlTest, ApplyTakesListsOfKinds) {
  const Json secret{{"apiVersion", "v1"},
                    {"kind", "Secret"},
                    {"metadata", {{"name", "s"}}},
                    {"data", {{"password", "Z2VoZWlt"}}}};
  const Json list{{"apiVersion", "v1"}, {"kind", "List"}, {"items", {secret, pipe_manifest("shop")}}};
  EXPECT_EQ(apply(list), "secret/s created\npipe.penstock.dev/shop created\n");
  EXPECT_THAT(apply(list), StartsWith("secret/s unchanged\n"));
}

TEST_F(KubectlTest, ApplyRefusesBadManifestsByThePathOfTheField) {
  Json typo = pipe_manifest("shop");
  typo["spec"]["tabels"] = Json::array();
  EXPECT_THAT(fails({"apply", "-f", "-"}, typo.dump()), ContainsRegex("unknown field \"(spec.)?tabels\""));
  Json range = pipe_manifest("shop");
  range["spec"]["source"]["postgres"]["port"] = 99999;
  EXPECT_THAT(fails({"apply", "-f", "-"}, range.dump()),
              HasSubstr("spec.source.postgres.port: Invalid value: 99999"));
  Json type = pipe_manifest("shop");
  type["spec"]["paused"] = "yes";
  EXPECT_THAT(fails({"apply", "-f", "-"}, type.dump()), HasSubstr("spec.paused"));
  Json missing = pipe_manifest("shop");
  missing["spec"]["source"]["postgres"].erase("host");
  EXPECT_THAT(fails({"apply", "-f", "-"}, missing.dump()), HasSubstr("host"));
  Json twice = pipe_manifest("shop");
  twice["spec"]["tables"] = {{{"source", "public.a"}}, {{"source", "public.a"}}};
  EXPECT_THAT(fails({"apply", "-f", "-"}, twice.dump()), HasSubstr("spec.tables[1]: Duplicate value"));
  EXPECT_EQ(get("pipes")["items"].size(), 0U);
}

TEST_F(KubectlTest, ApplyServerSideIsRefusedWithTheReason) {
  EXPECT_THAT(fails({"apply", "--server-side", "-f", "-"}, pipe_manifest("shop").dump()),
              HasSubstr("server-side apply is not supported"));
}

TEST_F(KubectlTest, GetPrintsInEveryForm) {
  Json pipe = pipe_manifest("shop");
  pipe["metadata"]["labels"] = {{"team", "a"}};
  apply(pipe);
  apply(pipe_manifest("other"));
  set_status("shop", {{"state", "Running"}, {"message", "all well"}});
  EXPECT_THAT(ok({"get", "pipes"}), AllOf(StartsWith("NAME "), ContainsRegex("shop +Running")));
  EXPECT_THAT(ok({"get", "pipes", "-o", "wide"}), AllOf(HasSubstr("MESSAGE"), HasSubstr("all well")));
  EXPECT_EQ(ok({"get", "pipe", "shop", "-o", "name"}), "pipe.penstock.dev/shop\n");
  EXPECT_EQ(get("pipe/shop")["kind"], "Pipe");
  EXPECT_EQ(get("pipes")["items"].size(), 2U);
  EXPECT_THAT(ok({"get", "pipe", "shop", "-o", "yaml"}),
              StartsWith("apiVersion: penstock.dev/v1alpha1\nkind: Pipe\n"));
  EXPECT_EQ(ok({"get", "pipe", "shop", "-o", "jsonpath={.spec.source.postgres.port}"}), "5432");
  EXPECT_EQ(ok({"get", "pipe", "shop", "-o", "custom-columns=S:.status.state", "--no-headers"}), "Running\n");
  EXPECT_THAT(ok({"get", "pipes", "--show-labels"}), HasSubstr("team=a"));
  EXPECT_THAT(ok({"get", "pipes", "-A"}), ContainsRegex("NAMESPACE +NAME.*\ndefault +other"));
  EXPECT_THAT(ok({"get", "pipes", "-L", "team"}), HasSubstr("TEAM"));
  EXPECT_THAT(ok({"get", "pipes", "--sort-by=.metadata.name"}), ContainsRegex("other.*\nshop"));
  EXPECT_THAT(ok({"get", "crd", "pipes.penstock.dev"}), HasSubstr("CREATED AT"));
  EXPECT_THAT(fails({"get", "pipe", "none"}), HasSubstr("pipes.penstock.dev \"none\" not found"));
}

TEST_F(KubectlTest, GetSelectsByLabelsAndFields) {
  Json pipe = pipe_manifest("shop");
  pipe["metadata"]["labels"] = {{"team", "a"}};
  apply(pipe);
  apply(pipe_manifest("other"));
  EXPECT_EQ(ok({"get", "pipes", "-l", "team=a", "-o", "name"}), "pipe.penstock.dev/shop\n");
  EXPECT_EQ(ok({"get", "pipes", "-l", "team notin (a)", "-o", "name"}), "pipe.penstock.dev/other\n");
  EXPECT_EQ(ok({"get", "pipes", "--field-selector", "metadata.name!=shop", "-o", "name"}),
            "pipe.penstock.dev/other\n");
}

TEST_F(KubectlTest, GetReadsLongListsInPieces) {
  apply(pipe_manifest("a"));
  apply(pipe_manifest("b"));
  apply(pipe_manifest("c"));
  EXPECT_EQ(ok({"get", "pipes", "--chunk-size=1", "-o", "name"}),
            "pipe.penstock.dev/a\npipe.penstock.dev/b\npipe.penstock.dev/c\n");
}

TEST_F(KubectlTest, GetWatches) {
  apply(pipe_manifest("shop"));
  test::Process watch(kubectl_program(), kubectl_->options({"get", "pipes", "-w"}));
  ASSERT_TRUE(watch.wait_for_output("shop", seconds(20)));
  set_status("shop", {{"state", "Running"}});
  ASSERT_TRUE(watch.wait_for_output("Running", seconds(20)));
  apply(pipe_manifest("late"));
  EXPECT_TRUE(watch.wait_for_output("late", seconds(20)));
}

TEST_F(KubectlTest, DescribeShowsTheEvents) {
  apply(pipe_manifest("shop"));
  const auto pipe = get("pipe/shop");
  const Json event{{"apiVersion", "v1"},
                   {"kind", "Event"},
                   {"metadata", {{"name", "shop.1"}, {"namespace", "default"}}},
                   {"involvedObject",
                    {{"apiVersion", "penstock.dev/v1alpha1"},
                     {"kind", "Pipe"},
                     {"name", "shop"},
                     {"namespace", "default"},
                     {"uid", pipe["metadata"]["uid"]}}},
                   {"reason", "Snapshot"},
                   {"message", "loading 3 tables"},
                   {"type", "Normal"},
                   {"count", 1},
                   {"firstTimestamp", pipe["metadata"]["creationTimestamp"]},
                   {"lastTimestamp", pipe["metadata"]["creationTimestamp"]},
                   {"source", {{"component", "penstock"}}}};
  const auto posted =
      client().send({.method = "POST", .target = "/api/v1/namespaces/default/events", .body = event.dump()});
  ASSERT_EQ(posted.status, 201) << posted.body;
  EXPECT_THAT(ok({"describe", "pipe", "shop"}),
              AllOf(HasSubstr("Name:         shop"), HasSubstr("loading 3 tables")));
  EXPECT_THAT(ok({"get", "events"}), ContainsRegex("Normal +Snapshot +pipe/shop +loading 3 tables"));
  if (kubectl_minor() >= 27) {
    EXPECT_THAT(ok({"events", "--for", "pipe/shop"}), HasSubstr("loading 3 tables"));
    EXPECT_THAT(ok({"events", "--types=Warning"}), Not(HasSubstr("loading")));
  }
}

TEST_F(KubectlTest, ExplainTellsOfFields) {
  EXPECT_THAT(ok({"explain", "pipe"}),
              AllOf(HasSubstr("Pipe"), HasSubstr("spec"), HasSubstr("penstock.dev")));
  EXPECT_THAT(ok({"explain", "pipe.spec.source.postgres.port"}), HasSubstr("<integer>"));
  EXPECT_THAT(ok({"explain", "pipe.spec", "--recursive"}), HasSubstr("rowsPerPartition"));
  EXPECT_THAT(ok({"explain", "secret.metadata.finalizers"}), HasSubstr("finalizers"));
  EXPECT_THAT(fails({"explain", "pipe.spec.nothing"}), HasSubstr("nothing"));
}

TEST_F(KubectlTest, EditChangesWhatTheEditorChanged) {
  apply(pipe_manifest("shop"));
  EXPECT_EQ(ok({"edit", "pipe", "shop"}, "", {{"KUBE_EDITOR", "sed -i s/paused:.true/paused:\\ false/"}}),
            "pipe.penstock.dev/shop edited\n");
  EXPECT_EQ(get("pipe/shop")["spec"]["paused"], false);
  const auto untouched = (*kubectl_)({"edit", "pipe", "shop"}, "", {{"KUBE_EDITOR", "true"}});
  EXPECT_THAT(untouched.out + untouched.err, HasSubstr("no changes"));
}

TEST_F(KubectlTest, PatchComesAsMergeAndJsonPatchButNotStrategic) {
  apply(pipe_manifest("shop"));
  ok({"patch", "pipe", "shop", "--type=merge", "-p", R"({"spec": {"sync": {"batchRows": 5000}}})"});
  ok({"patch", "pipe", "shop", "--type=json", "-p",
      R"([{"op": "replace", "path": "/spec/paused", "value": false}])"});
  const auto spec = get("pipe/shop")["spec"];
  EXPECT_EQ(spec["sync"]["batchRows"], 5000);
  EXPECT_EQ(spec["paused"], false);
  EXPECT_THAT(fails({"patch", "pipe", "shop", "-p", R"({"spec": {"paused": true}})"}),
              HasSubstr("use --type=merge or --type=json"));
}

TEST_F(KubectlTest, AnnotateAndLabelChangePipesAndSecrets) {
  apply(pipe_manifest("shop"));
  ok({"create", "secret", "generic", "s", "--from-literal=password=geheim"});
  for (const std::string what : {"pipe/shop", "secret/s"}) {
    ok({"annotate", what, "note=here"});
    ok({"label", what, "team=a"});
    ok({"label", what, "team=b", "--overwrite"});
    auto metadata = get(what)["metadata"];
    EXPECT_EQ(metadata["annotations"]["note"], "here");
    EXPECT_EQ(metadata["labels"]["team"], "b");
    ok({"label", what, "team-"});
    ok({"annotate", what, "note-"});
    metadata = get(what)["metadata"];
    EXPECT_FALSE(metadata.contains("labels") && metadata["labels"].contains("team"));
  }
}

TEST_F(KubectlTest, DiffShowsTheChangeAndStoresNothing) {
  Json pipe = pipe_manifest("shop");
  apply(pipe);
  const auto version = get("pipe/shop")["metadata"]["resourceVersion"];
  EXPECT_EQ((*kubectl_)({"diff", "-f", "-"}, pipe.dump()).status.code, 0);
  pipe["spec"]["paused"] = false;
  const auto diff = (*kubectl_)({"diff", "-f", "-"}, pipe.dump());
  EXPECT_EQ(diff.status.code, 1);
  EXPECT_THAT(diff.out, AllOf(HasSubstr("-  paused: true"), HasSubstr("+  paused: false")));
  EXPECT_EQ(get("pipe/shop")["metadata"]["resourceVersion"], version);
}

TEST_F(KubectlTest, ReplaceWantsThePresentVersion) {
  apply(pipe_manifest("shop"));
  Json pipe = get("pipe/shop");
  pipe["spec"]["paused"] = false;
  EXPECT_EQ(ok({"replace", "-f", "-"}, pipe.dump()), "pipe.penstock.dev/shop replaced\n");
  pipe["spec"]["paused"] = true;
  EXPECT_THAT(fails({"replace", "-f", "-"}, pipe.dump()), HasSubstr("the object has been modified"));
  pipe["metadata"].erase("resourceVersion");
  ok({"replace", "--force", "-f", "-"}, pipe.dump());
  EXPECT_EQ(get("pipe/shop")["spec"]["paused"], true);
}

TEST_F(KubectlTest, DryRunServerValidatesAndStoresNothing) {
  EXPECT_EQ(ok({"apply", "--dry-run=server", "-f", "-"}, pipe_manifest("shop").dump()),
            "pipe.penstock.dev/shop created (server dry run)\n");
  EXPECT_EQ(get("pipes")["items"].size(), 0U);
  apply(pipe_manifest("shop"));
  ok({"delete", "pipe", "shop", "--dry-run=server"});
  EXPECT_EQ(get("pipes")["items"].size(), 1U);
}

TEST_F(KubectlTest, WaitSeesConditionsDeletionsAndFields) {
  apply(pipe_manifest("shop"));
  test::Process ready(kubectl_program(),
                      kubectl_->options({"wait", "--for=condition=Ready", "pipe/shop", "--timeout=20s"}));
  // Below the generation, as a new Pipe's is, kubectl takes conditions for those of an earlier spec.
  set_status("shop", {{"state", "Running"},
                      {"observedGeneration", 1},
                      {"conditions",
                       {{{"type", "Ready"},
                         {"status", "True"},
                         {"reason", "Running"},
                         {"message", "all well"},
                         {"lastTransitionTime", "2026-01-01T00:00:00Z"}}}}});
  EXPECT_TRUE(ready.wait(seconds(25)).value().ok()) << ready.err();
  if (kubectl_minor() >= 23) {
    ok({"wait", "--for=jsonpath={.status.state}=Running", "pipe/shop", "--timeout=20s"});
  }
  test::Process gone(kubectl_program(),
                     kubectl_->options({"wait", "--for=delete", "pipe/shop", "--timeout=20s", "-v=6"}));
  // It says so when its watch begins; a pipe that is gone before kubectl looks is an error to an old one.
  ASSERT_TRUE(gone.wait_for_output("watch=true", seconds(20))) << gone.err();
  ok({"delete", "pipe", "shop", "--wait=false"});
  EXPECT_TRUE(gone.wait(seconds(25)).value().ok()) << gone.err();
}

TEST_F(KubectlTest, DeleteWaitsForTheFinalizer) {
  Json pipe = pipe_manifest("shop");
  pipe["metadata"]["finalizers"] = {"penstock.dev/pipe"};
  apply(pipe);
  test::Process remove(kubectl_program(), kubectl_->options({"delete", "pipe", "shop", "--timeout=20s"}));
  ASSERT_TRUE(remove.wait_for_output("deleted", seconds(20)));
  EXPECT_FALSE(remove.wait(std::chrono::milliseconds(300)));
  EXPECT_TRUE(get("pipe/shop")["metadata"].contains("deletionTimestamp"));
  ok({"patch", "pipe", "shop", "--type=merge", "-p", R"({"metadata": {"finalizers": null}})"});
  EXPECT_TRUE(remove.wait(seconds(20)).value().ok()) << remove.err();
}

TEST_F(KubectlTest, DeleteTakesFilesSelectorsAndAll) {
  for (const std::string name : {"a", "b", "c", "d"}) {
    Json pipe = pipe_manifest(name);
    pipe["metadata"]["labels"] = {{"name", name}};
    apply(pipe);
  }
  ok({"delete", "-f", "-"}, pipe_manifest("a").dump());
  ok({"delete", "pipes", "-l", "name=b"});
  EXPECT_EQ(ok({"get", "pipes", "-o", "name"}), "pipe.penstock.dev/c\npipe.penstock.dev/d\n");
  ok({"delete", "pipes", "--all"});
  EXPECT_EQ(get("pipes")["items"].size(), 0U);
  EXPECT_THAT(fails({"delete", "pipe", "a"}), HasSubstr("not found"));
}

TEST_F(KubectlTest, CreateMakesNamespacesSecretsAndConfigmaps) {
  EXPECT_EQ(ok({"create", "namespace", "data"}), "namespace/data created\n");
  EXPECT_THAT(ok({"get", "ns"}), ContainsRegex("data +Active"));
  ok({"create", "secret", "generic", "s", "-n", "data", "--from-literal=password=geheim",
      "--from-literal=ca.crt=x"});
  EXPECT_EQ(ok({"get", "secret", "s", "-n", "data", "-o", "jsonpath={.data.password}"}), "Z2VoZWlt");
  ok({"create", "configmap", "m", "-n", "data", "--from-literal=a=b"});
  EXPECT_THAT(ok({"get", "secrets,configmaps", "-n", "data"}),
              AllOf(HasSubstr("secret/s"), HasSubstr("configmap/m")));
  EXPECT_THAT(ok({"describe", "secret", "s", "-n", "data"}), HasSubstr("password:  6 bytes"));
  Json pipe = pipe_manifest("shop");
  pipe["metadata"]["namespace"] = "data";
  apply(pipe);
  ok({"delete", "namespace", "data", "--timeout=20s"});
  EXPECT_THAT(fails({"get", "ns", "data"}), HasSubstr("not found"));
  EXPECT_EQ(Json::parse(ok({"get", "pipes", "-A", "-o", "json"}))["items"].size(), 0U);
}

TEST_F(KubectlTest, CreateInAMissingNamespaceIsRefused) {
  EXPECT_THAT(fails({"create", "-n", "nowhere", "-f", "-"}, pipe_manifest("shop").dump()),
              HasSubstr("namespaces \"nowhere\" not found"));
}

TEST_F(KubectlTest, ApiResourcesListsTheKinds) {
  EXPECT_THAT(ok({"api-resources"}), ContainsRegex("pipes +[a-z,]+ +penstock.dev/v1alpha1 +true +Pipe"));
  EXPECT_THAT(ok({"api-versions"}), AllOf(HasSubstr("penstock.dev/v1alpha1\n"), HasSubstr("v1\n")));
  EXPECT_THAT(ok({"get", "--raw", "/version"}), HasSubstr("penstock"));
}

TEST_F(KubectlTest, AuthCanISaysYes) {
  EXPECT_EQ(ok({"auth", "can-i", "create", "pipes"}), "yes\n");
  EXPECT_THAT(ok({"auth", "can-i", "--list"}), HasSubstr("*"));
}

}  // namespace
}  // namespace penstock::apiserver
