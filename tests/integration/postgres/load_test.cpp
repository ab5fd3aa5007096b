// A load: snapshots, ranges of blocks, binary COPY.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <thread>

#include "dataplane/postgres/catalog.hpp"
#include "dataplane/postgres/copy_reader.hpp"
#include "dataplane/postgres/slot.hpp"
#include "tests/integration/postgres/shared_server.hpp"

namespace penstock::postgres {
namespace {

using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::Pair;

using TextRows = std::vector<std::vector<std::string>>;

/// All rows of a COPY, NULL as "\\N".
Result<TextRows> copy_rows(pg_conn* session, const Endpoint& endpoint, const std::string& sql,
                           std::size_t columns) {
  PENSTOCK_ASSIGN(auto reader, CopyReader::start(session, endpoint, sql, columns));
  TextRows out;
  for (;;) {
    PENSTOCK_ASSIGN(const auto fields, reader.next());
    if (fields.empty()) return out;
    auto& row = out.emplace_back();
    for (const auto& field : fields)
      row.emplace_back(field.null ? "\\N" : std::string(field.bytes));
  }
}

Connection session_of(const Endpoint& endpoint) {
  auto session = connect(endpoint);
  if (!session) throw std::runtime_error(session.error().text());
  return *std::move(session);
}

SourceTable read_table(const Endpoint& endpoint, const TableName& name) {
  return read_tables(endpoint, {name}).value().at(0).value();
}

/// How often each `id` comes when every heap is read in ranges of `blocks` blocks.
std::map<std::string, int> load_ids(const Endpoint& endpoint, const SourceTable& table, std::int64_t blocks) {
  std::map<std::string, int> seen;
  const auto session = session_of(endpoint);
  const std::vector<CopyColumn> columns{{"id", true}};
  const auto take = [&](const std::string& sql) {
    const auto rows = copy_rows(session.get(), endpoint, sql, 1);
    ASSERT_TRUE(rows) << rows.error().text();
    for (const auto& row : *rows)
      ++seen[row[0]];
  };
  for (const auto& heap : table.heaps) {
    for (std::int64_t first = 0; first == 0 || first < heap.pages; first += blocks) {
      const bool open = first + blocks >= heap.pages;
      take(copy_range_sql(heap.name, columns, first, open ? -1 : first + blocks));
    }
  }
  return seen;
}

TEST(Load, RangesOfBlocksGiveEveryRowOfEveryLeafOnce) {
  const Database database;
  database.exec(R"(
    CREATE TABLE parted (id int, pad text) PARTITION BY RANGE (id);
    CREATE TABLE p1 PARTITION OF parted FOR VALUES FROM (0) TO (20000);
    CREATE TABLE p2 PARTITION OF parted FOR VALUES FROM (20000) TO (100000) PARTITION BY HASH (id);
    CREATE TABLE p2a PARTITION OF p2 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
    CREATE TABLE p2b PARTITION OF p2 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
    INSERT INTO parted SELECT i, repeat('x', i % 100) FROM generate_series(1, 40000) i;
    DELETE FROM parted WHERE id % 7 = 0;
    CREATE TABLE base (id int); CREATE TABLE child () INHERITS (base);
    INSERT INTO base SELECT generate_series(1, 1000); INSERT INTO child SELECT generate_series(1001, 2000))");
  for (const std::int64_t blocks : {1, 7, 1000000}) {
    const auto parted =
        load_ids(database.endpoint, read_table(database.endpoint, {"public", "parted"}), blocks);
    EXPECT_EQ(parted.size(), 40000U - 40000U / 7);
    EXPECT_THAT(parted, Each(Pair(testing::_, 1)));
    const auto base = load_ids(database.endpoint, read_table(database.endpoint, {"public", "base"}), blocks);
    EXPECT_EQ(base.size(), 2000U);
    EXPECT_THAT(base, Each(Pair(testing::_, 1)));
  }
}

TEST(Load, ARangeIsReadByItsBlocksAndNotByTheWholeTable) {
  if (const auto lack = test::lacking(shared_server(), test::kPg14); !lack.empty()) GTEST_SKIP() << lack;
  const Database database;
  database.exec("CREATE TABLE t (id int)");
  auto sql = copy_range_sql({"public", "t"}, {{"id", false}}, 3, 9);
  sql = "EXPLAIN " + sql.substr(6, sql.rfind(") TO STDOUT") - 6);
  EXPECT_THAT(database.value("SELECT 1"), "1");
  EXPECT_THAT(shared_server().query(sql, database.name)[0][0], testing::HasSubstr("Tid Range Scan"));
}

TEST(Load, AFilterLeavesTheRowsInTheOrderOfTheirPlaces) {
  const Database database;
  database.exec(
      "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT 20000 - i FROM generate_series(1, 19999) i;"
      "ANALYZE t");
  const auto session = session_of(database.endpoint);
  const auto ids = [&] {
    const auto sql = copy_all_sql({"public", "t"}, {{"id", true}}, "(id < 4)");
    const auto rows = copy_rows(session.get(), database.endpoint, sql, 1);
    EXPECT_TRUE(rows);
    std::string out;
    for (const auto& row : rows.value())
      out += row[0];
    return out;
  };
  ASSERT_EQ(ids(), "123") << "not by the index, so that this test says nothing";
  ASSERT_TRUE(execute(session.get(), database.endpoint, "BEGIN"));
  ASSERT_TRUE(read_by_place(session.get(), database.endpoint));
  EXPECT_EQ(ids(), "321");
}

TEST(Load, AsTextIsWhatTheOutputFunctionGives) {
  const Database database;
  database.exec(R"(
    CREATE TYPE pair AS (a int, b text);
    CREATE TABLE t (id int, code char(5), host inet, flag bool, both_of pair, list int[], price money, j jsonb, x xml);
    INSERT INTO t VALUES (1, 'ab', '10.0.0.1', true, ROW(NULL, NULL), '{1,NULL,3}', 12.5, '{"a": 1}', '<a/>'),
                         (2, NULL, NULL, NULL, NULL, NULL, NULL, 'null', NULL))");
  std::vector<CopyColumn> columns;
  for (const char* name : {"id", "code", "host", "flag", "both_of", "list", "price", "j", "x"})
    columns.push_back({name, true});
  const auto session = session_of(database.endpoint);
  const auto rows = copy_rows(session.get(), database.endpoint, copy_all_sql({"public", "t"}, columns), 9);
  ASSERT_TRUE(rows) << rows.error().text();
  ASSERT_EQ(rows->size(), 2U);
  EXPECT_THAT(rows->at(0), ElementsAre("1", "ab   ", "10.0.0.1", "t", "(,)", "{1,NULL,3}", "$12.50",
                                       "{\"a\": 1}", "<a/>"));
  EXPECT_THAT(rows->at(1), ElementsAre("2", "\\N", "\\N", "\\N", "\\N", "\\N", "\\N", "null", "\\N"));
}

TEST(Load, ReadsBinaryValuesNullsAndAnEmptyTable) {
  const Database database;
  database.exec(
      "CREATE TABLE t (id int, v bytea); CREATE TABLE empty (id int, v bytea);"
      "INSERT INTO t VALUES (258, '\\x00ff'), (NULL, '')");
  const auto session = session_of(database.endpoint);
  const std::vector<CopyColumn> columns{{"id", false}, {"v", false}};
  const auto rows = copy_rows(session.get(), database.endpoint, copy_all_sql({"public", "t"}, columns), 2);
  ASSERT_TRUE(rows) << rows.error().text();
  EXPECT_THAT(*rows, ElementsAre(ElementsAre(std::string("\0\0\1\2", 4), std::string("\0\xff", 2)),
                                 ElementsAre("\\N", "")));
  EXPECT_TRUE(
      copy_rows(session.get(), database.endpoint, copy_all_sql({"public", "empty"}, columns), 2)->empty());
}

TEST(Load, AReaderLeftHalfWayLeavesItsSessionFree) {
  const Database database;
  database.exec("CREATE TABLE t AS SELECT i AS id FROM generate_series(1, 500000) i");
  const auto session = session_of(database.endpoint);
  const auto sql = copy_all_sql({"public", "t"}, {{"id", false}});
  {
    auto reader = CopyReader::start(session.get(), database.endpoint, sql, 1);
    ASSERT_TRUE(reader);
    ASSERT_EQ(reader->next()->size(), 1U);
  }
  EXPECT_EQ(ask(session.get(), "SELECT 42"), "42");
}

TEST(Load, AnErrorInTheMiddleOfTheDataIsTold) {
  const Database database;
  database.exec("CREATE VIEW broken AS SELECT 1000 / (5000 - i) AS id FROM generate_series(1, 10000) i");
  const auto session = session_of(database.endpoint);
  const auto rows =
      copy_rows(session.get(), database.endpoint, copy_all_sql({"public", "broken"}, {{"id", false}}), 1);
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().reason, "SourceValueError");
  EXPECT_EQ(ask(session.get(), "SELECT 42"), "42");
}

TEST(Load, AColumnThatIsGoneOrNotGrantedIsTold) {
  const Database database;
  const auto role = database.role();
  database.exec("CREATE TABLE t (id int)");
  const auto sql = copy_all_sql({"public", "t"}, {{"nope", false}});
  EXPECT_EQ(CopyReader::start(session_of(database.endpoint).get(), database.endpoint, sql, 1).error().reason,
            "ColumnNotFound");
  const auto denied =
      CopyReader::start(session_of(role).get(), role, copy_all_sql({"public", "t"}, {{"id", false}}), 1);
  EXPECT_EQ(denied.error().reason, "PermissionDenied");
}

TEST(Load, RowSecurityThatAppearsLaterIsAnErrorAndNoEmptyTable) {
  const Database database;
  const auto role = database.role();
  database.exec("CREATE TABLE t AS SELECT 1 AS id; GRANT SELECT ON t TO " + role.user +
                "; ALTER TABLE t ENABLE ROW LEVEL SECURITY");
  const auto session = session_of(role);
  const auto rows = copy_rows(session.get(), role, copy_all_sql({"public", "t"}, {{"id", false}}), 1);
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().reason, "PermissionDenied");
}

