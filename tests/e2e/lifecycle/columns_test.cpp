// What a manifest says of single columns and of the target's partitions, through load and stream.

#include <fmt/format.h>

#include <algorithm>

#include "tests/e2e/lifecycle/lifecycle_test.hpp"

namespace penstock {
namespace {

/// Both sides of a table, a line for each row: `columns` as text, in the order of id.
std::string source_rows(Scene& scene, const std::string& table, const std::string& columns) {
  return scene.value(
      fmt::format("SELECT string_agg(concat_ws(E'\\t', {}), E'\\n' ORDER BY id) FROM {}", columns, table));
}
std::string target_rows(Scene& scene, const std::string& table, const std::string& columns) {
  return scene.target_value(fmt::format("SELECT {} FROM {} FINAL ORDER BY id", columns, table));
}

TEST(ExcludedColumns, AreReadByNeitherLoadNorStreamSoThatNoRightToThemIsNeeded) {
  Scene scene(shared_world());
  scene.exec(
      "CREATE TABLE orders (id bigint PRIMARY KEY, card text, v text, n int);"
      "ALTER TABLE orders ALTER COLUMN v SET STORAGE EXTERNAL;"
      "INSERT INTO orders SELECT i, 'card ' || i, repeat(md5(i::text), 100), i FROM generate_series(1, 3000) "
      "i;"
      "ANALYZE orders; CREATE PUBLICATION theirs FOR TABLE orders");
  const auto role = "clerk_of_" + scene.database;
  scene.exec(
      fmt::format("CREATE ROLE {0} LOGIN REPLICATION PASSWORD 'By-Column-4711';"
                  "GRANT SELECT (id, v, n) ON orders TO {0}",
                  role));
  scene.manifest.user = role;
  scene.manifest.password = "By-Column-4711";
  scene.manifest.source_more = ", publication: theirs";
  scene.manifest.spec_more = "  snapshot: {rowsPerPartition: 1000, workersPerTable: 2}\n";
  scene.declare({"{source: public.orders, excludedColumns: [card]}"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  // Values that the stream leaves out have to be looked up, again without that column.
  scene.exec("UPDATE orders SET n = -n WHERE id <= 100; UPDATE orders SET card = 'new' WHERE id = 200");
  scene.exec(
      "UPDATE orders SET id = id + 10000 WHERE id BETWEEN 300 AND 310; DELETE FROM orders WHERE id = 7");
  scene.exec("INSERT INTO orders VALUES (5000, 'card', 'new', 1)");
  ASSERT_TRUE(scene.caught_up());
  EXPECT_EQ(target_rows(scene, "orders", "id, v, n"), source_rows(scene, "orders", "id, v, n"));
  EXPECT_EQ(scene.target_value("SELECT count() FROM system.columns WHERE database = currentDatabase() AND "
                               "table = 'orders' AND name = 'card'"),
            "0");
  EXPECT_EQ(scene.dev.events(scene.pipe, "Warning"), States{});
}

TEST(UnrepresentableValues, AreNullWhereTheManifestSaysSoAndToldOfOnce) {
  Scene scene(shared_world());
  scene.exec(
      "CREATE TABLE orders (id bigint PRIMARY KEY, amount numeric, at timestamp);"
      "INSERT INTO orders SELECT i, CASE i % 10 WHEN 0 THEN 'NaN' WHEN 1 THEN 1e20 ELSE i + 0.25 END,"
      " CASE i % 7 WHEN 0 THEN 'infinity' ELSE timestamp '2026-01-01' + i * interval '1 s' END"
      " FROM generate_series(1, 500) i");
  scene.declare(
      {"{source: public.orders, columns: [{name: amount, type: 'Nullable(Decimal(10, 2))', unrepresentable: "
       "'Null'}]}"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  scene.exec(
      "UPDATE orders SET amount = -1e30 WHERE id BETWEEN 100 AND 120; UPDATE orders SET amount = 3 WHERE id "
      "= "
      "10; UPDATE orders SET id = id + 1000, amount = 'NaN' WHERE id = 15; UPDATE orders SET at = "
      "'-infinity' "
      "WHERE id = 16; INSERT INTO orders VALUES (600, 99999999.99, '2026-01-01'), (601, 100000000, NULL)");
  ASSERT_TRUE(scene.caught_up());
  const auto wanted = source_rows(
      scene, "orders",
      "id, coalesce(CASE WHEN amount <> 'NaN' AND abs(amount) < 1e8 THEN trim_scale(amount)::text END, "
      "'\\N'), "
      "CASE at WHEN 'infinity' THEN '2299-12-31 23:59:59.999999' WHEN '-infinity' THEN '1900-01-01 "
      "00:00:00.000000' ELSE coalesce(to_char(at, 'YYYY-MM-DD HH24:MI:SS.US'), '\\N') END");
  EXPECT_EQ(target_rows(scene, "orders", "id, amount, at"), wanted);
  EXPECT_EQ(scene.target_value("SELECT amount FROM orders FINAL WHERE id IN (600, 601) ORDER BY id"),
            "99999999.99\n\\N");
  const auto told = [&] {
    const auto warnings = scene.dev.events(scene.pipe, "Warning");
    return std::count(warnings.begin(), warnings.end(), "ValuesClamped");
  };
  EXPECT_TRUE(test::eventually([&] { return told() == 2; })) << "once for each column, however many values";
  const auto description = scene.dev.describe(scene.pipe);
  EXPECT_NE(description.find("table public.orders, column amount: "), std::string::npos);
  EXPECT_NE(description.find("table public.orders, column at: "), std::string::npos);
  EXPECT_EQ(conditions_of(scene), "Ready=True");
}

TEST(UnrepresentableValues, AreNotThoseThatAWidenedNumberHolds) {
  Scene scene(shared_world());
  scene.exec(
      "CREATE TABLE orders (id bigint PRIMARY KEY, amount numeric(6,2), n smallint);"
      "INSERT INTO orders SELECT i, i / 4.0, i FROM generate_series(1, 50) i");
  scene.declare(
      {"{source: public.orders, columns: [{name: amount, unrepresentable: 'Null'}, {name: 'n', "
       "unrepresentable: 'Null'}]}"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  scene.exec("UPDATE orders SET amount = 1 WHERE id = 1");
  scene.exec("ALTER TABLE orders ALTER amount TYPE numeric(12,2)");
  scene.exec("INSERT INTO orders VALUES (100, 1234567890.12, 1)");
  EXPECT_EQ(scene.differences({"orders"}), "");
  // Twice, before the stream comes to the first.
  scene.pause(true);
  ASSERT_TRUE(scene.reaches("Paused"));
  scene.exec("ALTER TABLE orders ALTER n TYPE int");
  scene.exec("INSERT INTO orders VALUES (101, 1, 2000000000)");
  scene.exec("ALTER TABLE orders ALTER n TYPE bigint");
  scene.exec("INSERT INTO orders VALUES (102, 2, 3000000000)");
  scene.pause(false);
  EXPECT_EQ(scene.differences({"orders"}), "");
  EXPECT_EQ(scene.dev.events(scene.pipe, "Warning"), States{});
}

TEST(WidenedColumns, ByWhichTheOwnerOfALogHasSortedItGoOnAsTheyAre) {
  Scene scene(shared_world());
  scene.exec(
      "CREATE TABLE log (id bigint PRIMARY KEY, n int NOT NULL); ALTER TABLE log REPLICA IDENTITY FULL;"
      "INSERT INTO log SELECT i, i FROM generate_series(1, 50) i");
  scene.engine.query("CREATE DATABASE IF NOT EXISTS " + scene.database);
  scene.engine.query(fmt::format(
      "CREATE TABLE {}.log (id Int64, n Int32, _penstock_version UInt128, _penstock_deleted UInt8, "
      "_penstock_synced_at DateTime64(3) DEFAULT now64(3)) ENGINE = MergeTree ORDER BY n SETTINGS "
      "non_replicated_deduplication_window = 1000",
      scene.database));
  scene.declare({"{source: public.log, engine: MergeTree}"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  scene.pause(true);
  ASSERT_TRUE(scene.reaches("Paused"));
  scene.exec("INSERT INTO log VALUES (100, 1)");
  scene.exec("ALTER TABLE log ALTER n TYPE bigint");
  scene.exec("INSERT INTO log VALUES (101, 2)");
  scene.pause(false);
  ASSERT_TRUE(scene.caught_up());
  EXPECT_EQ(scene.target_value("SELECT count(), countIf(id >= 100) FROM log"), "52\t2");
}

TEST(DroppedColumns, ThatWereNotNullHoldNobodyUp) {
  Scene scene(shared_world());
  scene.exec(
      "CREATE TABLE orders (id bigint PRIMARY KEY, legacy int NOT NULL, v text, big text, old text NOT NULL);"
      "ALTER TABLE orders ALTER big SET STORAGE EXTERNAL, ALTER old SET STORAGE EXTERNAL;"
      "INSERT INTO orders SELECT i, i, 'row ' || i, repeat(md5(i::text), 100), repeat(md5(i::text), 100) "
      "FROM generate_series(1, 50) i");
  scene.declare({"public.orders"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  scene.exec(
      "INSERT INTO orders VALUES (100, 7, 'before', '', 'x'); UPDATE orders SET legacy = -1 WHERE id = 1;"
      "ALTER TABLE orders DROP COLUMN legacy, DROP COLUMN old;"
      "INSERT INTO orders VALUES (101, 'after', ''); UPDATE orders SET v = 'after' WHERE id <= 2;"
      "DELETE FROM orders WHERE id = 3");
  ASSERT_TRUE(scene.caught_up());
  EXPECT_EQ(target_rows(scene, "orders", "id, v, length(big)"),
            source_rows(scene, "orders", "id, v, length(big)"));
  EXPECT_EQ(scene.target_value("SELECT legacy FROM orders FINAL WHERE id IN (1, 5, 100, 101) ORDER BY id"),
            "0\n5\n7\n0");
  EXPECT_EQ(scene.dev.events(scene.pipe, "Warning"), States{});
}

TEST(PartitionBy, SpreadsRowsThatLoadAndStreamBring) {
  Scene scene(shared_world());
  scene.exec(
      "CREATE TABLE orders (id bigint PRIMARY KEY, v text, created_at timestamptz NOT NULL);"
      "INSERT INTO orders SELECT i, 'row ' || i, timestamptz '2026-01-15 12:00+00' + i % 5 * interval '31 "
      "days' FROM generate_series(1, 5000) i; ANALYZE orders");
  scene.declare({"{source: public.orders, partitionBy: toYYYYMM(created_at)}"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  scene.exec(
      "UPDATE orders SET v = 'streamed' WHERE id % 3 = 0; DELETE FROM orders WHERE id % 5 = 0; UPDATE orders "
      "SET id = id + 10000 WHERE id % 100 = 1; INSERT INTO orders SELECT i, 'new', '2027-03-01 00:00+00' "
      "FROM "
      "generate_series(20001, 20100) i");
  ASSERT_TRUE(scene.caught_up());
  EXPECT_EQ(scene.differences({"orders"}, 0ms), "");
  EXPECT_EQ(scene.target_value("SELECT arrayStringConcat(arraySort(groupUniqArray(partition)), ',') FROM "
                               "system.parts WHERE database = currentDatabase() AND table = 'orders' AND "
                               "active AND partition > '2'"),
            "202601,202602,202603,202604,202605,202703");
  // Merges change nothing, and a new table is cut like the old one.
  scene.engine.query("OPTIMIZE TABLE " + scene.database + ".orders FINAL");
  EXPECT_EQ(scene.differences({"orders"}, 0ms), "");
  scene.resync(1);
  ASSERT_TRUE(scene.dev.wait_for_field(scene.pipe, ".status.observedResyncGeneration", "1", 60s));
  EXPECT_EQ(scene.differences({"orders"}), "");
  EXPECT_EQ(
      scene.target_value("SELECT partition_key FROM system.tables WHERE database = currentDatabase() AND "
                         "name = 'orders'"),
      "(toYYYYMM(created_at))");
}

}  // namespace
}  // namespace penstock
