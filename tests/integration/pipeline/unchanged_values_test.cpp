// Large values that a change leaves out are read back from a source that has moved on: its definition, its
// rights, its locks.

#include <fmt/format.h>

#include <sstream>
#include <thread>

#include "tests/integration/pipeline/streaming.hpp"

namespace penstock::pipeline {
namespace {

using namespace std::chrono_literals;

constexpr const char* kLarge =
    "(SELECT string_agg(md5(g::text || s::text), '') FROM generate_series(1, 300) s)";

/// Table t(id, big, n), whose `big` the stream leaves out when it does not change, and a neighbour nb(id).
class UnchangedValues : public Streaming {
 protected:
  void SetUp() override { make("id int PRIMARY KEY, big text, n int", "g"); }

  void make(const std::string& columns, const std::string& key) {
    ASSERT_NO_FATAL_FAILURE(prepare(
        fmt::format(
            "CREATE TABLE t ({}); ALTER TABLE t ALTER big SET STORAGE EXTERNAL; CREATE TABLE nb (id int "
            "PRIMARY KEY)",
            columns),
        {"t", "nb"}));
    exec(fmt::format("INSERT INTO t SELECT {}, {}, 0 FROM generate_series(1, 5) g", key, kLarge));
    begin();
    catch_up();
  }

  /// What is written while nobody reads the slot, each statement in a transaction of its own.
  void while_stopped(const std::string& sql) {
    stop();
    std::istringstream statements(sql);
    for (std::string one; std::getline(statements, one, ';');)
      exec(one);
    begin();
  }

  void stop() {
    run_.reset();
    ASSERT_TRUE(test::eventually([&] { return !slot_is_active(); }, 30s));
  }

  bool slot_is_active() {
    return world_postgres().value("SELECT active FROM pg_replication_slots WHERE slot_name = '" + job_.slot +
                                  "'") == "t";
  }

  std::string source(const std::string& sql) { return world_postgres().value(sql, database_); }

