// Targets of builds whose versions were UInt64, the LSN of the change.

#include <fmt/format.h>

#include "dataplane/pipeline/source_changes.hpp"
#include "tests/integration/pipeline/streaming.hpp"

namespace penstock::pipeline {
namespace {

using namespace std::chrono_literals;

class FormerVersions : public Streaming {
 protected:
  /// The target is made anew as a former build made it, with what it holds by now.
  void become_former(bool log) {
    auto& engine = test::shared_engine();
    const auto at = [&](const std::string& sql) { return engine.value(sql, {{"database", database_}}); };
    auto sql =
        at("SELECT create_table_query FROM system.tables WHERE database = currentDatabase() AND name = 't'"
           " FORMAT TSVRaw");
    const std::string now = "`_penstock_version` UInt128";
    sql.replace(
        sql.find(now), now.size(),
        log ? "`_penstock_commit_lsn` UInt64, `_penstock_version` UInt64" : "`_penstock_version` UInt64");
    at("RENAME TABLE t TO t_now");
    at(sql);
    const std::string commit =
        log ? ", toUInt64(bitShiftRight(_penstock_version, 64)) AS _penstock_commit_lsn" : "";
    at(
        fmt::format("INSERT INTO t (id, v, _penstock_deleted, _penstock_version{0}) SELECT id, v, "
                    "_penstock_deleted, toUInt64(bitAnd(_penstock_version, toUInt128({1}))){2} FROM t_now",
                    log ? ", _penstock_commit_lsn" : "", "18446744073709551615", commit));
    at("DROP TABLE t_now SYNC");
  }
  [[nodiscard]] std::string of_target(const std::string& what) const {
    return test::shared_engine().value(fmt::format("SELECT {} FROM `{}`.t", what, database_));
  }
  [[nodiscard]] std::string drift() const {
    const auto sources = penstock::postgres::read_tables(job_.source, {job_.tables[0].source});
    if (!sources) return sources.error().text();
    clickhouse::Client client(job_.destination);
    const auto table = clickhouse::read_target(client, job_.tables[0].written());
    if (!table || !*table) return "no target";
    return drift_of(job_, job_.tables[0], *sources->front(), **table).changes;
  }
};

constexpr const char* kTable = "CREATE TABLE t (id int PRIMARY KEY, v text)";
constexpr const char* kLogTable =
    "CREATE TABLE t (id int PRIMARY KEY, v text); ALTER TABLE t REPLICA IDENTITY FULL";

TEST_F(FormerVersions, AreWidenedInPlaceAndAskForAResync) {
  ASSERT_NO_FATAL_FAILURE(prepare(kTable, {"t"}));
  exec("INSERT INTO t SELECT i, 'old' FROM generate_series(1, 10) i; DELETE FROM t WHERE id > 8");
  begin();
  ASSERT_NO_FATAL_FAILURE(catch_up());
  run_.reset();
  become_former(false);
  EXPECT_EQ(drift(), "");
  EXPECT_EQ(differences(), "");
  // What a former build may have left: a tombstone that hides a row.
  test::shared_engine().query(fmt::format(
      "INSERT INTO `{}`.t (id, _penstock_version, _penstock_deleted) VALUES (3, 18446744073709551615, 1)",
      database_));
  exec("UPDATE t SET v = 'new' WHERE id <= 3; INSERT INTO t VALUES (9, 'back'); DELETE FROM t WHERE id = 4");
  begin();
  ASSERT_NO_FATAL_FAILURE(catch_up());
  EXPECT_EQ(of_target("any(toTypeName(_penstock_version))"), "UInt128");
  EXPECT_EQ(differences(), "") << "every version of before is below every one of now";
  EXPECT_NE(drift().find("earlier build"), std::string::npos) << drift();
}

TEST_F(FormerVersions, OfALogSayWhereItGoesOn) {
  ASSERT_NO_FATAL_FAILURE(prepare(kLogTable, {"t"}, clickhouse::Engine::MergeTree));
  exec(fmt::format("SELECT pg_copy_logical_replication_slot('{0}', '{0}_again')", job_.slot));
  exec("INSERT INTO t SELECT i, 'old' FROM generate_series(1, 10) i");
  exec("UPDATE t SET v = 'new' WHERE id <= 3");
  begin();
  ASSERT_NO_FATAL_FAILURE(catch_up());
  run_.reset();
  become_former(true);
  ASSERT_EQ(of_target("count()"), "13");
  exec("INSERT INTO t VALUES (11, 'more')");
  job_.slot += "_again";
  begin();
  ASSERT_NO_FATAL_FAILURE(catch_up());
  EXPECT_EQ(of_target("(count(), uniqExact(id), argMax(id, _penstock_version))"), "(14,11,11)");
}

TEST_F(FormerVersions, ThatCannotBeWidenedSetTheTableApart) {
  ASSERT_NO_FATAL_FAILURE(prepare(kLogTable, {"t"}, clickhouse::Engine::MergeTree));
  test::shared_engine().query(fmt::format("DROP TABLE `{}`.t SYNC", database_));
  test::shared_engine().query(fmt::format(
      "CREATE TABLE `{}`.t (id Int32, v Nullable(String), _penstock_version UInt64, _penstock_deleted UInt8, "
      "_penstock_synced_at DateTime64(3) DEFAULT now64(3)) ENGINE = MergeTree ORDER BY (id, "
      "_penstock_version)",
      database_));
  exec("INSERT INTO t VALUES (1, 'a')");
  begin({0ms, 0});
  const auto fault = [&] { return run_->facts().tables[0].error; };
  ASSERT_TRUE(test::eventually([&] { return fault().has_value() || run_->facts().run.ended; }, 30s));
  ASSERT_TRUE(fault());
  EXPECT_EQ(fault()->reason, "TargetVersionsNarrow");
  EXPECT_EQ(of_target("count()"), "0");
}

}  // namespace
}  // namespace penstock::pipeline
