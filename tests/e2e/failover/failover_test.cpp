// A primary with a standby that keeps the slot, too, and what is left when the primary is gone.

#include "tests/support/scene.hpp"
#include "tests/support/server_needs.hpp"

namespace penstock {
namespace {

using test::eventually;
using test::PostgresServer;
using test::Scene;
using namespace std::chrono_literals;

/// `penstock dev` and the engine of all, over two servers of this test's own. Slots of the primary go on
/// only as far as the standby has come.
class Failover : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto lack = test::lacking(primary_, test::kPg17); !lack.empty()) GTEST_SKIP() << lack;
    standby_ = std::make_unique<PostgresServer>(
        test::PostgresOptions{.settings = {{"sync_replication_slots", "on"}}, .primary = &primary_});
    primary_.exec("ALTER SYSTEM SET synchronized_standby_slots = 'standby_slot'");
    primary_.exec("SELECT pg_reload_conf()");
    world_ = test::shared_world();
    world_.postgres = &primary_;
    scene_ = std::make_unique<Scene>(world_);
    scene_->create_table("orders", 1000);
    scene_->declare({"public.orders"});
    scene_->manifest.source_more = ", failoverSlot: true";
  }
  void TearDown() override { scene_.reset(); }

  /// The standby has the slot, so that it will be there after a promotion.
  [[nodiscard]] bool slot_is_kept() {
    return eventually(
        [&] {
          return standby_->value(
                     "SELECT count(*) FROM pg_replication_slots WHERE slot_type = 'logical' AND synced AND "
                     "failover AND NOT temporary AND invalidation_reason IS NULL") == "1";
        },
        60s);
  }
  void lead_to_the_standby() {
    scene_->dev.patch(scene_->pipe, R"({"spec":{"source":{"postgres":{"port":)" +
                                        std::to_string(standby_->port()) + "}}}}");
  }

  PostgresServer primary_;
  std::unique_ptr<PostgresServer> standby_;
  test::World world_;
  std::unique_ptr<Scene> scene_;
};

constexpr const char* kRows = "SELECT count(*), sum(id), sum(n) FROM orders";

TEST_F(Failover, IsFollowedToThePromotedStandbyWithoutALoad) {
  scene_->apply();
  ASSERT_TRUE(scene_->reaches("Running"));
  ASSERT_TRUE(slot_is_kept());
  primary_.exec("UPDATE orders SET n = 7 WHERE id <= 300; DELETE FROM orders WHERE id > 990",
                scene_->database);
  ASSERT_TRUE(scene_->caught_up());
  ASSERT_EQ(scene_->differences({"orders"}), "");
  // The standby's copy of the slot lags behind: what it repeats is taken up without harm.
  primary_.exec("INSERT INTO orders SELECT i, 'late', i FROM generate_series(2000, 2500) i",
                scene_->database);
  ASSERT_TRUE(scene_->caught_up());
  primary_.kill9();
  standby_->exec("SELECT pg_promote()");
  standby_->exec(
      "UPDATE orders SET n = 8 WHERE id BETWEEN 200 AND 400; INSERT INTO orders VALUES (3000, 'x', 1)",
      scene_->database);
  lead_to_the_standby();
  EXPECT_TRUE(eventually(
      [&] {
        const auto rows = standby_->query(kRows, scene_->database).at(0);
        return scene_->target_value(
                   "SELECT concat(count(), ' ', sum(id), ' ', sum(n)) FROM orders FINAL "
                   "WHERE _penstock_deleted = 0") == rows.at(0) + " " + rows.at(1) + " " + rows.at(2);
      },
      90s));
  EXPECT_TRUE(eventually([&] { return conditions_of(*scene_) == "Ready=True"; }, 30s))
      << conditions_of(*scene_);
  EXPECT_EQ(scene_->of_table("orders", "rowsLoaded"), "1000");
  // A probe tells it, seconds after the rows have come.
  EXPECT_TRUE(eventually([&] { return scene_->field(".status.source.timeline") == "2"; }, 60s))
      << scene_->field(".status.source.timeline");
}

TEST_F(Failover, ToAStandbyThatIsNotPromotedYetIsSaidAndWaitedFor) {
  scene_->apply();
  ASSERT_TRUE(scene_->reaches("Running"));
  ASSERT_TRUE(slot_is_kept());
  lead_to_the_standby();
  EXPECT_TRUE(eventually(
      [&] {
        return scene_->field(".status.message").find("once this standby is promoted") != std::string::npos;
      },
      60s))
      << scene_->field(".status.message");
  EXPECT_NE(scene_->field(".status.state"), "Failed");
  primary_.stop();
  standby_->exec("SELECT pg_promote()");
  standby_->exec("INSERT INTO orders VALUES (3000, 'x', 1)", scene_->database);
  EXPECT_TRUE(eventually(
      [&] { return scene_->target_value("SELECT count() FROM orders FINAL WHERE id = 3000") == "1"; }, 90s));
}

// A name that leads there for a moment must not make the pipe load everything anew.
TEST_F(Failover, ToAStandbyWithoutTheSlotIsSaidAndWaitedFor) {
  standby_->exec("ALTER SYSTEM SET sync_replication_slots = off");
  standby_->exec("SELECT pg_reload_conf()");
  scene_->apply();
  ASSERT_TRUE(scene_->reaches("Running"));
  lead_to_the_standby();
  EXPECT_TRUE(eventually(
      [&] {
        return scene_->field(".status.message").find("is a standby, and replication slot") !=
               std::string::npos;
      },
      60s))
      << scene_->field(".status.message");
  EXPECT_NE(scene_->field(".status.state"), "Failed");
  primary_.exec("INSERT INTO orders VALUES (3000, 'x', 1)", scene_->database);
  scene_->dev.patch(scene_->pipe,
                    R"({"spec":{"source":{"postgres":{"port":)" + std::to_string(primary_.port()) + "}}}}");
  EXPECT_TRUE(eventually(
      [&] { return scene_->target_value("SELECT count() FROM orders FINAL WHERE id = 3000") == "1"; }, 90s));
  EXPECT_EQ(scene_->of_table("orders", "rowsLoaded"), "1000");
}

TEST(FailoverSlot, OfAnOlderServerIsRefusedWithItsCure) {
  auto& world = test::shared_world();
  if (world.postgres->version() >= test::kPg17) GTEST_SKIP() << "from 17 on there are such slots";
  Scene scene(world);
  scene.create_table("orders", 10);
  scene.declare({"public.orders"});
  scene.manifest.source_more = ", failoverSlot: true";
  scene.apply();
  EXPECT_TRUE(eventually(
      [&] {
        return scene.field(".status.message").find("keeps no slots on standbys, which came with 17") !=
               std::string::npos;
      },
      30s))
      << scene.field(".status.message");
  EXPECT_TRUE(scene.warned_of("FailoverSlotUnsupported"));
}

}  // namespace
}  // namespace penstock
