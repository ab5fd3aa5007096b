// A table that cannot be written does not stop the others: it is set apart, told of, and loaded anew once it
// is cured.

#include <fmt/format.h>

#include "core/lsn.hpp"
#include "tests/e2e/tables/tables_test.hpp"

namespace penstock {
namespace {

/// A held table's tries come up to a minute after one another (HeldTables).
constexpr auto kNextTry = 70s;

/// The shared databases and a `penstock dev` that waits for a table three seconds, not five minutes.
World& impatient_world() {
  static test::DevServer dev({.arguments = {"--table-patience", "3s"}});
  // A view of one test writes to another server.
  static test::EngineServer engine({.arguments = {"--allow-sources"}});
  static World world{shared_world().postgres, &engine, &dev};
  return world;
}

class SetApart : public testing::Test {
 protected:
  SetApart() : SetApart(std::make_unique<Scene>(impatient_world())) {}
  explicit SetApart(std::unique_ptr<Scene> its) : own(std::move(its)), scene(*own) {}

  /// Tables good and bad, with a few rows, Running.
  void run() {
    scene.create_table("good", 100);
    scene.exec(
        "CREATE TABLE bad (id bigint PRIMARY KEY, v text, amount numeric);"
        "INSERT INTO bad SELECT i, 'old', i FROM generate_series(1, 100) i");
    scene.declare({"public.good", "public.bad"});
    scene.apply();
    ASSERT_TRUE(scene.reaches("Running"));
    ASSERT_TRUE(scene.table_reaches("bad", "Streaming"));
  }

  Lsn confirmed_in_the_source() {
    return *Lsn::parse(scene.value(
        "SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE database = current_database()"));
  }

  /// The pipe waits for a table that is not given up yet, and says for what and what helps; the other
  /// streams.
  void expect_waited_for(const std::string& reason, const std::vector<std::string>& says) {
    ASSERT_TRUE(test::eventually(
        [&] { return scene.dev.reason(scene.pipe, "Ready") == "ProgressingWithRetry"; }, 20s));
    const auto message = scene.field(".status.message");
    for (const auto& part : says)
      EXPECT_NE(message.find(part), std::string::npos) << part << " in " << message;
    EXPECT_TRUE(scene.warned_of(States{reason}));
    EXPECT_EQ(conditions_of(scene), "Ready=False Reconciling=True");
    EXPECT_EQ(scene.dev.state(scene.pipe), "Running");
    scene.exec("UPDATE good SET n = n + 1");
    EXPECT_EQ(scene.differences({"good"}), "");
    EXPECT_EQ(scene.of_table("bad", "state"), "Streaming");
    const auto lag = [&](const char* table) { return std::stod("0" + scene.of_table(table, "lagSeconds")); };
    EXPECT_TRUE(test::eventually([&] { return lag("bad") > 5 && lag("good") < lag("bad") / 2; }))
        << "bad " << lag("bad") << ", good " << lag("good");
  }

  /// The table is set apart with `says` in its message; the other one streams and the slot moves on.
  void expect_set_apart(const std::string& says) {
    ASSERT_TRUE(scene.table_reaches("bad", "Failed"));
    EXPECT_NE(scene.of_table("bad", "message").find(says), std::string::npos)
        << scene.of_table("bad", "message");
    ASSERT_TRUE(test::eventually([&] { return scene.dev.reason(scene.pipe, "Stalled") == "TablesFailed"; }));
    EXPECT_EQ(scene.dev.state(scene.pipe), "Running");
    EXPECT_EQ(conditions_of(scene), "Ready=False Stalled=True");
    EXPECT_EQ(scene.dev.reason(scene.pipe, "Ready"), "TablesFailed");
    EXPECT_NE(scene.field(".status.message").find("public.bad"), std::string::npos);
    EXPECT_EQ(scene.field(".status.tablesReady"), "1/2");
    EXPECT_EQ(scene.of_table("good", "state"), "Streaming");
    const auto written = *Lsn::parse(scene.value("SELECT pg_current_wal_insert_lsn()"));
    scene.exec("UPDATE good SET n = n + 1; UPDATE bad SET v = 'while apart' WHERE id = 3");
    EXPECT_EQ(scene.differences({"good"}), "");
    EXPECT_TRUE(test::eventually([&] { return confirmed_in_the_source() > written; }, 60s))
        << "the source keeps everything for a table that is set apart";
    EXPECT_TRUE(scene.warned_of("TablesFailed"))
        << testing::PrintToString(scene.dev.events(scene.pipe, "Warning"));
  }

