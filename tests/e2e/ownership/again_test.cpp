// A Pipe that is deleted and applied again, and targets of Pipes that are gone.

#include "tests/e2e/ownership/ownership_test.hpp"

namespace penstock {
namespace {

/// Running over 1,000 rows 'old'; the reader sees what anybody would who asks all the time.
void be_running(Scene& scene) {
  scene.create_table("orders", 1000);
  scene.exec("UPDATE orders SET v = 'old'");
  scene.declare({"public.orders"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  ASSERT_EQ(scene.differences({"orders"}), "");
}

constexpr const char* kWhole = "SELECT count(), arraySort(groupUniqArray(v)) FROM orders FINAL";

/// While nothing is replicated 100 rows go and the others become 'new'. After `again`, which applies the
/// manifest anew, readers have seen the one or the other, and the target holds nothing of before.
void expect_whole(Scene& scene, const std::function<void()>& again) {
  const auto uid = scene.field(".metadata.uid");
  Reader reader(scene.engine, scene.database, kWhole);
  again();
  ASSERT_TRUE(test::eventually([&] {
    const auto now = scene.field(".metadata.uid");
    return !now.empty() && now != uid && scene.dev.state(scene.pipe) == "Running";
  })) << scene.dev.describe(scene.pipe);
  EXPECT_EQ(scene.differences({"orders"}), "");
  const auto answers = reader.answers();
  EXPECT_EQ(answers, (States{"1000\t['old']", "900\t['new']"}));
  EXPECT_EQ(scene.target_value("SELECT count() FROM orders"), "900") << "ghosts";
  EXPECT_EQ(scene.target_tables(), "orders");
  EXPECT_EQ(scene.slots(), 1);
  scene.exec("UPDATE orders SET v = 'later'");
  EXPECT_EQ(scene.differences({"orders"}), "");
}
void change_meanwhile(Scene& scene) {
  scene.exec("UPDATE orders SET v = 'new'; DELETE FROM orders WHERE id <= 100");
}

TEST(Again, DeletedAndAppliedComesUpWithoutReadersSeeingLess) {
  Scene scene(shared_world());
  ASSERT_NO_FATAL_FAILURE(be_running(scene));
  expect_whole(scene, [&] {
    scene.dev.must_kubectl({"delete", "pipe", scene.pipe, "--timeout=30s"});
    EXPECT_THAT(
        scene.engine.value("SELECT comment FROM system.tables WHERE name = 'orders' AND database = '" +
                           scene.database + "'"),
        testing::EndsWith(" name=default/" + scene.pipe + " released"));
    change_meanwhile(scene);
    scene.apply();
  });
}

TEST(Again, ReplacedByForceComesUpWithoutReadersSeeingLess) {
  Scene scene(shared_world());
  ASSERT_NO_FATAL_FAILURE(be_running(scene));
  scene.pause(true);
  ASSERT_TRUE(scene.reaches("Paused"));
  change_meanwhile(scene);
  expect_whole(scene, [&] {
    const auto done = scene.dev.kubectl({"replace", "--force", "-f", "-"}, scene.manifest.both());
    EXPECT_TRUE(done.ok()) << done.err;
  });
}

TEST(Again, UnderAnotherNameAndWithOtherSettingsTheTargetIsTakenUp) {
  Scene scene(shared_world());
  ASSERT_NO_FATAL_FAILURE(be_running(scene));
  scene.dev.must_kubectl({"delete", "pipe", scene.pipe, "--timeout=30s"});
  change_meanwhile(scene);
  Neighbour second(scene, {"{source: public.orders, columns: [{name: 'n', type: 'Nullable(Int64)'}]}"});
  Reader reader(scene.engine, scene.database, kWhole);
  scene.dev.apply(second.yaml());
  ASSERT_TRUE(second.reaches("Running"));
  EXPECT_EQ(reader.answers(), (States{"1000\t['old']", "900\t['new']"}));
  EXPECT_EQ(scene.target_value("SELECT toTypeName(n) FROM orders LIMIT 1"), "Nullable(Int64)");
  EXPECT_EQ(scene.target_tables(), "orders");
}

TEST(Again, InANamespaceThatWasMadeAnewItComesUp) {
  Scene scene(shared_world());
  scene.create_table("orders", 100);
  scene.dev.must_kubectl({"create", "namespace", "short-lived"});
  Neighbour pipe(scene, {"public.orders"}, "short-lived");
  scene.dev.apply(pipe.yaml());
  ASSERT_TRUE(pipe.reaches("Running"));
  scene.dev.must_kubectl({"delete", "namespace", "short-lived", "--timeout=60s"});
  scene.exec("DELETE FROM orders WHERE id <= 10");
  scene.dev.must_kubectl({"create", "namespace", "short-lived"});
  scene.dev.apply(pipe.yaml());
  ASSERT_TRUE(pipe.reaches("Running"));
  EXPECT_EQ(scene.target_value("SELECT count() FROM orders"), "90");
}

TEST(Again, DeletedBeforeItsLoadIsThroughLeavesNothingOfItsRows) {
  Scene scene(shared_world());
  scene.create_table("orders", 20000);
  scene.declare({"public.orders"});
  ASSERT_NO_FATAL_FAILURE(scene.begin_a_slow_load("orders"));
  scene.dev.must_kubectl({"delete", "pipe", scene.pipe, "--timeout=30s"});
  scene.speed_up();
  scene.exec("DELETE FROM orders WHERE id <= 19000");
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  EXPECT_EQ(scene.target_value("SELECT count() FROM orders"), "1000");
  EXPECT_EQ(scene.target_tables(), "orders");
}

/// Another cluster, with the same manifests from Git: Pipes of new UIDs, and tables with the marks of those
/// that were. `takeOver` brings it up, once; the cluster of before, if it lives, sees that it has lost them.
TEST(Again, InAnotherClusterTakeOverBringsItUpAndTheFormerStreamLeavesTheTableAlone) {
  Scene scene(shared_world());
  ASSERT_NO_FATAL_FAILURE(be_running(scene));
  test::DevServer rebuilt;
  auto manifest = scene.manifest;
  rebuilt.apply(manifest.both());
  ASSERT_TRUE(test::eventually([&] { return rebuilt.reason(scene.pipe, "Ready") == "TargetNotOurs"; }));
  EXPECT_THAT(rebuilt.field(scene.pipe, ".status.message"),
              testing::AllOf(HasSubstr("Pipe default/" + scene.pipe), HasSubstr("spec.takeOver: true"),
                             HasSubstr("orders_before_1")));
  manifest.spec_more = "  takeOver: true\n";
  Reader reader(scene.engine, scene.database, "SELECT count() FROM orders FINAL");
  rebuilt.apply(manifest.both());
  ASSERT_TRUE(rebuilt.wait_for_state(scene.pipe, "Running", 60s)) << rebuilt.describe(scene.pipe);
  // The former one still streams, under the same names: not one row of it goes into the new table.
  const auto version = scene.target_value("SELECT max(_penstock_version) FROM orders");
  rebuilt.patch(scene.pipe, R"({"spec":{"paused":true}})");
  ASSERT_TRUE(rebuilt.wait_for_state(scene.pipe, "Paused"));
  scene.exec("UPDATE orders SET v = 'after' WHERE id <= 10");
  ASSERT_TRUE(scene.table_reaches("orders", "Failed", 30s));
  EXPECT_THAT(scene.of_table("orders", "message"), HasSubstr("Pipe default/" + scene.pipe + " now"));
  EXPECT_EQ(scene.dev.reason(scene.pipe, "Ready"), "TablesFailed");
  EXPECT_EQ(scene.target_value("SELECT max(_penstock_version) FROM orders"), version);
  EXPECT_EQ(scene.target_value("SELECT countIf(v = 'after') FROM orders"), "0");
  rebuilt.patch(scene.pipe, R"({"spec":{"paused":false}})");
  EXPECT_EQ(scene.differences({"orders"}), "");
  EXPECT_EQ(reader.answers(), States{"1000"});
  EXPECT_EQ(scene.target_tables(), "orders,orders_before_1");
  // Left as it is in Git it does no harm: nothing is taken over again.
  rebuilt.patch(scene.pipe, R"({"spec":{"resyncGeneration":1}})");
  ASSERT_TRUE(rebuilt.wait_for_field(scene.pipe, ".status.observedResyncGeneration", "1", 60s));
  EXPECT_EQ(scene.target_tables(), "orders,orders_before_1");
  // Given back, the table may be the former one's again.
  rebuilt.must_kubectl({"delete", "pipe", scene.pipe, "--timeout=30s"});
  scene.dev.patch(scene.pipe, R"({"spec":{"tables":[{"source":"public.orders","resyncGeneration":1}]}})");
  ASSERT_TRUE(scene.table_reaches("orders", "Streaming")) << scene.dev.describe(scene.pipe);
  EXPECT_EQ(scene.differences({"orders"}), "");
}

}  // namespace
}  // namespace penstock
