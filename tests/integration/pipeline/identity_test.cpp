// Which row and which column a change is of, when the source's tables, keys and columns are not what they
// were.

#include <gmock/gmock.h>

#include "dataplane/pipeline/probe.hpp"
#include "tests/integration/pipeline/streaming.hpp"

namespace penstock::pipeline {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

/// A stream over a table `t` that is put in doubt, and a neighbour `t_nb` that must go on.
class Identity : public Streaming {
 protected:
  void follow(const std::string& sql, const std::string& excluded = "") {
    prepare(sql + "; CREATE TABLE t_nb (id int PRIMARY KEY)", {"t", "t_nb"});
    if (!excluded.empty()) job_.tables[0].excluded_columns = {excluded};
    begin();
    catch_up();
  }

  [[nodiscard]] const TableStream& table() {
    facts_ = run_->facts();
    return facts_.tables[0];
  }

  /// The table is quarantined with this reason, and the neighbour flows.
  void expect_quarantined(const std::string& reason) {
    EXPECT_TRUE(test::eventually([&] { return table().error.has_value(); }, 20s));
    EXPECT_EQ(table().error.value_or(Error{}).reason, reason) << table().error.value_or(Error{}).text();
    exec("INSERT INTO t_nb VALUES (1)");
    EXPECT_TRUE(test::eventually([&] { return target("count()", "t_nb") == "1"; }, 20s));
  }

  void expect_equal() {
    catch_up();
    EXPECT_FALSE(table().error) << table().error->text();
    EXPECT_EQ(differences(), "");
  }

