// The states of a pipe as kubectl shows them: by watching, as events, as conditions and in columns.

#include <algorithm>
#include <sstream>

#include "tests/e2e/lifecycle/lifecycle_test.hpp"

namespace penstock {
namespace {

TEST(States, ANewPipePausedAndResumedShowsExactlyItsSequence) {
  Scene scene(shared_world());
  scene.create_table("orders", 20000);
  scene.declare({"public.orders"});
  const auto watch = scene.dev.watch(scene.pipe);
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  scene.exec("INSERT INTO orders VALUES (20001, 'new', 1); UPDATE orders SET v = 'changed' WHERE id <= 10");
  EXPECT_EQ(scene.differences({"orders"}), "");

  scene.pause(true);
  ASSERT_TRUE(scene.reaches("Paused"));
  scene.exec("DELETE FROM orders WHERE id BETWEEN 11 AND 20; UPDATE orders SET id = -id WHERE id = 21");
  scene.pause(false);
  EXPECT_EQ(scene.differences({"orders"}), "");

  const States wanted{"Provisioning", "Setup", "Snapshot", "Running", "Pausing", "Paused", "Running"};
  EXPECT_TRUE(watch.saw(wanted, 10s)) << testing::PrintToString(watch.states());
  EXPECT_TRUE(test::eventually([&] { return scene.dev.events(scene.pipe, "Normal") == wanted; }))
      << testing::PrintToString(scene.dev.events(scene.pipe, "Normal"));
  EXPECT_EQ(scene.dev.events(scene.pipe, "Warning"), States{});
}

TEST(States, NothingIsReadWhilePausedAndTheSlotKeepsItsPlace) {
  Scene scene(shared_world());
  scene.create_table("orders", 100);
  scene.declare({"public.orders"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  EXPECT_EQ(scene.differences({"orders"}), "");
  scene.pause(true);
  ASSERT_TRUE(scene.reaches("Paused"));
  ASSERT_TRUE(scene.slot_is_idle());
  const auto place =
      scene.value("SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE database = current_database()");
  scene.exec("UPDATE orders SET n = n + 1; CHECKPOINT");
  EXPECT_EQ(
      scene.value("SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE database = current_database()"),
      place);
  EXPECT_EQ(scene.target_value(
                "SELECT max(_penstock_version) > 0 AND count() = 100 FROM orders FINAL WHERE n < 1000"),
            "1");
  scene.pause(false);
  EXPECT_EQ(scene.differences({"orders"}), "");
}

TEST(States, APipeCreatedPausedTouchesNothingUntilItIsUnpaused) {
  Scene scene(shared_world());
  scene.create_table("orders", 100);
  scene.declare({"public.orders"});
  scene.manifest.target_database = scene.database;
  scene.manifest.spec_more = "  paused: true\n";
  const auto watch = scene.dev.watch(scene.pipe);
  scene.apply();
  ASSERT_TRUE(scene.reaches("Paused"));
  EXPECT_TRUE(watch.saw({"Provisioning", "Paused"}, 5s)) << testing::PrintToString(watch.states());
  EXPECT_EQ(conditions_of(scene), "Ready=True Paused=True");
  EXPECT_EQ(scene.slots(), 0);
  EXPECT_EQ(scene.publications(), 0);
  EXPECT_EQ(scene.engine.value("SELECT count() FROM system.databases WHERE name = '" + scene.database + "'"),
            "0");

  scene.pause(false);
  ASSERT_TRUE(scene.reaches("Running"));
  EXPECT_EQ(scene.differences({"orders"}), "");
  EXPECT_TRUE(watch.saw({"Provisioning", "Paused", "Setup", "Snapshot", "Running"}, 5s))
      << testing::PrintToString(watch.states());
  EXPECT_EQ(scene.slots(), 1);
}

TEST(States, ConditionsTellEveryRestingStateAndTheGenerationTheySaw) {
  Scene scene(shared_world());
  scene.create_table("orders", 1000);
  scene.declare({"public.orders"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  EXPECT_TRUE(
      scene.dev.wait_for_field(scene.pipe, ".status.conditions[?(@.type==\"Ready\")].status", "True"));
  EXPECT_EQ(conditions_of(scene), "Ready=True");
  EXPECT_EQ(scene.dev.reason(scene.pipe, "Ready"), "Running");
  EXPECT_EQ(scene.field(".status.observedGeneration"), scene.field(".metadata.generation"));
  EXPECT_EQ(scene.field(".status.observedResyncGeneration"), "0");
  const auto since = scene.field(".status.conditions[?(@.type==\"Ready\")].lastTransitionTime");

  const auto before = scene.number(".metadata.generation");
  scene.pause(true);
  ASSERT_TRUE(scene.reaches("Paused"));
  EXPECT_EQ(conditions_of(scene), "Ready=True Paused=True");
  EXPECT_EQ(scene.dev.reason(scene.pipe, "Ready"), "Paused");
  EXPECT_EQ(scene.number(".metadata.generation"), before + 1);
  EXPECT_EQ(scene.number(".status.observedGeneration"), before + 1);
  EXPECT_EQ(scene.number(".status.conditions[?(@.type==\"Ready\")].observedGeneration"), before + 1);

  scene.pause(false);
  ASSERT_TRUE(scene.reaches("Running"));
  EXPECT_EQ(scene.dev.must_kubectl({"wait", "pipe", scene.pipe, "--for=condition=Ready", "--timeout=20s"}),
            "pipe.penstock.dev/" + scene.pipe + " condition met\n");
  EXPECT_NE(since, "");
}

TEST(States, ColumnsShowStateTablesRowsAndLag) {
  Scene scene(shared_world());
  scene.create_table("orders", 1500);
  scene.create_table("customers", 500);
  scene.declare({"public.orders", "public.customers"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  ASSERT_TRUE(scene.dev.wait_for_field(scene.pipe, ".status.tablesReady", "2/2"));
  scene.exec("INSERT INTO customers SELECT i, 'x', 0 FROM generate_series(501, 600) i");
  ASSERT_TRUE(scene.dev.wait_for_field(scene.pipe, ".status.rows", "2100"));

  const auto words = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"get", "pipe", scene.pipe};
    arguments.insert(arguments.end(), more.begin(), more.end());
    std::istringstream in(scene.dev.must_kubectl(arguments));
    std::vector<std::string> out;
    for (std::string word; in >> word;)
      out.push_back(word);
    return out;
  };
  const auto narrow = words({});
  ASSERT_EQ(narrow.size(), 12U) << testing::PrintToString(narrow);
  EXPECT_EQ(States(narrow.begin(), narrow.begin() + 10),
            (States{"NAME", "STATE", "TABLES", "ROWS", "LAG", "AGE", scene.pipe, "Running", "2/2", "2100"}));
  EXPECT_TRUE(narrow[10].ends_with('s')) << narrow[10];
  const auto wide = words({"-o", "wide"});
  EXPECT_EQ(States(wide.begin() + 6, wide.begin() + 9), (States{"RESYNC", "SLOT", "MESSAGE"}));
  EXPECT_EQ(wide.at(15), "0");
  EXPECT_EQ(wide.at(16), scene.field(".status.replication.slot"));
}

TEST(States, TheStatusTellsOfEveryTableAndOfReplication) {
  Scene scene(shared_world());
  scene.create_table("orders", 3500);
  scene.declare({"{source: public.orders, target: bestellungen}"});
  scene.manifest.spec_more = "  snapshot: {rowsPerPartition: 1000}\n";
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  ASSERT_TRUE(scene.dev.wait_for_field(scene.pipe, ".status.tables[0].state", "Streaming"));
  scene.exec("UPDATE orders SET n = 7 WHERE id <= 5");
  ASSERT_TRUE(scene.dev.wait_for_field(scene.pipe, ".status.tables[0].rowsStreamed", "5"));
  EXPECT_EQ(scene.field(".status.tables[0].source"), "public.orders");
  EXPECT_EQ(scene.field(".status.tables[0].target"), "bestellungen");
  EXPECT_EQ(scene.field(".status.tables[0].rowsLoaded"), "3500");
  EXPECT_EQ(scene.field(".status.tables[0].rowsEstimated"), "3500");
  EXPECT_GE(scene.number(".status.tables[0].partitionsTotal"), 3);
  EXPECT_EQ(scene.field(".status.tables[0].partitionsLoaded"),
            scene.field(".status.tables[0].partitionsTotal"));
  EXPECT_EQ(scene.field(".status.replication.slot"),
            scene.value("SELECT slot_name FROM pg_replication_slots WHERE database = current_database()"));
  EXPECT_EQ(scene.field(".status.replication.publication"),
            scene.value("SELECT pubname FROM pg_publication"));
  EXPECT_EQ(scene.field(".status.worker"), "dev");
  EXPECT_TRUE(scene.caught_up());
}

}  // namespace
}  // namespace penstock
