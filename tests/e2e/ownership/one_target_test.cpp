// Two Pipes and one target: one of them has it, the other is told who.

#include <thread>

#include "tests/e2e/ownership/ownership_test.hpp"

namespace penstock {
namespace {

/// How long a Pipe that is refused waits at most before it looks again, and what a load takes.
constexpr auto kLookAgain = 60s;

/// public.orders and public.customers, both for target `one`, applied at once by two Pipes. Returns when one
/// has it and the other is told; then deletes the one, and the other must have the target to itself.
void expect_one_after_the_other(Scene& scene, Neighbour& second, const std::string& target_more = "") {
  scene.declare({"{source: public.orders, target: one" + target_more + "}"});
  second.manifest.tables = {"{source: public.customers, target: one" + target_more + "}"};
  scene.dev.apply(scene.manifest.both() + "---\n" + second.yaml());
  ASSERT_TRUE(test::eventually([&] {
    return scene.dev.state(scene.pipe) == "Running" || second.field(".status.state") == "Running";
  }));
  const bool first_has_it = scene.dev.state(scene.pipe) == "Running";
  ASSERT_TRUE(test::eventually([&] {
    return (first_has_it ? second.ready_reason() : scene.dev.reason(scene.pipe, "Ready")) == "TargetNotOurs";
  })) << scene.dev.describe(scene.pipe);
  const auto told = first_has_it ? second.message() : scene.field(".status.message");
  const auto holder = first_has_it ? "default/" + scene.pipe : second.full_name();
  EXPECT_THAT(told, HasSubstr("Pipe " + holder));
  EXPECT_THAT(told, testing::Not(HasSubstr("UID")));
  EXPECT_THAT(told, HasSubstr("delete Pipe " + holder));
  EXPECT_NE(first_has_it ? second.field(".status.state") : scene.dev.state(scene.pipe), "Running");
  if (target_more.empty()) {
    EXPECT_EQ(scene.target_value("SELECT uniqExact(v LIKE 'order%') FROM one"), "1") << "rows of both";
  }
  if (first_has_it)
    scene.dev.must_kubectl({"delete", "pipe", scene.pipe, "--timeout=30s"});
  else
    second.remove();
  ASSERT_TRUE(first_has_it ? second.reaches("Running", kLookAgain) : scene.reaches("Running", kLookAgain));
  EXPECT_EQ(scene.target_tables(), "one");
  if (!target_more.empty()) return;
  const auto expected = first_has_it ? "customer" : "order";
  EXPECT_EQ(scene.target_value("SELECT count(), uniqExact(v), any(v) FROM one FINAL"),
            fmt::format("{}\t1\t{}", first_has_it ? 50 : 70, expected));
}

void create_sources(Scene& scene) {
  scene.create_table("orders", 70);
  scene.create_table("customers", 50);
  scene.exec("UPDATE orders SET v = 'order'; UPDATE customers SET v = 'customer'");
}

TEST(TwoPipesOfOneApply, WithOneTargetNeverBothRun) {
  Scene scene(shared_world());
  create_sources(scene);
  Neighbour second(scene, {});
  expect_one_after_the_other(scene, second);
}

TEST(TwoPipesOfOneApply, InTwoNamespacesUnderTwoNamesOfOneServerNeverBothRun) {
  Scene scene(shared_world());
  create_sources(scene);
  scene.dev.must_kubectl({"create", "namespace", "elsewhere"});
  Neighbour second(scene, {}, "elsewhere");
  second.manifest.url = fmt::format("http://localhost:{}", scene.engine.port());
  expect_one_after_the_other(scene, second);
}

TEST(TwoPipesOfOneApply, OnATableThatTheUserMadeNeverBothRun) {
  Scene scene(shared_world());
  create_sources(scene);
  scene.engine.query("CREATE DATABASE " + scene.database);
  scene.engine.query("CREATE TABLE " + scene.database +
                     ".one (id Int64, v Nullable(String), n Nullable(Int32), _penstock_version UInt128, "
                     "_penstock_deleted UInt8, _penstock_synced_at DateTime64(3) DEFAULT now64(3)) ENGINE = "
                     "ReplacingMergeTree(_penstock_version, _penstock_deleted) ORDER BY id COMMENT 'mine'");
  Neighbour second(scene, {});
  scene.declare({"{source: public.orders, target: one}"});
  second.manifest.tables = {"{source: public.customers, target: one}"};
  scene.dev.apply(scene.manifest.both() + "---\n" + second.yaml());
  ASSERT_TRUE(test::eventually([&] {
    return (scene.dev.state(scene.pipe) == "Running" && second.ready_reason() == "TargetNotOurs") ||
           (second.field(".status.state") == "Running" &&
            scene.dev.reason(scene.pipe, "Ready") == "TargetNotOurs");
  })) << scene.dev.describe(scene.pipe)
      << second.field("");
  EXPECT_EQ(scene.target_value("SELECT uniqExact(v) FROM one"), "1") << "rows of both";
  EXPECT_EQ(scene.target_tables(), "one");
}

TEST(TwoPipesOfOneApply, WithOneNullTargetNeverBothRun) {
  Scene scene(shared_world());
  create_sources(scene);
  scene.exec("ALTER TABLE orders REPLICA IDENTITY FULL; ALTER TABLE customers REPLICA IDENTITY FULL");
  Neighbour second(scene, {});
  expect_one_after_the_other(scene, second, ", engine: 'Null'");
}

TEST(TwoPipesOfOneApply, ThatTakeOverOneTargetOfNobodysNeverBothRun) {
  Scene scene(shared_world());
  create_sources(scene);
  scene.engine.query("CREATE DATABASE " + scene.database);
  scene.engine.query("CREATE TABLE " + scene.database + ".one (v String) ENGINE = MergeTree ORDER BY v");
  scene.engine.query("INSERT INTO " + scene.database + ".one VALUES ('mine')");
  scene.manifest.spec_more = "  takeOver: true\n";
  Neighbour second(scene, {});
  scene.declare({"{source: public.orders, target: one}"});
  second.manifest.tables = {"{source: public.customers, target: one}"};
  scene.dev.apply(scene.manifest.both() + "---\n" + second.yaml());
  ASSERT_TRUE(test::eventually([&] {
    return (scene.dev.state(scene.pipe) == "Running" && second.ready_reason() == "TargetNotOurs") ||
           (second.field(".status.state") == "Running" &&
            scene.dev.reason(scene.pipe, "Ready") == "TargetNotOurs");
  })) << scene.dev.describe(scene.pipe);
  EXPECT_EQ(scene.target_value("SELECT uniqExact(v) FROM one"), "1") << "rows of both";
  EXPECT_EQ(scene.target_value("SELECT v FROM one_before_1"), "mine");
}

TEST(TwoProcesses, WithOneTargetNeverBothRun) {
  Scene scene(shared_world());
  create_sources(scene);
  test::DevServer other;
  scene.declare({"{source: public.orders, target: one}"});
  auto manifest = scene.manifest;
  manifest.name = "elsewhere";
  manifest.tables = {"{source: public.customers, target: one}"};
  std::thread beside([&] { other.apply(manifest.both()); });
  scene.apply();
  beside.join();
  const auto refused = [](const test::DevServer& dev, const std::string& pipe) {
    return dev.reason(pipe, "Ready") == "TargetNotOurs";
  };
  ASSERT_TRUE(test::eventually([&] {
    return (scene.dev.state(scene.pipe) == "Running" && refused(other, "elsewhere")) ||
           (other.state("elsewhere") == "Running" && refused(scene.dev, scene.pipe));
  })) << scene.dev.describe(scene.pipe)
      << other.describe("elsewhere");
  EXPECT_EQ(scene.target_value("SELECT uniqExact(v) FROM one"), "1") << "rows of both";
  const bool first_has_it = refused(other, "elsewhere");
  EXPECT_THAT(
      first_has_it ? other.field("elsewhere", ".status.message") : scene.field(".status.message"),
      HasSubstr("Pipe default/" + (first_has_it ? scene.pipe : "elsewhere") + ", which is not known here"));
  (first_has_it ? scene.dev : other)
      .must_kubectl({"delete", "pipe", first_has_it ? scene.pipe : "elsewhere", "--timeout=30s"});
  ASSERT_TRUE(first_has_it ? other.wait_for_state("elsewhere", "Running", kLookAgain)
                           : scene.reaches("Running", kLookAgain));
  EXPECT_EQ(scene.target_tables(), "one");
  (void)other.kubectl({"delete", "pipe", "elsewhere", "--timeout=30s"});
}

TEST(OneTarget, OfATableThatWasTakenOutIsTheNextPipes) {
  Scene scene(shared_world());
  create_sources(scene);
  scene.declare({"public.orders", "{source: public.customers, target: one}"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  scene.exec("DELETE FROM customers WHERE id <= 10");
  scene.dev.patch(scene.pipe, R"({"spec":{"tables":[{"source":"public.orders"}]}})");
  ASSERT_TRUE(test::eventually([&] { return scene.field(".status.tables[1].source").empty(); }));
  Neighbour second(scene, {"{source: public.customers, target: one}"});
  second.manifest.spec_more = "";
  scene.dev.apply(second.yaml());
  ASSERT_TRUE(second.reaches("Running"));
  EXPECT_EQ(scene.target_value("SELECT count() FROM one"), "40") << "not even tombstones of before";
  EXPECT_EQ(scene.target_tables(), "one,orders");
}

}  // namespace
}  // namespace penstock
