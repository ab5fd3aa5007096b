// The oracle is only as good as what it would notice: every kind of fault is planted in a target that is
// equal, and has to be named.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/support/row_oracle.hpp"

namespace penstock {
namespace {

using test::ReplicatedTable;

test::PostgresServer& source_server() {
  static test::PostgresServer server;
  return server;
}

/// A source table of many types, and a target that was filled by hand: what is tested writes none of it.
class PlantedFaults : public testing::Test {
 protected:
  PlantedFaults() : database(source_server().create_database()), session(source_server().session(database)) {
    test::print_plainly(session);
    session.exec(
        "CREATE TYPE mood AS ENUM ('calm', 'wild'); CREATE DOMAIN price AS numeric(10,2);"
        "CREATE TABLE t (id int PRIMARY KEY, v text, n numeric, p price, f float8, g float4, b bool, ts "
        "timestamptz, d "
        "date, raw bytea, a int[], ta text[], m mood, j json, u uuid, tm time, i interval, card text)");
    session.exec(
        "INSERT INTO t VALUES"
        "(1, '', 1.500, 2.50, 0.1, 0.1, true, '2020-01-01 10:00:00.5+00', '2020-02-29', '\\x00ff', "
        "'{1,NULL,3}',"
        " '{\"a,b\",\"NULL\",NULL,\"\"}', 'calm', '{\"a\":  1}', '00112233-4455-6677-8899-aabbccddeeff', "
        "'10:00:00.25',"
        " '1 day', '4111'),"
        "(2, NULL, -0.01, NULL, 'NaN', '-Infinity', false, '1970-01-01 00:00+00', '1900-01-01', '', '{}', "
        "NULL, NULL,"
        " 'null', NULL, '00:00', NULL, '4111'),"
        "(3, E'tab\\t nl\\n \\\\N ü', 100, 0, '-0', 1e20, NULL, 'infinity', '0044-03-15 BC', NULL, "
        "'[5:6]={7,8}', '{}',"
        " 'wild', NULL, NULL, NULL, '-1 mons', '4111')");
    engine.query("CREATE DATABASE " + database);
    engine.query(
        "CREATE TABLE t (id Int32, v Nullable(String), n Nullable(Decimal(76, 38)), p Nullable(Decimal(10, "
        "2)), f "
        "Nullable(Float64), g Nullable(Float32), b Nullable(Bool), ts Nullable(DateTime64(6, 'UTC')), d "
        "Nullable(Date32), raw Nullable(String), a Array(Nullable(Int32)), ta Array(Nullable(String)), m "
        "LowCardinality(Nullable(String)), j Nullable(String), u Nullable(UUID), tm Nullable(String), i "
        "Nullable(String), _penstock_version UInt128, _penstock_deleted UInt8) ENGINE = "
        "ReplacingMergeTree(_penstock_version, _penstock_deleted) ORDER BY id",
        {{"database", database}});
    write(
        "(1, '', 1.5, 2.5, 0.1, 0.1, true, '2020-01-01 10:00:00.5', '2020-02-29', unhex('00ff'), [1,NULL,3], "
        "['a,b', "
        "'NULL', NULL, ''], 'calm', '{\"a\":  1}', '00112233-4455-6677-8899-aabbccddeeff', '10:00:00.25', '1 "
        "day', 5, 0),"
        "(2, NULL, -0.01, NULL, nan, -inf, false, '1970-01-01 00:00:00', '1900-01-01', '', [], [], NULL, "
        "'null', NULL, "
        "'00:00:00', NULL, 5, 0),"
        "(3, 'tab\\t nl\\n \\\\N ü', 100, 0, -0., 1e20, NULL, '2299-12-31 23:59:59.999999', '1900-01-01', "
        "NULL, [7,8], "
        "[], 'wild', NULL, NULL, NULL, '-1 mons', 5, 0)");
    test::remember_excluded(session, table);
  }

