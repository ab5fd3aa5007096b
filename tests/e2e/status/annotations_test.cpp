// Somebody annotates the Pipe all the time: that holds nobody up.

#include <optional>

#include "tests/e2e/lifecycle/lifecycle_test.hpp"
#include "tests/support/process.hpp"

namespace penstock {
namespace {

/// Runs kubectl annotate again and again: some ten times a second.
class Annotator {
 public:
  explicit Annotator(const Scene& scene) {
    test::ProcessOptions options;
    options.arguments = {"-c",
                         R"(i=0; while :; do i=$((i+1)); "${PENSTOCK_KUBECTL:-kubectl}" --kubeconfig "$0" )"
                         R"(annotate pipe "$1" somebody=$i --overwrite; done)",
                         scene.dev.kubeconfig(), scene.pipe};
    options.environment = {{"HOME", "/nonexistent"}};
    shell_.emplace("sh", std::move(options));
  }

 private:
  std::optional<test::Process> shell_;
};

std::string annotation(Scene& scene) {
  return scene.field(".metadata.annotations.somebody");
}

TEST(Annotations, HoldUpNeitherSetupNorLoadNorPauseNorResync) {
  Scene scene(shared_world());
  scene.create_table("orders", 5000);
  scene.declare({"public.orders"});
  scene.manifest.spec_more = "  snapshot: {rowsPerPartition: 1000}\n";
  scene.apply();
  const Annotator somebody(scene);
  ASSERT_TRUE(scene.reaches("Running", 20s)) << scene.field(".status");
  ASSERT_TRUE(test::eventually([&] { return !annotation(scene).empty(); }));
  scene.exec("UPDATE orders SET v = 'changed' WHERE id < 100");
  EXPECT_EQ(scene.differences({"orders"}), "");
  scene.pause(true);
  EXPECT_TRUE(scene.reaches("Paused", 10s)) << scene.field(".status");
  scene.pause(false);
  EXPECT_TRUE(scene.reaches("Running", 10s)) << scene.field(".status");
  scene.resync(1);
  EXPECT_TRUE(scene.dev.wait_for_field(scene.pipe, ".status.observedResyncGeneration", "1", 20s))
      << scene.field(".status");
  EXPECT_TRUE(scene.reaches("Running", 10s));
  const auto before = annotation(scene);
  EXPECT_TRUE(test::eventually([&] { return annotation(scene) != before; }))
      << "nobody annotated it any more";
  scene.dev.must_kubectl({"delete", "pipe", scene.pipe, "--timeout=20s"});
}

TEST(Annotations, HoldUpNoPipeOfSixtyTables) {
  Scene scene(shared_world());
  std::vector<std::string> names;
  for (int i = 0; i < 60; ++i) {
    scene.exec("CREATE TABLE t" + std::to_string(i) + " (id bigint PRIMARY KEY, v text)");
    scene.exec("INSERT INTO t" + std::to_string(i) + " VALUES (1, 'a')");
    names.push_back("public.t" + std::to_string(i));
  }
  scene.declare(names);
  scene.apply();
  const Annotator somebody(scene);
  ASSERT_TRUE(scene.reaches("Running", 60s)) << scene.field(".status.message");
  scene.pause(true);
  EXPECT_TRUE(scene.reaches("Paused", 15s)) << scene.field(".status.message");
}

}  // namespace
}  // namespace penstock
