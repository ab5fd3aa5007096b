// Our place in the source is gone: Failed, in whatever state, and soon; and a resync cures it.

#include <filesystem>

#include "tests/e2e/resync/resync_test.hpp"

namespace penstock {
namespace {

void drop_the_slot(Scene& scene) {
  scene.exec(
      "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE database = current_database() "
      "AND active");
  ASSERT_TRUE(test::eventually([&] {
    try {
      scene.exec(
          "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = "
          "current_database()");
    } catch (const std::exception&) {  // it was taken up again in between
      scene.exec(
          "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE database = "
          "current_database() AND active");
    }
    return scene.slots() == 0;
  }));
}

TEST(LostPlace, ASlotDroppedWhileRunning) {
  Scene scene(shared_world());
  create_old_rows(scene);
  scene.declare({"public.orders"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  ASSERT_NO_FATAL_FAILURE(drop_the_slot(scene));
  EXPECT_TRUE(scene.reaches("Failed", 30s));
  EXPECT_EQ(scene.dev.reason(scene.pipe, "Stalled"), "SlotLost");
  change_behind_its_back(scene);
  Reader reader(scene.engine, scene.database, kWhole);
  scene.resync(1);
  ASSERT_TRUE(scene.reaches("Running"));
  EXPECT_EQ(reader.answers(), (States{"2000\t['old']", "1500\t['new']"}));
}

/// In the middle of the load of a resync to generation 1.
void be_in_a_resync(Scene& scene) {
  scene.create_table("orders", 40000);
  scene.exec("UPDATE orders SET v = 'old'");
  scene.declare({"public.orders"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  scene.dev.patch(scene.pipe, R"({"spec":{"resyncGeneration":1,"sync":{"batchRows":500}}})");
  ASSERT_NO_FATAL_FAILURE(scene.slow_down("orders_resync"));
  ASSERT_TRUE(scene.table_reaches("orders", "Loading"));
}

void be_paused(Scene& scene) {
  create_old_rows(scene);
  scene.declare({"public.orders"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  scene.pause(true);
  ASSERT_TRUE(scene.reaches("Paused"));
}

void expect_slot_lost(Scene& scene) {
  EXPECT_TRUE(scene.reaches("Failed", 30s));
  EXPECT_EQ(scene.dev.reason(scene.pipe, "Stalled"), "SlotLost");
  EXPECT_EQ(conditions_of(scene), "Ready=False Stalled=True");
  EXPECT_EQ(scene.field(".status.observedResyncGeneration"), "0");
}

/// The source gives the slot up for the WAL that it holds.
void outgrow_the_slot(Scene& scene) {
  ASSERT_TRUE(test::eventually(
      [&] {
        scene.exec("SELECT pg_logical_emit_message(true, 'test', 'x'), pg_switch_wal()");
        scene.exec("CHECKPOINT");
        return scene.value(
                   "SELECT wal_status FROM pg_replication_slots WHERE database = current_database()") ==
               "lost";
      },
      60s));
}

TEST(LostPlace, ASlotThatTheSourceGivesUpInTheLoad) {
  test::PostgresServer postgres(
      {.settings = {{"max_slot_wal_keep_size", "1MB"}, {"max_wal_size", "32MB"}, {"min_wal_size", "32MB"}}});
  World world{&postgres, shared_world().engine, shared_world().dev};
  Scene scene(world);
  scene.create_table("orders", 60000);
  scene.declare({"public.orders"});
  ASSERT_NO_FATAL_FAILURE(scene.begin_a_slow_load("orders"));
  ASSERT_NO_FATAL_FAILURE(outgrow_the_slot(scene));
  ASSERT_EQ(scene.of_table("orders", "state"), "Loading");
  expect_slot_lost(scene);
  scene.speed_up();
  scene.resync(1);
  ASSERT_TRUE(carried_out(scene, 1));
  scene.exec("UPDATE orders SET n = -1 WHERE id < 100");
  EXPECT_EQ(scene.differences({"orders"}), "");
  EXPECT_EQ(scene.leftovers(1), "");
}

/// Three pipes side by side: only a look now and then can notice it.
TEST(LostPlace, ASlotDroppedInTheInitialLoadInAResyncAndWhilePaused) {
  Scene paused(shared_world()), resyncing(shared_world()), loading(shared_world());
  loading.create_table("orders", 200000);
  ASSERT_NO_FATAL_FAILURE(be_paused(paused));
  ASSERT_NO_FATAL_FAILURE(be_in_a_resync(resyncing));
  loading.declare({"public.orders"});
  ASSERT_NO_FATAL_FAILURE(loading.begin_a_slow_load("orders"));
  for (auto* scene : {&paused, &resyncing, &loading})
    ASSERT_NO_FATAL_FAILURE(drop_the_slot(*scene));
  for (auto* scene : {&resyncing, &loading})
    ASSERT_EQ(scene->of_table("orders", "state"), "Loading");
  change_behind_its_back(resyncing);
  for (auto* scene : {&paused, &resyncing, &loading})
    expect_slot_lost(*scene);

  paused.pause(false);
  change_behind_its_back(paused);
  ASSERT_TRUE(paused.reaches("Failed"));
  const auto watch = paused.dev.watch(paused.pipe);
  Reader of_paused(paused.engine, paused.database, kWhole);
  Reader of_resyncing(resyncing.engine, resyncing.database, kWhole);
  paused.resync(1);
  EXPECT_TRUE(begins(watch, {"Failed"})) << testing::PrintToString(watch.states());
  resyncing.speed_up();
  resyncing.resync(2);
  loading.speed_up();
  loading.dev.patch(loading.pipe, R"({"spec":{"resyncGeneration":1,"sync":{"batchRows":100000}}})");

  ASSERT_TRUE(carried_out(paused, 1));
  ASSERT_TRUE(carried_out(resyncing, 2));
  ASSERT_TRUE(carried_out(loading, 1));
  for (auto* scene : {&paused, &resyncing, &loading}) {
    ASSERT_TRUE(scene->reaches("Running"));
    EXPECT_EQ(conditions_of(*scene), "Ready=True");
    EXPECT_EQ(scene->leftovers(scene == &resyncing ? 2 : 1), "");
  }
  EXPECT_EQ(of_paused.answers(), (States{"2000\t['old']", "1500\t['new']"}));
  EXPECT_EQ(of_resyncing.answers(), (States{"40000\t['old']", "1500\t['new']"}));
  EXPECT_EQ(loading.target_value("SELECT count(), sum(id) FROM orders FINAL"), "200000\t20000100000");
  paused.exec("UPDATE orders SET n = -1 WHERE id < 100");
  EXPECT_EQ(paused.differences({"orders"}), "");
}

void expect_source_changed(Scene& scene) {
  EXPECT_TRUE(scene.reaches("Failed", 30s));
  EXPECT_EQ(scene.dev.reason(scene.pipe, "Stalled"), "SourceChanged");
  EXPECT_NE(scene.field(".status.message").find("was set up against system"), std::string::npos)
      << scene.field(".status.message");
}

TEST(LostPlace, AnotherSystemAtTheSourcesAddressWhilePausedAndInTheLoad) {
  test::PostgresServer postgres;
  World world{&postgres, shared_world().engine, shared_world().dev};
  Scene paused(world), loading(world);
  ASSERT_NO_FATAL_FAILURE(be_paused(paused));
  loading.create_table("orders", 40000);
  loading.declare({"public.orders"});
  ASSERT_NO_FATAL_FAILURE(loading.begin_a_slow_load("orders"));

  postgres.become(1);
  for (auto* scene : {&paused, &loading}) {
    postgres.exec("CREATE DATABASE " + scene->database);
    scene->create_table("orders", 1500);
    scene->exec("UPDATE orders SET v = 'new'");
  }
  expect_source_changed(loading);
  expect_source_changed(paused);
  EXPECT_EQ(loading.target_value("SELECT countIf(v = 'new') FROM orders"), "0");
  EXPECT_EQ(postgres.value("SELECT count(*) FROM pg_replication_slots"), "0");

  Reader reader(paused.engine, paused.database, kWhole);
  loading.speed_up();
  for (auto* scene : {&paused, &loading})
    scene->resync(1);
  ASSERT_TRUE(carried_out(paused, 1));
  ASSERT_TRUE(paused.reaches("Paused"));
  EXPECT_EQ(reader.answers(), (States{"2000\t['old']", "1500\t['new']"}));
  ASSERT_TRUE(carried_out(loading, 1));
  ASSERT_TRUE(loading.reaches("Running"));
  for (auto* scene : {&paused, &loading}) {
    EXPECT_EQ(scene->differences({"orders"}), "");
    EXPECT_EQ(scene->leftovers(1), "");
  }
}

TEST(LostPlace, APublicationDroppedWhileRunning) {
  Scene scene(shared_world());
  scene.create_table("orders", 100);
  scene.declare({"public.orders"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  scene.exec("DROP PUBLICATION \"" + scene.field(".status.replication.publication") + "\"");
  EXPECT_TRUE(scene.reaches("Failed", 30s));
  EXPECT_EQ(scene.dev.reason(scene.pipe, "Stalled"), "PublicationMissing");
  scene.exec("UPDATE orders SET v = 'unpublished'");
  scene.resync(1);
  ASSERT_TRUE(scene.reaches("Running"));
  EXPECT_EQ(scene.differences({"orders"}), "");
  EXPECT_EQ(scene.leftovers(1), "");
}

/// A pipe that runs, and a `penstock dev` of its own, to be killed.
class LostPlaceAcrossARestart : public testing::Test {
 protected:
  void SetUp() override {
    create_old_rows(scene);
    scene.declare({"public.orders"});
    scene.apply();
    ASSERT_TRUE(scene.reaches("Running"));
  }
  test::DevServer dev;
  World world{shared_world().postgres, shared_world().engine, &dev};
  Scene scene{world};
};

TEST_F(LostPlaceAcrossARestart, OfASlotThatSomebodyMovedWhilePausedIsTold) {
  for (const bool moved : {false, true}) {
    scene.pause(true);
    ASSERT_TRUE(scene.reaches("Paused"));
    dev.kill9();
    scene.exec("UPDATE orders SET v = 'while paused'");
    if (moved)
      scene.exec(
          "SELECT pg_replication_slot_advance(slot_name, pg_current_wal_lsn()) FROM pg_replication_slots "
          "WHERE database = current_database()");
    dev.start();
    scene.pause(false);
    if (moved) break;
    ASSERT_TRUE(scene.reaches("Running"));
    EXPECT_EQ(scene.differences({"orders"}), "");
  }
  ASSERT_TRUE(scene.reaches("Failed", 30s));
  EXPECT_EQ(dev.reason(scene.pipe, "Stalled"), "SlotMoved");
  scene.resync(1);
  ASSERT_TRUE(scene.reaches("Running"));
  EXPECT_EQ(scene.differences({"orders"}), "");
  EXPECT_EQ(scene.leftovers(1), "");
}

TEST_F(LostPlaceAcrossARestart, IsStillLost) {
  ASSERT_NO_FATAL_FAILURE(drop_the_slot(scene));
  ASSERT_TRUE(scene.reaches("Failed", 30s));
  dev.kill9();
  change_behind_its_back(scene);
  dev.start();
  EXPECT_EQ(dev.state(scene.pipe), "Failed");
  EXPECT_EQ(dev.reason(scene.pipe, "Stalled"), "SlotLost");
  Reader reader(scene.engine, scene.database, kWhole);
  scene.resync(1);
  ASSERT_TRUE(scene.reaches("Running"));
  EXPECT_EQ(reader.answers(), (States{"2000\t['old']", "1500\t['new']"}));
}

TEST(LostPlace, ASourceRestoredToAnEarlierTimeIsTakenAsItIsByAResyncOnly) {
  test::PostgresServer own;
  const auto backup = own.data_directory() + ".backup";
  World world{&own, shared_world().engine, shared_world().dev};
  Scene scene(world);
  create_old_rows(scene);
  scene.declare({"public.orders"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  own.stop();
  ASSERT_TRUE(test::run("cp", {.arguments = {"-a", own.data_directory(), backup}}).ok());
  own.start();
  scene.exec("UPDATE orders SET v = 'lost'");
  ASSERT_TRUE(scene.caught_up());

  own.stop();
  std::filesystem::remove_all(own.data_directory());
  std::filesystem::rename(backup, own.data_directory());
  own.start();
  ASSERT_TRUE(scene.reaches("Failed"));
  EXPECT_EQ(scene.dev.reason(scene.pipe, "Stalled"), "SourceChanged");
  EXPECT_EQ(scene.target_value(kWhole), "2000\t['lost']");
  scene.resync(1);
  ASSERT_TRUE(scene.reaches("Running"));
  EXPECT_EQ(scene.differences({"orders"}), "");
  EXPECT_EQ(scene.target_value(kWhole), "2000\t['old']");
}

}  // namespace
}  // namespace penstock
