// Deleted rows carried over to the table that takes a target's place, on a real engine.

#include "tests/integration/clickhouse/tombstones_test.hpp"
#include "dataplane/clickhouse/carry_sql.hpp"

namespace penstock::clickhouse {
namespace {

using Tombstones = TombstonesTest;

const std::vector<TargetColumn> kColumns = {{"id", "Int64", ""}, {"note", "Nullable(String)", ""}};

TEST_F(Tombstones, AreCarriedWhereTheNewestRowIsOne) {
  make_both(kColumns, {"id"});
  run("SYSTEM STOP MERGES t");
  put("t", "id, note",
      {"1, 'live', 10, 0",                                    // lives
       "2, 'was', 10, 0", "2, NULL, 20, 1",                   // deleted
       "3, NULL, 20, 1", "3, 'back', 30, 0",                  // deleted, then inserted again
       "4, 'late', 30, 0", "4, NULL, 40, 1",                  // deleted, but there again
       "5, NULL, 20, 1", "5, 'x', 30, 0", "5, 'y', 40, 1"});  // deleted twice
  put("t_resync", "id, note", {"1, 'live', 50, 0", "3, 'back', 50, 0", "4, 'late', 50, 0"});
  carry();
  EXPECT_EQ(staged("id, note"), "1 live 50 0, 2 \\N 0 1, 3 back 50 0, 4 late 50 0, 5 y 0 1");
}

TEST_F(Tombstones, AreCarriedOnceHoweverOftenAsked) {
  make_both(kColumns, {"id"});
  put("t", "id, note", {"1, 'a', 10, 1", "2, 'b', 10, 1"});
  put("t_resync", "id, note", {"2, 'b', 0, 1"});  // an earlier try came this far
  carry();
  carry();
  EXPECT_EQ(staged("id, note"), "1 a 0 1, 2 b 0 1");
}

TEST_F(Tombstones, AreCarriedOverManyResyncs) {
  make_both(kColumns, {"id"});
  put("t", "id, note", {"1, 'a', 0, 1"});  // carried by the resync before
  carry();
  EXPECT_EQ(staged("id, note"), "1 a 0 1");
}

TEST_F(Tombstones, OfTheSameVersionAsALiveRowAreNot) {
  make_both(kColumns, {"id"});
  run("SYSTEM STOP MERGES t");
  put("t", "id, note", {"1, 'a', 10, 0", "1, 'b', 10, 1", "2, 'b', 10, 1", "2, 'a', 10, 0"});
  carry();
  EXPECT_EQ(staged("id, note"), "");
}

TEST_F(Tombstones, NeverHideARow) {
  make_both(kColumns, {"id"});
  put("t", "id, note", {"1, 'a', 10, 1"});
  carry();
  put("t_resync", "id, note", {"1, 'streamed later', 1, 0"});
  EXPECT_EQ(staged("id, note", "t_resync FINAL"), "1 streamed later 1 0");
}

TEST_F(Tombstones, GoByCompositeKeysWithNulls) {
  make_both({{"tenant", "Nullable(Int32)", ""}, {"name", "Nullable(String)", ""}, {"note", "String", ""}},
            {"tenant", "name"});
  run("SYSTEM STOP MERGES t");
  put("t", "tenant, name, note",
      {"NULL, NULL, 'a', 10, 1", "NULL, '', 'b', 10, 1", "1, NULL, 'c', 10, 1", "1, NULL, 'd', 20, 0",
       "2, NULL, 'e', 10, 0", "2, NULL, 'f', 20, 1", "NULL, 'x', 'g', 10, 1", "0, 'x', 'h', 10, 1"});
  put("t_resync", "tenant, name, note", {"NULL, 'x', 'held', 50, 0", "2, '', 'held', 50, 0"});
  carry();
  EXPECT_EQ(staged("tenant, name, note"),
            "0 x h 0 1, 2  held 50 0, 2 \\N f 0 1, \\N  b 0 1, \\N x held 50 0, \\N \\N a 0 1");
}

TEST_F(Tombstones, GoByTheNewTablesKey) {
  const std::vector<TargetColumn> columns = {{"id", "Int64", ""}, {"day", "Date", ""}};
  make("t", columns, {"id", "day"});
  make("t_resync", columns, {"id"});
  run("SYSTEM STOP MERGES t");
  put("t", "id, day",
      {"1, '2024-01-01', 10, 0", "1, '2024-01-01', 20, 1", "1, '2024-01-02', 20, 0",  // moved
       "2, '2024-01-01', 10, 1", "2, '2024-01-02', 30, 1"});
  carry();
  EXPECT_EQ(staged("id, day"), "2 2024-01-02 0 1");
}

TEST_F(Tombstones, AreLeftWhereTheNewKeyIsUnknown) {
  make("t", {{"id", "Int64", ""}}, {"id"});
  make("t_resync", {{"id", "Int64", ""}, {"tenant", "Int64", ""}}, {"tenant", "id"});
  put("t", "id", {"1, 10, 1"});
  carry();
  EXPECT_EQ(staged("id"), "");
}

TEST_F(Tombstones, WorkWithHostileNames) {
  const std::string table = "größe `'\\.";
  const std::vector<TargetColumn> columns = {
      {"_penstock_dead", "Int64", ""}, {"a`'b", "String", ""}, {"version", "Int8", ""},
      {"count", "Int8", ""},           {"n.a", "Int8", ""},    {"deleted", "Int8", ""}};
  make(table, columns, {"_penstock_dead", "a`'b", "n.a"});
  make(staging_name(table), columns, {"_penstock_dead", "a`'b", "n.a"});
  put(quote(table), "_penstock_dead, `a\\`'b`, version, count, `n.a`, deleted",
      {"1, 'x', 2, 3, 4, 5, 10, 1"});
  const auto done = carry_tombstones(client_, table, staging_name(table));
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(staged("_penstock_dead, `a\\`'b`, version, count, `n.a`, deleted", quote(staging_name(table))),
            "1 x 2 3 4 5 0 1");
}

TEST_F(Tombstones, AreNoAffairOfOtherEngines) {
  auto wanted = definition("t", {{"id", "Int64", ""}}, {"id"});
  ASSERT_TRUE(create_target(client_, wanted));
  put("t", "id", {"1, 10, 1"});
  for (const auto engine : {Engine::MergeTree, Engine::Null}) {
    wanted.table = "t_resync";
    wanted.engine = engine;
    ASSERT_TRUE(create_target(client_, wanted));
    carry();
    EXPECT_EQ(staged("id"), "");
    // The other way round: what a log holds are deletes of the past, not tombstones.
    if (engine == Engine::MergeTree) {
      put("t_resync", "id", {"2, 10, 1"});
      ASSERT_TRUE(carry_tombstones(client_, "t_resync", "t"));
      EXPECT_EQ(staged("id", "t"), "1 10 1");
    }
    run("DROP TABLE t_resync SYNC");
  }
}

TEST_F(Tombstones, OfTablesThatAreNotThereAreNone) {
  EXPECT_TRUE(carry_tombstones(client_, "t", "t_resync"));
  make("t", kColumns, {"id"});
  EXPECT_TRUE(carry_tombstones(client_, "t", "t_resync"));
  EXPECT_TRUE(carry_tombstones(client_, "t_resync", "t"));
}

TEST_F(Tombstones, AreCarriedWhateverTheProfileSays) {
  make_both(kColumns, {"id"});
  put("t", "id, note", {"1, 'a', 10, 1"});
  run("ALTER TABLE t_resync ADD COLUMN must String");
  const auto from = read_target(client_, "t");
  const auto to = read_target(client_, "t_resync");
  const auto sql = carry_sql(*plan_carry(**from, **to), 0, 1);
  for (const char* setting : {"prefer_column_name_to_alias", "transform_null_in", "group_by_use_nulls",
                              "join_use_nulls", "enable_named_columns_in_function_tuple"}) {
    ASSERT_TRUE(client_.execute({sql, {{setting, "1"}}})) << setting;
    EXPECT_EQ(staged("id, note"), "1 a 0 1") << setting;
    run("TRUNCATE TABLE t_resync");
  }
}

/// 50,000 rows, every second one deleted; the first 10,000 are there again.
struct Many {
  std::string rows = "SELECT number, if(number % 3 = 0, NULL, 1), repeat('x', number % 50), number, ";
  std::string old_rows = rows + "number % 2, now64(3) FROM numbers(50000)";
  std::string new_rows = rows + "0, now64(3) FROM numbers(10000)";
  std::vector<TargetColumn> columns = {{"id", "Int64", ""}, {"g", "Nullable(Int8)", ""}, {"s", "String", ""}};
  const char* sum =
      "SELECT count(), uniqExact(id, g), sum(length(s)), sum(id) FROM t_resync WHERE _penstock_deleted";
  const char* wanted =
      "SELECT count(), uniqExact(id, g), sum(length(s)), sum(id) FROM t WHERE _penstock_deleted AND id >= "
      "10000";
};

TEST_F(Tombstones, InSlicesAndOnDiskAreTheSame) {
  const Many many;
  make_both(many.columns, {"id", "g"});
  run("INSERT INTO t " + many.old_rows);
  run("INSERT INTO t_resync " + many.new_rows);
  const auto plan = plan_carry(**read_target(client_, "t"), **read_target(client_, "t_resync"));
  ASSERT_TRUE(plan);
  for (int slice = 0; slice < 5; ++slice) {
    const auto done =
        client_.execute({carry_sql(*plan, slice, 5), {{"max_bytes_before_external_group_by", "1"}}});
    ASSERT_TRUE(done) << done.error().text();
  }
  EXPECT_EQ(value(many.sum), value(many.wanted));
  carry();
  EXPECT_EQ(value(many.sum), value(many.wanted)) << "nothing was left to carry";
}

TEST_F(Tombstones, OfManyPartitionsAreCarriedAtOnce) {
  const Many many;
  make("t", many.columns, {"id", "g"});
  make("t_resync", many.columns, {"id", "g"}, "id % 300");
  run("INSERT INTO t " + many.old_rows + " WHERE number < 600");
  carry();
  EXPECT_EQ(value("SELECT count(), uniqExact(id % 300) FROM t_resync"), "300\t150");
}

}  // namespace
}  // namespace penstock::clickhouse