  StreamFacts facts_;
};

constexpr const char* kTable = "CREATE TABLE t (id int PRIMARY KEY, code int NOT NULL, v text)";
constexpr const char* kRows = "INSERT INTO t SELECT g, 100 + g, 'v' || g FROM generate_series(1, 9) g";

TEST_F(Identity, AWidenedKeyQuarantinesItsTableAlone) {
  follow(kTable);
  exec(kRows);
  catch_up();
  exec(
      "ALTER TABLE t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (id, code); INSERT INTO t VALUES (1, 1, "
      "'twin')");
  expect_quarantined("KeyNotUnique");
}

TEST_F(Identity, AnIdentityByAnotherIndexQuarantines) {
  follow(std::string(kTable) + "; CREATE UNIQUE INDEX t_code ON t (code)");
  exec(kRows);
  exec("ALTER TABLE t REPLICA IDENTITY USING INDEX t_code; UPDATE t SET id = 50 WHERE id = 5");
  expect_quarantined("ReplicaIdentityChanged");
}

TEST_F(Identity, ADroppedKeyUnderFullQuarantines) {
  follow(std::string(kTable) + "; ALTER TABLE t REPLICA IDENTITY FULL");
  exec(kRows);
  catch_up();
  exec("ALTER TABLE t DROP CONSTRAINT t_pkey; INSERT INTO t VALUES (1, 1, 'twin')");
  expect_quarantined("KeyNotUnique");
}

TEST_F(Identity, FullAndBackIsExact) {
  follow(kTable);
  exec(kRows);
  exec("ALTER TABLE t REPLICA IDENTITY FULL; UPDATE t SET id = 20 WHERE id = 2; DELETE FROM t WHERE id = 3");
  exec(
      "ALTER TABLE t REPLICA IDENTITY DEFAULT; UPDATE t SET id = 30 WHERE id = 4; DELETE FROM t WHERE id = "
      "5");
  expect_equal();
}

TEST_F(Identity, AKeyThatIsStoredOutOfLineIsFollowed) {
  follow(
      "CREATE TABLE t (k text PRIMARY KEY, v int); ALTER TABLE t ALTER k SET STORAGE EXTERNAL; INSERT INTO t "
      "SELECT string_agg(md5(g::text), ''), 1 FROM generate_series(1, 80) g");
  exec("UPDATE t SET v = 2");
  expect_equal();
}

TEST_F(Identity, ChangesUnderAnotherNameAreFollowed) {
  follow(std::string(kTable) + "; CREATE SCHEMA s");
  exec(kRows);
  exec(
      "ALTER TABLE t RENAME TO away; DELETE FROM away WHERE id = 1; INSERT INTO away VALUES (11, 11, "
      "'away')");
  exec("ALTER TABLE away RENAME TO t; ALTER TABLE t SET SCHEMA s; UPDATE s.t SET v = 's' WHERE id = 2");
  exec("ALTER TABLE s.t SET SCHEMA public; INSERT INTO t VALUES (12, 12, 'back')");
  expect_equal();
}

TEST_F(Identity, NamesThatWereChangedAndChangedBackAreReported) {
  follow("CREATE TABLE t (id int PRIMARY KEY, a text, b text)");
  exec("INSERT INTO t VALUES (1, 'a', 'b')");
  catch_up();
  exec(
      "ALTER TABLE t RENAME a TO x; ALTER TABLE t RENAME b TO a; ALTER TABLE t RENAME x TO b; UPDATE t SET a "
      "= "
      "'traded'; ALTER TABLE t RENAME a TO x; ALTER TABLE t RENAME b TO a; ALTER TABLE t RENAME x TO b");
  exec("UPDATE t SET id = 2");
  EXPECT_TRUE(test::eventually([&] { return !table().differences.empty(); }, 20s));
}

TEST_F(Identity, AnExcludedColumnStaysOutUnderAnotherName) {
  follow("CREATE TABLE t (id int PRIMARY KEY, v text, card text)", "card");
  exec("INSERT INTO t VALUES (1, 'v', '4111')");
  catch_up();
  const auto known = run_->facts();
  exec("ALTER TABLE t RENAME v TO w; ALTER TABLE t RENAME card TO v; UPDATE t SET v = '4222'");
  exec("INSERT INTO t_nb VALUES (1)");
  EXPECT_TRUE(test::eventually([&] { return target("count()", "t_nb") == "1"; }, 20s));
  catch_up();
  EXPECT_THAT(target("toString(groupArray(tuple(*)))"), testing::Not(HasSubstr("4222")));
}

TEST_F(Identity, APartitionThatCameAndWentIsReported) {
  follow(
      "CREATE TABLE t (id int PRIMARY KEY, v text) PARTITION BY RANGE (id); CREATE TABLE t_1 PARTITION OF t "
      "FOR "
      "VALUES FROM (0) TO (10)");
  exec(
      "BEGIN; CREATE TABLE t_2 PARTITION OF t FOR VALUES FROM (10) TO (20); INSERT INTO t VALUES (11, "
      "'gone'); "
      "COMMIT; BEGIN; DROP TABLE t_2; COMMIT");
  EXPECT_TRUE(test::eventually([&] { return !table().differences.empty() || table().error; }, 20s));
}

TEST_F(Identity, AnAbsentValueIsNeverMadeUp) {
  follow("CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL)");
  exec("ALTER TABLE t ALTER n DROP NOT NULL; INSERT INTO t VALUES (1, NULL), (2, 2)");
  exec("INSERT INTO t_nb VALUES (1)");
  EXPECT_TRUE(test::eventually([&] { return target("count()", "t_nb") == "1"; }, 20s));
  EXPECT_TRUE(
      test::eventually([&] { return target("arraySort(groupArray((id, n)))") == "[(1,NULL),(2,2)]"; }, 20s))
      << target("arraySort(groupArray((id, n)))");
}

TEST_F(Identity, OfALogIsItsSourcesAtEveryLook) {
  prepare(std::string(kTable) + "; ALTER TABLE t REPLICA IDENTITY FULL", {"t"},
          clickhouse::Engine::MergeTree);
  begin();
  catch_up();
  job_.tables[0].definition = table().definition;
  ASSERT_THAT(job_.tables[0].definition, HasSubstr("unique"));
  for (int look = 0; look < 2; ++look) {
    const auto report = probe(job_, system_);
    ASSERT_TRUE(report) << report.error().text();
    EXPECT_THAT(report->tables.at("public.t").differences, testing::IsEmpty());
    job_.tables[0].definition = report->tables.at("public.t").definition;
  }
}

}  // namespace
}  // namespace penstock::pipeline