  void drop_the_target() {
    ASSERT_NO_FATAL_FAILURE(run());
    scene.engine.query("DROP TABLE " + scene.database + ".bad SYNC");
    scene.exec("UPDATE bad SET v = 'into nothing'; DELETE FROM bad WHERE id > 90");
    ASSERT_NO_FATAL_FAILURE(expect_set_apart("bad"));
    EXPECT_FALSE(scene.target_exists("bad"));
  }

  void expect_well_again(std::chrono::seconds limit = 30s) {
    ASSERT_TRUE(scene.table_reaches("bad", "Streaming"));
    EXPECT_TRUE(test::eventually([&] { return conditions_of(scene) == "Ready=True"; }, limit));
    EXPECT_EQ(scene.of_table("bad", "message"), "");
    scene.exec("UPDATE bad SET v = 'well again' WHERE id % 10 = 0");
    EXPECT_EQ(scene.differences({"good", "bad"}), "");
    EXPECT_EQ(scene.leftovers(0), "");
  }

  std::unique_ptr<Scene> own;
  Scene& scene;
};

/// Of the test that begins what takes a minute, for the one that sees its end; the others run meanwhile.
std::unique_ptr<Scene>& left_alone() {
  static std::unique_ptr<Scene> scene;
  return scene;
}

TEST_F(SetApart, ForATargetThatIsDropped) {
  drop_the_target();
  left_alone() = std::move(own);
}

/// With the patience that is usual.
class WaitedFor : public SetApart {
 protected:
  WaitedFor() : SetApart(std::make_unique<Scene>(shared_world())) {}
};

TEST_F(SetApart, ForAMaterializedViewThatThrows) {
  ASSERT_NO_FATAL_FAILURE(run());
  scene.engine.query(
      fmt::format("CREATE MATERIALIZED VIEW {0}.strict ENGINE = Null AS SELECT throwIf(id = 13, "
                  "'no thirteen here') AS t FROM {0}.bad",
                  scene.database));
  scene.exec(
      "UPDATE bad SET v = 'x' WHERE id = 12; UPDATE bad SET v = 'x' WHERE id = 13; DELETE FROM bad WHERE "
      "id = 14; UPDATE good SET v = 'x'");
  // The others do not wait for it.
  EXPECT_EQ(scene.differences({"good"}), "");
  ASSERT_NO_FATAL_FAILURE(expect_set_apart("no thirteen here"));
  Reader reader(scene.engine, scene.database, "SELECT count() FROM bad FINAL");
  scene.engine.query("DROP VIEW " + scene.database + ".strict SYNC");
  set_tables(scene, {"public.good", "{source: public.bad, resyncGeneration: 1}"});
  ASSERT_NO_FATAL_FAILURE(expect_well_again());
  // The block that the view refused may be in, or not.
  for (const auto& answer : reader.answers())
    EXPECT_TRUE(answer == "100" || answer == "99") << answer;
}

TEST_F(WaitedFor, AMaterializedViewThatIsMendedInTime) {
  ASSERT_NO_FATAL_FAILURE(run());
  const auto& in = scene.database;
  scene.engine.query("CREATE TABLE " + in + ".seen (t UInt8) ENGINE = Null");
  scene.engine.query(fmt::format(
      "CREATE MATERIALIZED VIEW {0}.strict TO {0}.seen AS SELECT throwIf(id = 13) AS t FROM {0}.bad", in));
  scene.exec("UPDATE bad SET v = 'x' WHERE id = 13");
  expect_waited_for("TargetViewFailed", {"throwIf", "Correct or drop the materialized view"});
  // Not dropped: an insert that is under way would fail for want of the view.
  scene.engine.query(
      fmt::format("ALTER TABLE {0}.strict MODIFY QUERY SELECT toUInt8(0) AS t FROM {0}.bad", scene.database));
  EXPECT_EQ(scene.differences({"good", "bad"}, kNextTry), "");
  EXPECT_EQ(scene.of_table("bad", "state"), "Streaming");
  EXPECT_EQ(scene.of_table("bad", "rowsLoaded"), "100");
  EXPECT_TRUE(test::eventually([&] { return conditions_of(scene) == "Ready=True"; }, 30s));
}

TEST_F(SetApart, NeverForPartsThatAreNotMergedInTime) {
  ASSERT_NO_FATAL_FAILURE(run());
  const auto bad = scene.database + ".bad";
  scene.engine.query("SYSTEM STOP MERGES " + bad);
  scene.engine.query("ALTER TABLE " + bad + " MODIFY SETTING parts_to_throw_insert = 1");
  auto session = scene.postgres.session(scene.database);
  session.exec("UPDATE bad SET v = 'into too many parts' WHERE id <= 50; DELETE FROM bad WHERE id > 90");
  const auto written = *Lsn::parse(session.value("SELECT pg_current_wal_insert_lsn()"));
  expect_waited_for("DestinationTooManyParts", {"Too many parts", "a longer sync.interval makes fewer"});
  EXPECT_LT(confirmed_in_the_source(), written) << "the source may forget what was never written";
  // Longer than a table is waited for that time does not cure.
  EXPECT_FALSE(test::eventually([&] { return scene.of_table("bad", "state") != "Streaming"; }, 4s));
  scene.engine.query("SYSTEM START MERGES " + bad);
  scene.engine.query("ALTER TABLE " + bad + " MODIFY SETTING parts_to_throw_insert = 3000");
  EXPECT_EQ(scene.differences({"good", "bad"}, kNextTry), "");
  EXPECT_TRUE(test::eventually([&] { return conditions_of(scene) == "Ready=True"; }, 30s));
  EXPECT_EQ(scene.of_table("bad", "rowsLoaded"), "100");
  EXPECT_EQ(scene.leftovers(0), "");
}

TEST_F(SetApart, ForANumberThatDoesNotFit) {
  ASSERT_NO_FATAL_FAILURE(run());
  scene.exec("UPDATE bad SET amount = 1e60 WHERE id = 7");
  ASSERT_NO_FATAL_FAILURE(expect_set_apart("amount"));
  const auto message = scene.of_table("bad", "message");
  for (const auto* part : {"public.bad", "7", "String", "unrepresentable: Null"})
    EXPECT_NE(message.find(part), std::string::npos) << part << " in " << message;
  set_tables(scene,
             {"public.good", "{source: public.bad, columns: [{name: amount, unrepresentable: 'Null'}]}"});
  ASSERT_TRUE(scene.table_reaches("bad", "Streaming"));
  EXPECT_TRUE(test::eventually([&] { return conditions_of(scene) == "Ready=True"; }, 30s));
  EXPECT_EQ(scene.target_value("SELECT count(), countIf(amount IS NULL) FROM bad FINAL"), "100\t1");
  EXPECT_EQ(scene.dev.condition(scene.pipe, "ResyncRequired"), "");
  scene.exec("UPDATE bad SET amount = 1.5 WHERE id = 7");
  EXPECT_EQ(scene.differences({"good", "bad"}), "");
}

TEST_F(SetApart, ForANumberThatDoesNotFitInTheLoadOfAnAddedTable) {
  scene.create_table("good", 100);
  scene.exec(
      "CREATE TABLE bad (id bigint PRIMARY KEY, v text, amount numeric);"
      "INSERT INTO bad SELECT i, 'old', i FROM generate_series(1, 100) i;"
      "UPDATE bad SET amount = 1e60 WHERE id = 7");
  scene.declare({"public.good"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  set_tables(scene, {"public.good", "public.bad"});
  ASSERT_NO_FATAL_FAILURE(expect_set_apart("amount"));
  set_tables(scene, {"public.good", "{source: public.bad, columns: [{name: amount, type: String}]}"});
  ASSERT_NO_FATAL_FAILURE(expect_well_again());
}

TEST_F(SetApart, ForAColumnThatIsDroppedFromTheTarget) {
  ASSERT_NO_FATAL_FAILURE(run());
  scene.engine.query("ALTER TABLE " + scene.database + ".bad DROP COLUMN amount");
  scene.exec("UPDATE bad SET amount = amount + 1");
  ASSERT_NO_FATAL_FAILURE(expect_set_apart("amount"));
  set_tables(scene, {"public.good", "{source: public.bad, resyncGeneration: 1}"});
  ASSERT_NO_FATAL_FAILURE(expect_well_again());
}

TEST_F(SetApart, AndResyncedWithAllTheOthers) {
  ASSERT_NO_FATAL_FAILURE(run());
  scene.engine.query("DROP TABLE " + scene.database + ".bad SYNC");
  scene.exec("UPDATE bad SET v = 'into nothing'");
  ASSERT_TRUE(scene.table_reaches("bad", "Failed"));
  scene.resync(1);
  ASSERT_TRUE(scene.dev.wait_for_field(scene.pipe, ".status.observedResyncGeneration", "1", 60s));
  ASSERT_TRUE(scene.table_reaches("bad", "Streaming"));
  EXPECT_TRUE(test::eventually([&] { return conditions_of(scene) == "Ready=True"; }, 30s));
  EXPECT_EQ(scene.differences({"good", "bad"}), "");
  EXPECT_EQ(scene.leftovers(1), "");
}

TEST_F(SetApart, AndTakenOutOfTheSpecLeavesThePipeWell) {
  ASSERT_NO_FATAL_FAILURE(run());
  scene.engine.query("ALTER TABLE " + scene.database + ".bad DROP COLUMN v");
  scene.exec("UPDATE bad SET v = 'into nothing'");
  ASSERT_TRUE(scene.table_reaches("bad", "Failed"));
  set_tables(scene, {"public.good"});
  EXPECT_TRUE(test::eventually([&] { return conditions_of(scene) == "Ready=True"; }, 30s));
  EXPECT_EQ(published(scene), "good");
  scene.exec("UPDATE good SET v = 'streamed'");
  EXPECT_EQ(scene.differences({"good"}), "");
}

TEST_F(SetApart, NeverForAViewThatWritesToAServerThatIsAway) {
  ASSERT_NO_FATAL_FAILURE(run());
  const auto& in = scene.database;
  scene.engine.query("CREATE TABLE " + in + ".far (id Int64) AS remote('127.0.0.1:1', 'x', 'y')");
  scene.engine.query("CREATE MATERIALIZED VIEW " + in + ".v TO " + in + ".far AS SELECT id FROM " + in +
                     ".bad");
  scene.exec("UPDATE bad SET v = 'through the view'");
  ASSERT_NO_FATAL_FAILURE(expect_waited_for("TargetUnavailable", {"bad", "127.0.0.1:1"}));
  // Not dropped: an insert that is under way would fail for want of the view.
  scene.engine.query("ALTER TABLE " + in + ".v MODIFY QUERY SELECT id FROM " + in + ".bad WHERE 0");
  ASSERT_NO_FATAL_FAILURE(expect_well_again(kNextTry));
}

TEST_F(SetApart, ForATargetThatIsDroppedWhileNobodyWritesToItsSource) {
  ASSERT_NO_FATAL_FAILURE(run());
  scene.engine.query("DROP TABLE " + scene.database + ".bad SYNC");
  ASSERT_TRUE(test::eventually([&] { return scene.warned_of("TablesFailed"); }, 90s)) << "at the second look";
  EXPECT_NE(scene.dev.describe(scene.pipe).find("is not there any more"), std::string::npos);
  ASSERT_TRUE(test::eventually([&] { return scene.target_exists("bad"); }, 90s));
  ASSERT_NO_FATAL_FAILURE(expect_well_again(90s));
}

class LeftAlone : public SetApart {
 protected:
  LeftAlone()
      : SetApart(left_alone() ? std::move(left_alone()) : std::make_unique<Scene>(impatient_world())) {}
};

TEST_F(LeftAlone, ATargetThatWasDroppedIsLoadedAnewAMinuteLater) {
  if (scene.field(".status.state").empty()) {
    ASSERT_NO_FATAL_FAILURE(drop_the_target());
  }
  ASSERT_TRUE(scene.table_reaches("bad", "Streaming", 100s));
  ASSERT_NO_FATAL_FAILURE(expect_well_again());
}

}  // namespace
}  // namespace penstock
