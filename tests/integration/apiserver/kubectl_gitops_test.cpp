// kubectl as scripts and GitOps tools use it: what was read is applied again, directories, pruning,
// selectors, pieces.

#include <gmock/gmock.h>

#include <fstream>

#include "tests/integration/apiserver/kubectl_fixture.hpp"

namespace penstock::apiserver {
namespace {

using testing::HasSubstr;

class GitOpsTest : public KubectlTest {
 protected:
  void write(const std::string& name, const std::string& text) { std::ofstream(manifests_ / name) << text; }
  std::string apply_directory(const char* how = "-f") {
    return ok({"apply", how, manifests_.path().string()});
  }

  test::TempDir manifests_{"penstock-manifests"};
};

TEST_F(GitOpsTest, WhatWasReadIsAppliedAgainWhileItIsThePresent) {
  apply(pipe_manifest("shop"));
  const auto read = ok({"get", "pipe", "shop", "-o", "yaml"});
  EXPECT_EQ(ok({"apply", "-f", "-"}, read), "pipe.penstock.dev/shop configured\n");
  EXPECT_THAT(fails({"apply", "-f", "-"}, read), HasSubstr("the object has been modified"));
  EXPECT_EQ(ok({"apply", "-f", "-"}, ok({"get", "pipe", "shop", "-o", "yaml"})),
            "pipe.penstock.dev/shop configured\n");
  // From then on the manifest holds the version that it was applied with; without it nobody says which is
  // meant.
  EXPECT_THAT(fails({"apply", "-f", "-"}, pipe_manifest("shop").dump()),
              HasSubstr("metadata.resourceVersion: Invalid value: 0x0: must be specified for an update"));
  EXPECT_EQ(get("pipe/shop")["metadata"]["generation"], 1);
}

TEST_F(GitOpsTest, ASecondApplyOfTheSameChangesNothing) {
  write("namespace.yaml", "{apiVersion: v1, kind: Namespace, metadata: {name: team}}");
  auto pipe = pipe_manifest("shop");
  pipe["spec"]["tables"] = {{{"source", "public.a"}, {"columns", {{{"name", "c"}}}}},
                            {{"source", "public.b"}}};
  write("pipe.yaml", pipe.dump());
  write("kustomization.yaml", R"(
namespace: team
resources: [namespace.yaml, pipe.yaml]
labels: [{pairs: {owner: me}}]
secretGenerator: [{name: password, literals: [password=x]}]
configMapGenerator: [{name: settings, literals: [a=b]}]
)");
  EXPECT_THAT(apply_directory("-k"), HasSubstr("pipe.penstock.dev/shop created\n"));
  const auto second = apply_directory("-k");
  EXPECT_THAT(second, testing::Not(HasSubstr("configured")));
  EXPECT_THAT(second, HasSubstr("pipe.penstock.dev/shop unchanged\n"));
}

TEST_F(GitOpsTest, PruneTakesAwayWhatTheDirectoryHasNoLonger) {
  auto pipe = pipe_manifest("shop");
  pipe["metadata"]["labels"] = {{"app", "shop"}};
  const Json secret{{"apiVersion", "v1"},
                    {"kind", "Secret"},
                    {"metadata", {{"name", "password"}, {"labels", {{"app", "shop"}}}}},
                    {"stringData", {{"password", "x"}}}};
  write("pipe.yaml", pipe.dump());
  write("secret.yaml", secret.dump());
  const auto directory = manifests_.path().string();
  ok({"apply", "--prune", "-l", "app=shop", "-f", directory});
  std::filesystem::remove(manifests_ / "secret.yaml");
  EXPECT_THAT(ok({"apply", "--prune", "-l", "app=shop", "-f", directory}),
              HasSubstr("secret/password pruned\n"));
  EXPECT_EQ(get("secrets")["items"].size(), 0U);
  EXPECT_EQ(get("pipes")["items"].size(), 1U);
}

TEST_F(GitOpsTest, KindsThatAreNotServedAreEmptyAndRefuseToBeMade) {
  EXPECT_EQ(get("pods,deployments")["items"].size(), 0U);
  EXPECT_THAT(fails({"create", "deployment", "web", "--image=x"}),
              HasSubstr("this server has no deployments.apps"));
}

TEST_F(GitOpsTest, SelectorsChooseAlsoInPieces) {
  for (int size = 1; size <= 12; ++size) {
    auto pipe = pipe_manifest("p" + std::to_string(size));
    pipe["metadata"]["labels"] = {{"size", std::to_string(size)}, {"odd", size % 2 == 1 ? "yes" : "no"}};
    const auto created = client().send({.method = "POST",
                                        .target = "/apis/penstock.dev/v1alpha1/namespaces/default/pipes",
                                        .body = pipe.dump()});
    ASSERT_EQ(created.status, 201);
  }
  const auto chosen = [&](const std::string& selector) {
    const auto names = ok({"get", "pipes", "-o", "name", "--chunk-size=2", "-l", selector});
    EXPECT_EQ(ok({"get", "pipes", "-o", "name", "-l", selector}), names) << selector;
    const auto table = ok({"get", "pipes", "--no-headers", "--chunk-size=2", "-l", selector});
    EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), std::count(names.begin(), names.end(), '\n'));
    return std::count(names.begin(), names.end(), '\n');
  };
  EXPECT_EQ(chosen("odd=yes"), 6);
  EXPECT_EQ(chosen("odd==yes,size>6"), 3);
  EXPECT_EQ(chosen("size<10"), 9);
  EXPECT_EQ(chosen("size in (1,2),!none"), 2);
  EXPECT_EQ(chosen("size notin (1,2)"), 10);
  EXPECT_EQ(ok({"get", "pipes", "-o", "name", "--chunk-size=5", "--field-selector", "metadata.name=p9"}),
            "pipe.penstock.dev/p9\n");
  EXPECT_THAT(fails({"get", "pipes", "-l", "size>big"}), HasSubstr("the value must be an integer"));
}

}  // namespace
}  // namespace penstock::apiserver
