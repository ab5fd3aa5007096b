// Settings and credentials that change under a running pipe, and that no password is ever told.

#include "tests/e2e/lifecycle/lifecycle_test.hpp"

namespace penstock {
namespace {

TEST(Settings, SyncIsTakenUpLive) {
  Scene scene(shared_world());
  scene.create_table("orders", 100);
  scene.declare({"public.orders"});
  scene.manifest.spec_more = "  sync: {interval: 1h}\n";
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  ASSERT_TRUE(scene.dev.wait_for_field(scene.pipe, ".status.tables[0].state", "Streaming"));
  scene.exec("UPDATE orders SET v = 'held back'");
  ASSERT_TRUE(test::eventually([&] {  // the stream has it, and keeps it
    return std::stod("0" + scene.field(".status.replication.lagSeconds")) > 1;
  })) << scene.field(".status.replication");
  EXPECT_EQ(scene.target_value("SELECT count() FROM orders WHERE v = 'held back'"), "0");
  const auto walsender = "SELECT active_pid FROM pg_replication_slots WHERE slot_name = '" +
                         scene.field(".status.replication.slot") + "'";
  const auto before = scene.value(walsender);
  scene.dev.patch(scene.pipe, R"({"spec":{"sync":{"interval":"20ms"}}})");
  EXPECT_EQ(scene.differences({"orders"}), "");
  scene.exec("UPDATE orders SET v = 'at once'");
  EXPECT_EQ(scene.differences({"orders"}), "");
  EXPECT_EQ(scene.value(walsender), before) << "the stream was begun again";
  EXPECT_EQ(scene.dev.state(scene.pipe), "Running");
}

TEST(Settings, SnapshotIsTakenUpInMidLoadAndKeepsTheProgress) {
  Scene scene(shared_world());
  scene.create_table("orders", 40000);
  scene.declare({"public.orders"});
  const auto watch = scene.dev.watch(scene.pipe);
  ASSERT_NO_FATAL_FAILURE(
      scene.begin_a_slow_load("orders", "  snapshot: {rowsPerPartition: 1000, workersPerTable: 1}\n"));
  const auto loaded = scene.number(".status.rows");
  scene.dev.patch(scene.pipe, R"({"spec":{"sync":{"batchRows":100000},"snapshot":{"workersPerTable":4}}})");
  std::int64_t seen = loaded;
  ASSERT_TRUE(test::eventually(
      [&] {
        const auto now = scene.number(".status.tables[0].rowsLoaded");
        EXPECT_GE(now, seen);
        seen = now;
        return scene.dev.state(scene.pipe) == "Running";
      },
      60s));
  EXPECT_EQ(scene.rows_read("orders"), 40000);
  EXPECT_EQ(scene.differences({"orders"}), "");
  EXPECT_TRUE(watch.saw({"Provisioning", "Setup", "Snapshot", "Running"}, 5s))
      << testing::PrintToString(watch.states());
}

TEST(Settings, ARotatedPasswordIsTakenUpByItself) {
  Scene scene(shared_world());
  scene.create_table("orders", 100);
  const auto role = "role_" + scene.database;
  scene.exec("CREATE ROLE " + role + " LOGIN SUPERUSER PASSWORD 'the first'");
  scene.manifest.user = role;
  scene.manifest.password = "the first";
  scene.declare({"public.orders"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));

  scene.exec("ALTER ROLE " + role + " PASSWORD 'the second'");
  scene.exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '" + role + "'");
  ASSERT_TRUE(
      test::eventually([&] { return scene.dev.reason(scene.pipe, "Ready") == "AuthenticationFailed"; }, 20s))
      << scene.field(".status");
  EXPECT_EQ(scene.dev.condition(scene.pipe, "Stalled"), "True");
  EXPECT_EQ(scene.dev.state(scene.pipe), "Running");
  scene.exec("UPDATE orders SET v = 'meanwhile'");
  scene.manifest.password = "the second";
  scene.dev.apply(scene.manifest.secret());
  EXPECT_TRUE(test::eventually([&] { return scene.dev.condition(scene.pipe, "Ready") == "True"; }, 20s));
  EXPECT_EQ(conditions_of(scene), "Ready=True");
  EXPECT_EQ(scene.differences({"orders"}), "");

  // Rotated in the Secret while the old sessions still stand: new ones are made with it.
  scene.exec("ALTER ROLE " + role + " PASSWORD 'the third'");
  const auto walsender =
      "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walsender' AND usename = '" + role + "'";
  const auto before = scene.value(walsender);
  scene.manifest.password = "the third";
  scene.dev.apply(scene.manifest.secret());
  EXPECT_TRUE(test::eventually(
      [&] {
        const auto now = scene.postgres.query(walsender);
        return now.size() == 1 && now[0][0] != before;
      },
      20s));
  scene.exec("UPDATE orders SET v = 'with the third'");
  EXPECT_EQ(scene.differences({"orders"}), "");
}

TEST(Settings, NoPasswordIsEverTold) {
  Scene scene(shared_world());
  scene.create_table("orders", 100);
  const std::string right = "r1ght-'';%40&x\"y \\z";
  const std::string wrong = "wr0ng-'';%40&x\"y \\z";
  const std::string third = "d3st-Secret&%41";
  const auto role = "role_" + scene.database;
  scene.exec("CREATE ROLE " + role + " LOGIN SUPERUSER PASSWORD E'r1ght-\\'\\';%40&x\"y \\\\z'");
  scene.manifest.user = role;
  scene.declare({"public.orders"});
  const auto yaml = [](const std::string& password) {  // single-quoted in YAML: quotes are doubled
    std::string out;
    for (const char c : password)
      out += c == '\'' ? std::string("''") : std::string(1, c);
    return out;
  };
  const auto set = [&](const std::string& password) {
    scene.manifest.password = yaml(password);
    scene.dev.apply(scene.manifest.secret());
  };
  set(wrong);
  scene.dev.apply(scene.manifest.pipe());
  ASSERT_TRUE(
      test::eventually([&] { return scene.dev.reason(scene.pipe, "Ready") == "AuthenticationFailed"; }, 20s));
  set(right);
  ASSERT_TRUE(scene.reaches("Running"));
  scene.exec("UPDATE orders SET v = 'streamed'");
  EXPECT_EQ(scene.differences({"orders"}), "");
  scene.dev.apply("apiVersion: v1\nkind: Secret\nmetadata: {name: " + scene.pipe +
                  "-ch}\nstringData: {password: '" + third + "'}\n");
  scene.dev.patch(scene.pipe, R"({"spec":{"destination":{"clickhouse":{"passwordSecretRef":{"name":")" +
                                  scene.pipe + R"(-ch"}}}}})");
  EXPECT_TRUE(test::eventually([&] { return scene.dev.condition(scene.pipe, "Ready") == "False"; }, 20s));
  set(wrong);
  scene.exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '" + role + "'");
  EXPECT_TRUE(
      test::eventually([&] { return scene.dev.reason(scene.pipe, "Ready") == "AuthenticationFailed"; }, 20s));

  const auto told = scene.dev.all_logs() + scene.dev.describe(scene.pipe) +
                    scene.dev.must_kubectl({"get", "events", "-o", "yaml"}) +
                    scene.dev.must_kubectl({"get", "pipes", "-o", "yaml"}) +
                    scene.dev.must_kubectl({"get", "pipes", "-o", "wide"});
  EXPECT_NE(told.find(role), std::string::npos) << "looks at the right texts";
  for (const auto* part : {"r1ght-", "wr0ng-", "d3st-", "cjFnaHQ", "d3IwbmctJy"})
    EXPECT_EQ(told.find(part), std::string::npos) << part << " in\n" << told;
  set(right);
  // The Secret itself is for those who may read it.
  EXPECT_NE(
      scene.dev.must_kubectl({"get", "secret", scene.pipe + "-postgres", "-o", "yaml"}).find("password"),
      std::string::npos);
}

}  // namespace
}  // namespace penstock
