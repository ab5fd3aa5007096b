// What is taken down when a Pipe is deleted, and that it always ends.

#include "tests/e2e/lifecycle/lifecycle_test.hpp"

namespace penstock {
namespace {

void remove(Scene& scene) {
  scene.dev.must_kubectl({"delete", "pipe", scene.pipe, "--timeout=30s"});
}

TEST(Deletion, DropsSlotAndPublicationAndRetainsTheTargets) {
  Scene scene(shared_world());
  scene.create_table("orders", 1000);
  scene.declare({"public.orders"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  EXPECT_EQ(scene.slots(), 1);
  EXPECT_EQ(scene.publications(), 1);
  remove(scene);
  EXPECT_EQ(scene.slots(), 0);
  EXPECT_EQ(scene.publications(), 0);
  EXPECT_EQ(scene.target_count("orders"), 1000);
}

TEST(Deletion, DropsTheTargetsWhereThePolicySaysSo) {
  Scene scene(shared_world());
  scene.create_table("orders", 1000);
  scene.create_table("customers", 10);
  scene.declare({"public.orders", "public.customers"});
  scene.manifest.spec_more = "  deletionPolicy: Delete\n";
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  scene.engine.query("CREATE TABLE " + scene.database + ".neighbour (x Int32) ENGINE = MergeTree ORDER BY x");
  remove(scene);
  EXPECT_FALSE(scene.target_exists("orders"));
  EXPECT_FALSE(scene.target_exists("customers"));
  EXPECT_TRUE(scene.target_exists("neighbour"));
  EXPECT_EQ(scene.slots(), 0);
}

TEST(Deletion, EndsALoadUnderWay) {
  Scene scene(shared_world());
  scene.create_table("orders", 40000);
  scene.declare({"public.orders"});
  scene.manifest.spec_more = "  deletionPolicy: Delete\n";
  ASSERT_NO_FATAL_FAILURE(scene.begin_a_slow_load("orders"));
  remove(scene);
  EXPECT_EQ(scene.slots(), 0);
  EXPECT_EQ(scene.publications(), 0);
  EXPECT_FALSE(scene.target_exists("orders"));
  EXPECT_TRUE(scene.idle());
}

TEST(Deletion, ReleasesAPausedPipeToo) {
  Scene scene(shared_world());
  scene.create_table("orders", 10);
  scene.declare({"public.orders"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  scene.pause(true);
  ASSERT_TRUE(scene.reaches("Paused"));
  remove(scene);
  EXPECT_EQ(scene.slots(), 0);
  EXPECT_EQ(scene.publications(), 0);
}

TEST(Deletion, EndsAtOnceForAPipeThatNeverGotThroughSetup) {
  Scene scene(shared_world());
  scene.declare({"public.no_such_table"});
  scene.apply();
  ASSERT_TRUE(test::eventually([&] { return scene.dev.condition(scene.pipe, "Stalled") == "True"; }));
  remove(scene);
}

TEST(Deletion, EndsAtOnceForAPipeThatNeverGotThroughSetupThoughItsTargetsWereToGo) {
  Scene scene(shared_world());
  scene.create_table("orders", 10);
  scene.declare({"public.orders"});
  scene.manifest.spec_more = "  deletionPolicy: Delete\n";
  scene.manifest.url = "http://127.0.0.1:" + std::to_string(test::free_port());
  scene.apply();
  ASSERT_TRUE(
      test::eventually([&] { return scene.dev.reason(scene.pipe, "Ready") == "ProgressingWithRetry"; }));
  remove(scene);
}

TEST(Deletion, ReleasesTheSourceWhenTheSecretIsDeletedWithThePipe) {
  Scene scene(shared_world());
  scene.create_table("orders", 10);
  scene.declare({"public.orders"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  // In this order: the Secret is gone when the Pipe's deletion begins.
  const auto done = scene.dev.kubectl({"delete", "--timeout=30s", "-f", "-"}, scene.manifest.both());
  EXPECT_TRUE(done.ok()) << done.err;
  EXPECT_EQ(scene.slots(), 0);
  EXPECT_EQ(scene.publications(), 0);
}

TEST(Deletion, ReleasesTheSourceWhenTheSecretWentAWhileBefore) {
  Scene scene(shared_world());
  scene.create_table("orders", 10);
  scene.declare({"public.orders"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  scene.dev.must_kubectl({"delete", "secret", scene.pipe + "-postgres"});
  // The stream goes on with the credentials it has.
  scene.exec("INSERT INTO orders VALUES (11, 'without the Secret', 0)");
  EXPECT_EQ(scene.differences({"orders"}), "");
  remove(scene);
  EXPECT_EQ(scene.slots(), 0);
  EXPECT_EQ(scene.publications(), 0);
}

TEST(Deletion, WaitsForAnAbsentSourceAndReleasesItWhenItIsBack) {
  test::PostgresServer postgres;
  World world{&postgres, shared_world().engine, shared_world().dev};
  Scene scene(world);
  scene.create_table("orders", 10);
  scene.declare({"public.orders"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  postgres.stop();
  scene.dev.must_kubectl({"delete", "pipe", scene.pipe, "--wait=false"});
  ASSERT_TRUE(
      test::eventually([&] { return scene.dev.reason(scene.pipe, "Ready") == "ProgressingWithRetry"; }));
  EXPECT_NE(scene.field(".metadata.deletionTimestamp"), "");
  postgres.start();
  EXPECT_TRUE(scene.dev.wait_until_gone(scene.pipe, 40s));
  EXPECT_EQ(scene.slots(), 0);
  EXPECT_EQ(scene.publications(), 0);
}

TEST(Deletion, AndCreationAnewUnderTheSameNameBeginsFromTheStart) {
  Scene scene(shared_world());
  scene.create_table("orders", 1000);
  scene.declare({"public.orders"});
  scene.manifest.spec_more = "  deletionPolicy: Delete\n";
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  const auto slot = scene.field(".status.replication.slot");
  remove(scene);
  scene.exec("DELETE FROM orders WHERE id <= 500");
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  EXPECT_NE(scene.field(".status.replication.slot"), slot);
  EXPECT_EQ(scene.differences({"orders"}), "");
  EXPECT_EQ(scene.number(".status.rows"), 500);
}

}  // namespace
}  // namespace penstock