  /// The run says of the table t what is wrong, and goes on with its neighbour.
  void expect_named(const std::string& reason, const std::vector<std::string>& says) {
    ASSERT_TRUE(test::eventually(
        [&] { return run_->facts().run.retrying.has_value() || run_->facts().run.ended; }, 30s));
    const auto facts = run_->facts();
    ASSERT_FALSE(facts.run.ended) << (facts.run.error ? facts.run.error->text() : "");
    EXPECT_EQ(facts.run.retrying->reason, reason) << facts.run.retrying->text();
    const auto text = facts.run.retrying->text();
    for (const auto& part : says)
      EXPECT_NE(text.find(part), std::string::npos) << part << " in " << text;
    exec("INSERT INTO nb SELECT coalesce(max(id), 0) + 1 FROM nb");
    EXPECT_TRUE(test::eventually([&] { return differences("nb").empty(); }, 20s)) << differences("nb");
  }
};

TEST_F(UnchangedValues, AreFoundByAKeyWhoseTypeWasWidenedSince) {
  while_stopped(
      "UPDATE t SET n = 1 WHERE id = 2; ALTER TABLE t ALTER id TYPE bigint; UPDATE t SET n = 2 WHERE id = 3;"
      "INSERT INTO nb VALUES (1)");
  catch_up();
  EXPECT_EQ(differences(), "");
  EXPECT_EQ(differences("nb"), "");
}

TEST_F(UnchangedValues, OfARowWhoseKeyWasAlteredToAnotherValueAreNamed) {
  while_stopped("UPDATE t SET n = 1 WHERE id = 2; ALTER TABLE t ALTER id TYPE bigint USING id + 100");
  expect_named("UnchangedValueLost", {"public.t", "whose type has been altered", "REPLICA IDENTITY FULL"});
}

TEST_F(UnchangedValues, OfAColumnThatWasDroppedSinceAreNull) {
  while_stopped(
      "UPDATE t SET n = 1 WHERE id = 2; ALTER TABLE t DROP big; UPDATE t SET n = 2 WHERE id = 3;"
      "INSERT INTO nb VALUES (1)");
  catch_up();
  EXPECT_EQ(target("arraySort(groupArray((id, n, big IS NULL)))"),
            "[(1,0,0),(2,1,1),(3,2,1),(4,0,0),(5,0,0)]");
  EXPECT_EQ(differences("nb"), "");
}

TEST_F(UnchangedValues, OfAColumnThatWasDroppedAndMadeAgainAreNotThoseOfTheOther) {
  while_stopped(
      "UPDATE t SET n = 1 WHERE id = 2; ALTER TABLE t DROP big; ALTER TABLE t ADD big text; UPDATE t SET big "
      "= "
      "'another' WHERE id <> 3");
  catch_up();
  EXPECT_EQ(target("arraySort(groupArray((id, n, big = 'another'))) "),
            "[(1,0,1),(2,1,1),(3,0,0),(4,0,1),(5,0,1)]");
}

TEST_F(UnchangedValues, OfAColumnThatWasRenamedSinceAreThoseOfItsPlace) {
  while_stopped("UPDATE t SET n = 1 WHERE id = 2; ALTER TABLE t RENAME big TO huge");
  catch_up();
  EXPECT_EQ(target("anyIf(n, id = 2)"), "1");
  EXPECT_EQ(target("anyIf(lower(hex(MD5(big))), id = 2)"), source("SELECT md5(huge) FROM t WHERE id = 2"));
}

TEST_F(UnchangedValues, OfColumnsThatHaveExchangedTheirNamesAreThoseOfTheirPlaces) {
  exec("ALTER TABLE t ADD other text");
  exec("UPDATE t SET other = reverse(big)");
  exec("ALTER TABLE t ALTER other SET STORAGE EXTERNAL");
  exec("UPDATE t SET other = other || '.'");
  catch_up();
  ASSERT_EQ(differences(), "");
  while_stopped(
      "UPDATE t SET n = 1 WHERE id = 2; ALTER TABLE t RENAME big TO was_big; ALTER TABLE t RENAME other TO "
      "big; ALTER TABLE t RENAME was_big TO other");
  catch_up();
  EXPECT_EQ(target("anyIf(n, id = 2)"), "1");
  EXPECT_EQ(target("anyIf(lower(hex(MD5(big))), id = 2)"), source("SELECT md5(other) FROM t WHERE id = 2"));
}

TEST_F(UnchangedValues, OfAColumnOfAnotherTypeAreReadAsThat) {
  while_stopped(
      "UPDATE t SET n = 1 WHERE id = 2; ALTER TABLE t ALTER big TYPE varchar(20000); UPDATE t SET n = 2 "
      "WHERE "
      "id = 3");
  catch_up();
  EXPECT_EQ(differences(), "");
}

TEST_F(UnchangedValues, OfATableThatWasRenamedSinceAreRead) {
  while_stopped(
      "UPDATE t SET n = 1 WHERE id = 2; CREATE SCHEMA s; ALTER TABLE t SET SCHEMA s; ALTER TABLE s.t "
      "RENAME TO away; ALTER TABLE s.away RENAME TO t; ALTER TABLE s.t SET SCHEMA public");
  catch_up();
  EXPECT_EQ(differences(), "");
}

TEST_F(UnchangedValues, OfATableThatWasMadeAnewAreNeverThoseOfTheOther) {
  while_stopped(
      "UPDATE t SET n = 1 WHERE id = 2; DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY, big text, n int); "
      "INSERT INTO t SELECT g, 'of another table', 7 FROM generate_series(1, 5) g");
  ASSERT_TRUE(test::eventually([&] { return run_->facts().tables[0].error.has_value(); }, 30s));
  EXPECT_EQ(run_->facts().tables[0].error->reason, "TableReplaced");
  EXPECT_EQ(target("countIf(big = 'of another table')"), "0");
}

TEST_F(UnchangedValues, OfRowsThatAreGoneDoNotMatter) {
  while_stopped(
      "UPDATE t SET n = 1; DELETE FROM t WHERE id = 1; UPDATE t SET id = 12 WHERE id = 2; UPDATE t SET id = "
      "2, "
      "n = 5 WHERE id = 3");
  catch_up();
  EXPECT_EQ(differences(), "");
  while_stopped("UPDATE t SET n = 2; TRUNCATE t; INSERT INTO t VALUES (4, 'new', 4)");
  catch_up();
  EXPECT_EQ(differences(), "");
}

TEST_F(UnchangedValues, OfRowsThatATruncateTookAndTheTargetKeepsAreNamed) {
  job_.tables[0].ignore_truncate = true;
  while_stopped("UPDATE t SET n = 1; DELETE FROM t WHERE id = 1; UPDATE t SET id = 12 WHERE id = 2");
  catch_up();
  EXPECT_EQ(differences(), "");
  while_stopped(
      "UPDATE t SET big = 'short'; TRUNCATE t; INSERT INTO t SELECT 3, string_agg(md5(s::text), ''), 0 "
      "FROM generate_series(1, 300) s; UPDATE t SET n = 2; DELETE FROM t");
  catch_up();
  EXPECT_EQ(target("arraySort(groupArray(id))"), "[4,5,12]");
  while_stopped(
      "INSERT INTO t SELECT 7, string_agg(md5(s::text), ''), 0 FROM generate_series(1, 300) s; UPDATE t "
      "SET n = 3; TRUNCATE t");
  expect_named("UnchangedValueLost", {"public.t", "TRUNCATE"});
}

TEST_F(UnchangedValues, WaitForALockBesideTheStream) {
  stop();
  exec("UPDATE t SET n = 1 WHERE id = 2");
  auto locking = world_postgres().session(database_);
  locking.exec("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE");
  begin();
  expect_named("LockTimeout", {"public.t is locked by pid " + locking.value("SELECT pg_backend_pid()"),
                               "idle in transaction", "pg_terminate_backend"});
  EXPECT_EQ(target("anyIf(n, id = 2)"), "0");
  run_->stop(StopMode::AfterPartitions);
  EXPECT_TRUE(test::eventually([&] { return run_->facts().run.ended; }, 10s)) << "a lock holds up a pause";
  EXPECT_FALSE(run_->facts().run.error);
  ASSERT_TRUE(test::eventually([&] { return !slot_is_active(); }, 30s));
  begin();
  expect_named("LockTimeout", {"public.t is locked"});
  locking.exec("COMMIT");
  EXPECT_TRUE(test::eventually([&] { return differences().empty(); }, 30s)) << differences();
  EXPECT_TRUE(test::eventually([&] { return !run_->facts().run.retrying; }, 10s));
}

TEST_F(UnchangedValues, ThatTheRoleMayNotReadAreNamedWithTheGrant) {
  const auto role = "reader_of_" + database_;
  exec(fmt::format(
      "CREATE ROLE {0} LOGIN REPLICATION PASSWORD 'By-Column-4711'; GRANT SELECT ON t, nb TO {0}", role));
  job_.source.user = role;
  job_.source.password = Secret("By-Column-4711");
  while_stopped(
      fmt::format("UPDATE t SET n = 1 WHERE id = 2; REVOKE SELECT ON t FROM {0}; GRANT SELECT (id, n) "
                  "ON t TO {0}",
                  role));
  expect_named("PermissionDenied",
               {"public.t", fmt::format(R"(GRANT SELECT ("big") ON "public"."t" TO "{}")", role)});
  stop();
  exec(fmt::format("GRANT SELECT ON t TO {}; ALTER TABLE t ENABLE ROW LEVEL SECURITY", role));
  begin();
  expect_named("RowSecurityHidesRows", {"public.t", "BYPASSRLS", "REPLICA IDENTITY FULL"});
  stop();
  exec("ALTER TABLE t DISABLE ROW LEVEL SECURITY");
  begin();
  catch_up();
  EXPECT_EQ(differences(), "");
}

TEST_F(UnchangedValues, OfACommitThatWaitsForAStandbyHoldUpNeitherOthersNorAPause) {
  auto& server = world_postgres();
  server.exec("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
  server.exec("SELECT pg_reload_conf()");
  std::thread waits([&] { exec("UPDATE t SET n = 1 WHERE id = 2"); });
  const auto change = [&] { return run_->facts().lag_seconds > 0; };
  EXPECT_TRUE(test::eventually(change, 20s)) << "the commit is not streamed before it is visible";
  exec("SET synchronous_commit = local; INSERT INTO nb VALUES (77)");
  const auto beside = [&] { return target("countIf(id = 77)", "nb") == "1"; };
  EXPECT_TRUE(test::eventually(beside, 30s)) << "the neighbour waits as well";
  const auto named = [&] {
    const auto facts = run_->facts().run.retrying;
    return facts && facts->reason == "CommitNotVisible";
  };
  EXPECT_TRUE(test::eventually(named, 20s));
  const auto told = [&] {
    return server.value(
        "SELECT max(reply_time) FROM pg_stat_replication r JOIN pg_replication_slots s ON "
        "s.active_pid = r.pid WHERE s.slot_name = '" +
        job_.slot + "'");
  };
  const auto first = told();
  EXPECT_TRUE(test::eventually([&] { return told() != first; }, 20s)) << "the source hears nothing meanwhile";
  run_->stop(StopMode::AfterPartitions);
  EXPECT_TRUE(test::eventually([&] { return run_->facts().run.ended; }, 10s));
  EXPECT_FALSE(run_->facts().run.error);
  server.exec("ALTER SYSTEM RESET synchronous_standby_names");
  server.exec("SELECT pg_reload_conf()");
  waits.join();
  ASSERT_TRUE(test::eventually([&] { return !slot_is_active(); }, 30s));
  begin();
  catch_up();
  EXPECT_EQ(differences(), "");
}

using UnchangedValuesOfOthers = Streaming;

TEST_F(UnchangedValuesOfOthers, AreFoundByKeysOfAnyType) {
  struct Key {
    const char* table;
    const char* type;
    const char* value;
  };
  const std::vector<Key> keys = {
      {"of_ltree", "ltree", "('top.k' || g)::ltree"},
      {"of_citext", "citext", "('Key' || g)::citext"},
      {"of_isn", "isbn13",
       "(ARRAY['978-0-393-04002-9', '978-3-16-148410-0', '978-0-306-40615-7'])[g]::isbn13"},
      {"of_cube", "cube", "cube(g, g + 1)"},
      {"of_hstore", "hstore", "hstore('k', g::text)"},
      {"of_domain", "branch", "('top.k' || g)::branch"},
      {"of_enum", "mood", "('m' || g)::mood"},
      {"of_char", "char(10)", "'k' || g"},
      {"of_varchar", "varchar(9)", "'k' || g"},
      {"of_numeric", "numeric(9,2)", "g + 0.25"},
      {"of_inet", "inet", "('10.0.0.' || g)::inet"},
      {"of_folded", "text COLLATE folded", "'KEY' || g"}};
  std::string sql =
      "CREATE EXTENSION ltree; CREATE EXTENSION citext; CREATE EXTENSION isn; CREATE EXTENSION cube; CREATE "
      "EXTENSION hstore; CREATE DOMAIN branch AS ltree CHECK (nlevel(VALUE) > 1); CREATE TYPE mood AS ENUM "
      "('m1', "
      "'m2', 'm3'); CREATE COLLATION folded (provider = icu, locale = 'und-u-ks-level2', deterministic = "
      "false);"
      "CREATE TABLE several (a ltree, b int, c citext, big text, n int, PRIMARY KEY (a, b, c));";
  std::vector<std::string> tables = {"several"};
  for (const auto& key : keys) {
    sql += fmt::format("CREATE TABLE {} (k {} PRIMARY KEY, big text, n int);", key.table, key.type);
    tables.emplace_back(key.table);
  }
  for (const auto& table : tables)
    sql += fmt::format("ALTER TABLE {} ALTER big SET STORAGE EXTERNAL;", table);
  ASSERT_NO_FATAL_FAILURE(prepare(sql, tables));
  exec(fmt::format("INSERT INTO several SELECT 'a.b', g, 'C', {}, 0 FROM generate_series(1, 3) g", kLarge));
  for (const auto& key : keys)
    exec(fmt::format("INSERT INTO {} SELECT {}, {}, 0 FROM generate_series(1, 3) g", key.table, key.value,
                     kLarge));
  begin();
  for (const auto& table : tables)
    exec(fmt::format("UPDATE {} SET n = 1", table));
  catch_up();
  for (const auto& table : tables)
    EXPECT_EQ(differences(table), "") << table;
}

TEST_F(UnchangedValuesOfOthers, AreFoundByAKeyThatIsLeftOutItself) {
  ASSERT_NO_FATAL_FAILURE(
      prepare("CREATE TABLE t (k text PRIMARY KEY, v int, big text); ALTER TABLE t ALTER k SET STORAGE "
              "EXTERNAL, ALTER "
              "big SET STORAGE EXTERNAL",
              {"t"}));
  exec(fmt::format("INSERT INTO t SELECT left({0}, 2500), g, {0} FROM generate_series(1, 4) g", kLarge));
  begin();
  exec(
      "UPDATE t SET v = 100 WHERE v = 1; UPDATE t SET big = 'small' WHERE v = 2; DELETE FROM t WHERE v = 3; "
      "UPDATE t SET k = 'short', v = 44 WHERE v = 4");
  catch_up();
  EXPECT_EQ(differences(), "");
}

TEST_F(UnchangedValuesOfOthers, OfADroppedColumnThatWasNotNullAreItsTypesDefault) {
  ASSERT_NO_FATAL_FAILURE(prepare(
      "CREATE TABLE t (id int PRIMARY KEY, big text NOT NULL, n int); ALTER TABLE t ALTER big SET STORAGE "
      "EXTERNAL; CREATE TABLE nb (id int PRIMARY KEY)",
      {"t", "nb"}));
  exec(fmt::format("INSERT INTO t SELECT g, {}, 0 FROM generate_series(1, 5) g", kLarge));
  exec("UPDATE t SET n = 1 WHERE id = 2; ALTER TABLE t DROP big; INSERT INTO nb VALUES (1)");
  begin();
  catch_up();
  EXPECT_EQ(differences(), "");
  EXPECT_EQ(differences("nb"), "");
}

TEST_F(UnchangedValuesOfOthers, OfATypeThatTheTargetDoesNotHoldAreNamed) {
  ASSERT_NO_FATAL_FAILURE(prepare(
      "CREATE TABLE t (id int PRIMARY KEY, big int[], n int); ALTER TABLE t ALTER big SET STORAGE EXTERNAL",
      {"t"}));
  exec("INSERT INTO t SELECT g, ARRAY(SELECT generate_series(1, 2000)), 0 FROM generate_series(1, 5) g");
  exec("UPDATE t SET n = 1 WHERE id = 2; ALTER TABLE t ALTER big TYPE point USING point(1, 2)");
  begin();
  ASSERT_TRUE(test::eventually([&] { return run_->facts().run.retrying.has_value(); }, 30s));
  EXPECT_EQ(run_->facts().run.retrying->reason, "UnrepresentableValue") << run_->facts().run.retrying->text();
}

TEST_F(UnchangedValuesOfOthers, OfALogAreThoseOfThenOrTheTableIsNamed) {
  ASSERT_NO_FATAL_FAILURE(
      prepare("CREATE TABLE t (id int PRIMARY KEY, big text, n int); ALTER TABLE t ALTER big SET STORAGE "
              "EXTERNAL; ALTER "
              "TABLE t REPLICA IDENTITY FULL",
              {"t"}, clickhouse::Engine::MergeTree));
  exec(fmt::format("INSERT INTO t SELECT g, {}, 0 FROM generate_series(1, 1) g", kLarge));
  exec("UPDATE t SET n = 1; UPDATE t SET big = 'short', n = 2");
  begin();
  catch_up();
  const auto lengths = [&] {
    return test::shared_engine().value("SELECT arraySort(groupArray((n, length(big)))) FROM `" + database_ +
                                       "`.t");
  };
  EXPECT_EQ(lengths(), "[(0,9600),(1,9600),(2,5)]");
  run_.reset();
  exec(fmt::format("UPDATE t SET big = {} FROM (SELECT 1 AS g) one", kLarge));
  exec("ALTER TABLE t REPLICA IDENTITY DEFAULT; UPDATE t SET n = 3");
  const auto refused = set_up(job_, false);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "AppendOnlyNeedsFull") << refused.error().text();
  begin();
  ASSERT_TRUE(test::eventually([&] { return run_->facts().run.retrying.has_value(); }, 30s));
  EXPECT_EQ(run_->facts().run.retrying->reason, "AppendOnlyNeedsFull") << run_->facts().run.retrying->text();
  EXPECT_EQ(lengths().find("(3,"), std::string::npos) << lengths();
}

}  // namespace
}  // namespace penstock::pipeline