  void write(const std::string& rows) {
    engine.query("INSERT INTO t VALUES " + rows, {{"database", database}});
  }
  /// Row 1 with one column as this expression has it, as if a change had come.
  void change(const std::string& column, const std::string& value, int id = 1) {
    engine.query(
        fmt::format(
            "INSERT INTO t SELECT * REPLACE ({} AS {}, _penstock_version + 1 AS _penstock_version) FROM "
            "t FINAL WHERE id = {}",
            value, column, id),
        {{"database", database}});
  }
  std::string difference() { return test::table_difference(session, engine, database, table); }

  test::EngineServer& engine = test::shared_engine();
  std::string database;
  test::PostgresSession session;
  ReplicatedTable table{"public.t", "t", {"card"}};
};

TEST_F(PlantedFaults, NoneWhereBothAreEqual) {
  EXPECT_EQ(difference(), "");
}

TEST_F(PlantedFaults, AMissingRow) {
  engine.query("ALTER TABLE t DELETE WHERE id = 2 SETTINGS mutations_sync = 1", {{"database", database}});
  EXPECT_NE(difference().find("only in the source (1 rows)"), std::string::npos) << difference();
}

TEST_F(PlantedFaults, ATombstoneTooMany) {
  change("_penstock_deleted", "1");
  EXPECT_NE(difference().find("only in the source (1 rows)"), std::string::npos) << difference();
}

TEST_F(PlantedFaults, ALostTombstone) {
  session.exec("DELETE FROM t WHERE id = 3");
  EXPECT_NE(difference().find("only in the target (1 rows)"), std::string::npos) << difference();
}

TEST_F(PlantedFaults, AnExtraRow) {
  engine.query("INSERT INTO t (id, v, _penstock_version) SELECT 77, 'x', 6", {{"database", database}});
  EXPECT_NE(difference().find("only in the target (1 rows)"), std::string::npos) << difference();
}

TEST_F(PlantedFaults, ATwinOfARow) {
  session.exec("ALTER TABLE t DROP CONSTRAINT t_pkey; INSERT INTO t SELECT * FROM t WHERE id = 1");
  EXPECT_NE(difference(), "");
}

TEST_F(PlantedFaults, AStaleRow) {
  session.exec("UPDATE t SET v = 'newer' WHERE id = 1");
  EXPECT_NE(difference(), "");
}

TEST_F(PlantedFaults, AMissingColumn) {
  engine.query("ALTER TABLE t DROP COLUMN p", {{"database", database}});
  EXPECT_NE(difference().find("lacks column p"), std::string::npos) << difference();
}

TEST_F(PlantedFaults, AMissingTable) {
  engine.query("DROP TABLE t", {{"database", database}});
  EXPECT_NE(difference().find("no target"), std::string::npos);
  session.exec("DROP TABLE t");
  EXPECT_NE(difference().find("no such table"), std::string::npos);
}

TEST_F(PlantedFaults, AnExcludedColumnUnderAnyName) {
  engine.query("ALTER TABLE t ADD COLUMN card Nullable(String)", {{"database", database}});
  EXPECT_NE(difference().find("has excluded column card"), std::string::npos) << difference();
  engine.query("ALTER TABLE t RENAME COLUMN card TO pan", {{"database", database}});
  session.exec("ALTER TABLE t RENAME card TO pan");
  EXPECT_NE(difference().find("has excluded column pan"), std::string::npos) << difference();
  EXPECT_EQ(test::where_held(engine, database, "4111"), "");
  change("pan", "'x 4111 x'");
  EXPECT_EQ(test::where_held(engine, database, "4111"), "t.pan ");
}

TEST_F(PlantedFaults, AnotherTablesColumnWithTheNumberOfAnExcludedOneIsNone) {
  session.exec("ALTER TABLE t ADD more text, DROP card; ALTER TABLE t ADD card text");
  engine.query("ALTER TABLE t ADD COLUMN more Nullable(String)", {{"database", database}});
  EXPECT_EQ(difference(), "");
  // In which the dropped column leaves no gap.
  session.exec("CREATE TABLE made_anew (LIKE t INCLUDING ALL); INSERT INTO made_anew SELECT * FROM t");
  session.exec("DROP TABLE t; ALTER TABLE made_anew RENAME TO t");
  EXPECT_EQ(difference(), "");
}

TEST_F(PlantedFaults, ATextInAColumnThatIsNotExcludedIsFound) {
  EXPECT_FALSE(test::holds_in_the_open(session, table, "SECRET"));
  session.exec("UPDATE t SET card = 'SECRET 1' WHERE id = 1");
  EXPECT_FALSE(test::holds_in_the_open(session, table, "SECRET"));
  for (const char* column : {"v", "raw"}) {
    session.exec(fmt::format("UPDATE t SET {} = 'SECRET 1' WHERE id = 1", column));
    EXPECT_TRUE(test::holds_in_the_open(session, table, "SECRET")) << column;
    session.exec(fmt::format("UPDATE t SET {} = NULL WHERE id = 1", column));
  }
}

struct OneValue {
  std::string column, value;
  int id = 1;
};

TEST_F(PlantedFaults, OneValueOfEachType) {
  const std::vector<OneValue> faults{{"v", "NULL"},
                                     {"v", "''", 2},
                                     {"v", "'tab\\t nl\\n \\\\N u'", 3},
                                     {"n", "toDecimal256('1.5000000000000000000000000000000000001', 38)"},
                                     {"n", "toDecimal256('0.01', 38)", 2},
                                     {"p", "toDecimal64('2.51', 2)"},
                                     {"p", "toDecimal64(0, 2)", 2},
                                     {"f", "0.1 + 1e-17 + 2e-17"},
                                     {"f", "0.", 3},
                                     {"f", "inf", 2},
                                     {"g", "toFloat32(0.100001)"},
                                     {"b", "false"},
                                     {"b", "false", 3},
                                     {"ts", "toDateTime64('2020-01-01 10:00:00.500001', 6, 'UTC')"},
                                     {"ts", "toDateTime64('2299-12-31 23:59:59', 6, 'UTC')", 3},
                                     {"d", "toDate32('2020-03-01')"},
                                     {"d", "toDate32('1900-01-02')", 3},
                                     {"raw", "unhex('00fe')"},
                                     {"raw", "NULL", 2},
                                     {"raw", "''", 3},
                                     {"a", "[1,0,3]"},
                                     {"a", "[NULL]", 2},
                                     {"a", "[8,7]", 3},
                                     {"ta", "['a', 'b', 'NULL', NULL, '']"},
                                     {"ta", "['a,b', NULL, NULL, '']"},
                                     {"ta", "['']", 2},
                                     {"m", "'wild'"},
                                     {"m", "''", 2},
                                     {"j", "'{\"a\": 1}'"},
                                     {"j", "NULL", 2},
                                     {"u", "toUUID('00112233-4455-6677-8899-aabbccddeefe')"},
                                     {"tm", "'10:00:00.2'"},
                                     {"tm", "'00:00:00'", 3},
                                     {"i", "'24:00:00'"}};
  for (const auto& fault : faults) {
    SCOPED_TRACE(fault.column + " = " + fault.value);
    engine.query("CREATE TABLE sound AS t", {{"database", database}});
    engine.query("INSERT INTO sound SELECT * FROM t", {{"database", database}});
    change(fault.column, fault.value, fault.id);
    EXPECT_NE(difference(), "");
    engine.query("EXCHANGE TABLES t AND sound", {{"database", database}});
    engine.query("DROP TABLE sound SYNC", {{"database", database}});
    EXPECT_EQ(difference(), "");
  }
}

TEST_F(PlantedFaults, AKeyThatWasMovedIntoItsTypesRange) {
  session.exec("CREATE TABLE k (d date PRIMARY KEY, v int); INSERT INTO k VALUES ('infinity', 1)");
  engine.query(
      "CREATE TABLE k (d Date32, v Nullable(Int32), _penstock_version UInt128, _penstock_deleted UInt8) "
      "ENGINE = "
      "ReplacingMergeTree(_penstock_version, _penstock_deleted) ORDER BY d",
      {{"database", database}});
  engine.query("INSERT INTO k VALUES ('2299-12-31', 1, 1, 0)", {{"database", database}});
  EXPECT_NE(test::table_difference(session, engine, database, {"public.k", "k"}), "");
}

}  // namespace
}  // namespace penstock