TEST(Load, AServerThatDiesUnderAReaderIsTold) {
  test::PostgresServer server;
  const auto endpoint = endpoint_of(server);
  server.exec("CREATE TABLE t AS SELECT i AS id, repeat('x', 200) AS pad FROM generate_series(1, 300000) i");
  const auto session = session_of(endpoint);
  auto reader = CopyReader::start(session.get(), endpoint,
                                  copy_all_sql({"public", "t"}, {{"id", false}, {"pad", false}}), 2);
  ASSERT_TRUE(reader);
  ASSERT_TRUE(reader->next());
  server.kill9();
  auto row = reader->next();
  while (row && !row->empty())
    row = reader->next();
  ASSERT_FALSE(row) << "half a table passed for a whole one";
  EXPECT_EQ(row.error().reason, "SourceUnreachable");
}

TEST(Snapshot, IsOneMomentForEverySessionThatJoinsIt) {
  const Database database;
  database.exec("CREATE TABLE t AS SELECT generate_series(1, 10) AS id");
  const auto exported = export_snapshot(database.endpoint);
  ASSERT_TRUE(exported) << exported.error().text();
  EXPECT_LE(exported->before, exported->after);
  database.exec("DELETE FROM t WHERE id > 5");
  for (int reader = 0; reader < 2; ++reader) {
    const auto session = session_of(database.endpoint);
    ASSERT_TRUE(begin_at_snapshot(session.get(), database.endpoint, exported->snapshot));
    EXPECT_EQ(ask(session.get(), "SELECT count(*) FROM public.t"), "10");
    ASSERT_TRUE(begin_at_snapshot(session.get(), database.endpoint, exported->snapshot))
        << "again, on one session";
    EXPECT_EQ(ask(session.get(), "SELECT count(*) FROM public.t"), "10");
  }
}

TEST(Snapshot, OfASessionThatIsGoneIsLost) {
  const Database database;
  std::string name;
  {
    const auto exported = export_snapshot(database.endpoint);
    ASSERT_TRUE(exported);
    name = exported->snapshot;
  }
  const auto session = session_of(database.endpoint);
  Error error;
  ASSERT_TRUE(test::eventually([&] {
    const auto joined = begin_at_snapshot(session.get(), database.endpoint, name);
    if (!joined) error = joined.error();
    return !joined;
  }));
  EXPECT_EQ(error.reason, "SnapshotLost");
  EXPECT_EQ(error.kind, ErrorKind::Transient);
  const auto garbage = begin_at_snapshot(session.get(), database.endpoint, "it's none");
  ASSERT_FALSE(garbage);
  EXPECT_EQ(garbage.error().reason, "SnapshotLost");
  EXPECT_EQ(ask(session.get(), "SELECT 42"), "42") << "the session is free for another";
}

}  // namespace
}  // namespace penstock::postgres
