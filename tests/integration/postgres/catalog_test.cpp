#include "dataplane/postgres/catalog.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "dataplane/postgres/checks.hpp"
#include "tests/integration/postgres/shared_server.hpp"

namespace penstock::postgres {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

SourceTable read_table(const Endpoint& endpoint, const std::string& name) {
  const auto tables = read_tables(endpoint, {*TableName::parse(name)});
  EXPECT_TRUE(tables) << tables.error().text();
  EXPECT_TRUE(tables->at(0)) << name << " was not found";
  return tables->at(0).value_or(SourceTable{});
}

const SourceColumn& column(const SourceTable& table, const std::string& name) {
  for (const auto& one : table.columns) {
    if (one.name == name) return one;
  }
  throw std::runtime_error("no column " + name);
}

std::vector<std::string> heap_names(const SourceTable& table) {
  std::vector<std::string> out;
  for (const auto& heap : table.heaps)
    out.push_back(heap.name.name);
  return out;
}

TEST(Catalog, ReadsServerAndRole) {
  const Database database;
  const auto server = read_server(database.endpoint);
  ASSERT_TRUE(server) << server.error().text();
  EXPECT_GE(server->version, 130000);
  EXPECT_EQ(server->system_identifier, database.value("SELECT system_identifier FROM pg_control_system()"));
  EXPECT_EQ(server->timeline, 1);
  EXPECT_FALSE(server->in_recovery);
  EXPECT_EQ(server->wal_level, "logical");
  EXPECT_EQ(server->max_slots, 10);
  EXPECT_EQ(server->max_senders, 10);
  EXPECT_TRUE(server->may_replicate);
  EXPECT_TRUE(server->may_create_publication);
  EXPECT_EQ(server->block_size, 8192);
  EXPECT_EQ(server->role, "postgres");
  EXPECT_EQ(server->database, database.name);
}

TEST(Catalog, AnOrdinaryRoleLearnsAsMuchAndWhatItMayNot) {
  const Database database;
  const auto role = database.role();
  const auto server = read_server(role);
  ASSERT_TRUE(server) << server.error().text();
  EXPECT_FALSE(server->system_identifier.empty());
  EXPECT_EQ(server->timeline, 1);
  EXPECT_FALSE(server->may_replicate);
  EXPECT_FALSE(server->may_create_publication);
  database.exec("CREATE ROLE rds_replication; GRANT rds_replication TO " + role.user);
  EXPECT_TRUE(read_server(role)->may_replicate);
  database.exec("DROP ROLE rds_replication");
}

TEST(Catalog, ReadsTheSystemFromTheWalsenderWhereTheFunctionsAreForbidden) {
  const Database database;
  const auto expected = database.value("SELECT system_identifier FROM pg_control_system()");
  database.exec("REVOKE EXECUTE ON FUNCTION pg_control_system, pg_control_checkpoint FROM PUBLIC");
  const auto server = read_server(database.role("REPLICATION"));
  ASSERT_TRUE(server) << server.error().text();
  EXPECT_EQ(server->system_identifier, expected);
  EXPECT_EQ(server->timeline, 1);
}

TEST(Catalog, KnowsAbsentTablesFromThoseThatAreThere) {
  const Database database;
  database.exec(R"(CREATE SCHEMA "My.Schema"; CREATE TABLE "My.Schema"."Order ""Lines""" (id int))");
  const TableName odd{"My.Schema", "Order \"Lines\""};
  const auto tables = read_tables(database.endpoint, {{"public", "nope"}, odd, {"nope", "t"}, odd});
  ASSERT_TRUE(tables) << tables.error().text();
  EXPECT_FALSE(tables->at(0));
  EXPECT_FALSE(tables->at(2));
  ASSERT_TRUE(tables->at(1));
  EXPECT_EQ(tables->at(1)->name, odd);
  EXPECT_EQ(tables->at(3)->columns.size(), 1U) << "the same table asked for twice";
}

TEST(Catalog, ReadsTypesThroughDomainsAndArrays) {
  const Database database;
  database.exec(R"(
    CREATE TYPE mood AS ENUM ('sad', 'ok');
    CREATE DOMAIN amount AS numeric(12,2) CHECK (VALUE >= 0);
    CREATE DOMAIN small_amount AS amount CHECK (VALUE < 100);
    CREATE DOMAIN amounts AS small_amount[];
    CREATE TYPE pair AS (a int, b text);
    CREATE TYPE span AS RANGE (subtype = int4);
    CREATE TABLE t (plain numeric(7,3), unbounded numeric, money_like small_amount, list amounts, moods mood[],
                    one mood, both_of pair, during span, matrix int[][], code char(5), vec int2vector,
                    stamp timestamptz(3)))");
  const auto table = read_table(database.endpoint, "public.t");
  const auto type = [&](const char* name) { return column(table, name).type; };
  const auto typmod = [](int precision, int scale) { return (precision << 16 | scale) + 4; };
  EXPECT_EQ(type("plain").oid, 1700U);
  EXPECT_EQ(type("plain").typmod, typmod(7, 3));
  EXPECT_EQ(type("plain").name, "numeric(7,3)");
  EXPECT_EQ(type("unbounded").typmod, -1);
  EXPECT_EQ(type("money_like").oid, 1700U);
  EXPECT_EQ(type("money_like").typmod, typmod(12, 2));
  EXPECT_EQ(type("money_like").name, "numeric(12,2)");
  ASSERT_EQ(type("list").kind, PgType::Kind::Array);
  EXPECT_EQ(type("list").element->oid, 1700U);
  EXPECT_EQ(type("list").element->typmod, typmod(12, 2));
  ASSERT_EQ(type("moods").kind, PgType::Kind::Array);
  EXPECT_EQ(type("moods").name, "public.mood[]");
  EXPECT_EQ(type("moods").element->kind, PgType::Kind::Enum);
  EXPECT_EQ(type("moods").element->name, "public.mood");
  EXPECT_EQ(type("one").kind, PgType::Kind::Enum);
  EXPECT_EQ(type("both_of").kind, PgType::Kind::Other);
  EXPECT_EQ(type("during").kind, PgType::Kind::Other);
  EXPECT_EQ(type("matrix").element->oid, 23U);
  EXPECT_EQ(type("code").typmod, 9);
  EXPECT_EQ(type("vec").kind, PgType::Kind::Base) << "has elements, but a text form of its own";
  EXPECT_EQ(type("stamp").name, "timestamp(3) with time zone");
}

TEST(Catalog, ReadsColumnsInOrderWithoutTheDropped) {
  const Database database;
  database.exec(R"(
    CREATE TABLE t (a int NOT NULL, gone int, b text, c int GENERATED ALWAYS AS (a * 2) STORED);
    ALTER TABLE t DROP COLUMN gone)");
  const auto table = read_table(database.endpoint, "public.t");
  ASSERT_EQ(table.columns.size(), 3U);
  EXPECT_EQ(table.columns[0].name, "a");
  EXPECT_TRUE(table.columns[0].not_null);
  EXPECT_EQ(table.columns[1].attribute_number, 3);
  EXPECT_FALSE(table.columns[1].not_null);
  EXPECT_FALSE(table.columns[1].generated);
  EXPECT_TRUE(table.columns[2].generated);
}

TEST(Catalog, TellsColumnsThatAreComputedWhenRead) {
  if (const auto lack = test::lacking(shared_server(), test::kPg18); !lack.empty()) GTEST_SKIP() << lack;
  const Database database;
  database.exec(
      "CREATE TABLE t (id int, s int GENERATED ALWAYS AS (id) STORED, v int GENERATED ALWAYS AS (id))");
  const auto table = read_table(database.endpoint, "public.t");
  ASSERT_EQ(table.columns.size(), 3U);
  EXPECT_TRUE(table.columns[1].generated && table.columns[2].generated);
  EXPECT_THAT(table.heaps.at(0).virtual_columns, ElementsAre("v"));
}

/// Of the table's column: the value of old rows, "differs", or "none".
std::string missing_value(const Database& database, const std::string& table, const std::string& column) {
  const auto tables = read_tables(database.endpoint, {{"public", table}});
  for (const auto& one : tables.value().at(0).value().columns)
    if (one.name == column) return one.missing_differs ? "differs" : one.missing_value.value_or("none");
  return "no such column";
}

TEST(Catalog, ReadsWhatRowsOfBeforeHaveOfAColumnThatWasAdded) {
  const Database database;
  database.exec(
      "CREATE TABLE parted (id int) PARTITION BY RANGE (id);"
      "CREATE TABLE low PARTITION OF parted FOR VALUES FROM (0) TO (10) PARTITION BY RANGE (id);"
      "CREATE TABLE low_0 PARTITION OF low FOR VALUES FROM (0) TO (10);"
      "CREATE TABLE high PARTITION OF parted FOR VALUES FROM (10) TO (20);"
      "ALTER TABLE parted ADD c varchar(20) DEFAULT 'dflt', ADD plain int;"
      "CREATE TABLE later PARTITION OF parted FOR VALUES FROM (20) TO (30);"
      "CREATE TABLE base (id int); CREATE TABLE child () INHERITS (base); INSERT INTO child VALUES (1);"
      "ALTER TABLE child ADD c text DEFAULT 'child', ADD same int DEFAULT 1;"
      "ALTER TABLE base ADD c text DEFAULT 'base', ADD same int DEFAULT 1");
  EXPECT_EQ(missing_value(database, "parted", "c"), "dflt");
  EXPECT_EQ(missing_value(database, "parted", "plain"), "none");
  EXPECT_EQ(missing_value(database, "base", "c"), "differs");
  EXPECT_EQ(missing_value(database, "base", "same"), "1");
}

TEST(Catalog, ReadsKeysAndIdentities) {
  const Database database;
  database.exec(R"(
    CREATE TABLE keyed (b int, a int, PRIMARY KEY (a, b) INCLUDE (c), c int);
    CREATE TABLE bare (a int);
    CREATE TABLE whole (a int PRIMARY KEY); ALTER TABLE whole REPLICA IDENTITY FULL;
    CREATE TABLE nothing (a int PRIMARY KEY); ALTER TABLE nothing REPLICA IDENTITY NOTHING;
    CREATE TABLE chosen (a int PRIMARY KEY, b int NOT NULL, c int NOT NULL);
    CREATE UNIQUE INDEX chosen_by ON chosen (c, b); ALTER TABLE chosen REPLICA IDENTITY USING INDEX chosen_by;
    CREATE TABLE dropped (a int PRIMARY KEY, b int NOT NULL);
    CREATE UNIQUE INDEX dropped_by ON dropped (b); ALTER TABLE dropped REPLICA IDENTITY USING INDEX dropped_by;
    DROP INDEX dropped_by;
    CREATE TABLE late (a int PRIMARY KEY DEFERRABLE))");
  const auto keyed = read_table(database.endpoint, "public.keyed");
  EXPECT_THAT(keyed.primary_key, ElementsAre("a", "b"));
  EXPECT_THAT(keyed.identity_key, ElementsAre("a", "b"));
  const auto bare = read_table(database.endpoint, "public.bare");
  EXPECT_THAT(bare.primary_key, IsEmpty());
  EXPECT_THAT(bare.identity_key, IsEmpty());
  const auto whole = read_table(database.endpoint, "public.whole");
  EXPECT_EQ(whole.identity, ReplicaIdentity::Full);
  EXPECT_THAT(whole.identity_key, IsEmpty());
  EXPECT_THAT(whole.primary_key, ElementsAre("a"));
  EXPECT_EQ(read_table(database.endpoint, "public.nothing").identity, ReplicaIdentity::Nothing);
  const auto chosen = read_table(database.endpoint, "public.chosen");
  EXPECT_EQ(chosen.identity, ReplicaIdentity::Index);
  EXPECT_THAT(chosen.identity_key, ElementsAre("c", "b"));
  EXPECT_THAT(read_table(database.endpoint, "public.dropped").identity_key, IsEmpty());
  const auto late = read_table(database.endpoint, "public.late");
  EXPECT_THAT(late.primary_key, ElementsAre("a"));
  EXPECT_THAT(late.identity_key, IsEmpty());
}

TEST(Catalog, FindsEveryLeafOnceAtAnyDepth) {
  const Database database;
  database.exec(R"(
    CREATE TABLE parted (id int, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
    CREATE TABLE parted_2023 PARTITION OF parted FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
    CREATE TABLE parted_2024 PARTITION OF parted FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')
      PARTITION BY HASH (id);
    CREATE TABLE parted_2024_0 PARTITION OF parted_2024 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
    CREATE TABLE parted_2024_1 PARTITION OF parted_2024 FOR VALUES WITH (MODULUS 2, REMAINDER 1)
      PARTITION BY LIST (id);
    CREATE TABLE parted_2024_1_all PARTITION OF parted_2024_1 DEFAULT;
    CREATE TABLE empty (id int) PARTITION BY LIST (id);
    CREATE TABLE base (id int PRIMARY KEY, v int NOT NULL);
    CREATE TABLE left_side () INHERITS (base);
    CREATE TABLE right_side () INHERITS (base);
    CREATE TABLE diamond () INHERITS (left_side, right_side))");
  const auto parted = read_table(database.endpoint, "public.parted");
  EXPECT_EQ(parted.kind, 'p');
  EXPECT_THAT(heap_names(parted), UnorderedElementsAre("parted_2023", "parted_2024_0", "parted_2024_1_all"));
  EXPECT_THAT(parted.heaps[0].identity_key, ElementsAre("id", "at"));
  EXPECT_THAT(heap_names(read_table(database.endpoint, "public.parted_2024")),
              UnorderedElementsAre("parted_2024_0", "parted_2024_1_all"));
  EXPECT_THAT(heap_names(read_table(database.endpoint, "public.empty")), IsEmpty());
  const auto base = read_table(database.endpoint, "public.base");
  EXPECT_THAT(heap_names(base), UnorderedElementsAre("base", "left_side", "right_side", "diamond"));
  EXPECT_THAT(read_table(database.endpoint, "public.left_side").primary_key, IsEmpty());
}

TEST(Catalog, APartitionedTableIsFullOnlyWhenItsPartitionsAre) {
  const Database database;
  database.exec(R"(
    CREATE TABLE t (id int PRIMARY KEY, v int) PARTITION BY RANGE (id);
    CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);
    CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (10) TO (20);
    ALTER TABLE t REPLICA IDENTITY FULL; ALTER TABLE t1 REPLICA IDENTITY FULL)");
  auto table = read_table(database.endpoint, "public.t");
  EXPECT_EQ(table.identity, ReplicaIdentity::Default);
  EXPECT_THAT(table.identity_key, ElementsAre("id"));
  database.exec("ALTER TABLE t2 REPLICA IDENTITY FULL");
  table = read_table(database.endpoint, "public.t");
  EXPECT_EQ(table.identity, ReplicaIdentity::Full);
  EXPECT_THAT(table.identity_key, IsEmpty());
}

TEST(Catalog, AColumnThatAnyHeapLetsBeNullIsNullable) {
  if (shared_server().version() >= 180000) GTEST_SKIP() << "children keep their parents' NOT NULL from 18 on";
  const Database database;
  database.exec(R"(
    CREATE TABLE base (id int NOT NULL, v int NOT NULL);
    CREATE TABLE child () INHERITS (base); ALTER TABLE child ALTER COLUMN v DROP NOT NULL)");
  const auto table = read_table(database.endpoint, "public.base");
  EXPECT_TRUE(column(table, "id").not_null);
  EXPECT_FALSE(column(table, "v").not_null);
}

TEST(Catalog, TellsViewsMaterializedViewsAndForeignTablesFromTables) {
  const Database database;
  database.exec(R"(
    CREATE TABLE t (id int); CREATE VIEW v AS SELECT * FROM t; CREATE MATERIALIZED VIEW m AS SELECT * FROM t;
    CREATE FOREIGN DATA WRAPPER nothing; CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing;
    CREATE FOREIGN TABLE f (id int) SERVER nowhere; CREATE UNLOGGED TABLE u (id int))");
  const auto view = read_table(database.endpoint, "public.v");
  EXPECT_EQ(view.kind, 'v');
  EXPECT_THAT(heap_names(view), ElementsAre("v"));
  EXPECT_FALSE(view.heaps[0].ctid_ranges);
  EXPECT_EQ(read_table(database.endpoint, "public.m").kind, 'm');
  const auto foreign = read_table(database.endpoint, "public.f");
  EXPECT_EQ(foreign.kind, 'f');
  EXPECT_FALSE(foreign.heaps[0].ctid_ranges);
  EXPECT_EQ(read_table(database.endpoint, "public.u").persistence, 'u');
  EXPECT_EQ(read_table(database.endpoint, "public.t").heaps[0].ctid_ranges,
            shared_server().version() >= 140000);
}

TEST(Catalog, EstimatesRowsBeforeAndAfterAnalyze) {
  const Database database;
  database.exec("CREATE TABLE t (id bigint, v int); ALTER TABLE t SET (autovacuum_enabled = off)");
  EXPECT_EQ(read_table(database.endpoint, "public.t").rows_estimated, 0);
  database.exec("INSERT INTO t SELECT i, i FROM generate_series(1, 50000) i");
  const auto guessed = read_table(database.endpoint, "public.t");
  EXPECT_GT(guessed.heaps[0].pages, 200);
  EXPECT_GT(guessed.heaps[0].relation_file, 0);
  EXPECT_NEAR(static_cast<double>(guessed.rows_estimated), 50000, 15000);
  database.exec("ANALYZE t");
  EXPECT_EQ(read_table(database.endpoint, "public.t").rows_estimated, 50000);
  database.exec("INSERT INTO t SELECT i, i FROM generate_series(1, 50000) i");
  EXPECT_NEAR(static_cast<double>(read_table(database.endpoint, "public.t").rows_estimated), 100000, 2000);
}

TEST(Catalog, ReadsWhatTheRoleMaySee) {
  const Database database;
  const auto role = database.role();
  database.exec(fmt::format(R"(
    CREATE TABLE t (id int PRIMARY KEY, open int, secret int); GRANT SELECT (id, open) ON t TO {0};
    CREATE SCHEMA closed; CREATE TABLE closed.t (id int); GRANT SELECT ON closed.t TO {0};
    CREATE TABLE parted (id int, v int) PARTITION BY LIST (id); GRANT SELECT ON parted TO {0};
    CREATE TABLE leaf PARTITION OF parted DEFAULT)",
                            role.user));
  const auto table = read_table(role, "public.t");
  EXPECT_FALSE(table.table_select);
  EXPECT_FALSE(table.owned);
  EXPECT_TRUE(table.schema_usage);
  EXPECT_TRUE(column(table, "open").selectable);
  EXPECT_FALSE(column(table, "secret").selectable);
  EXPECT_FALSE(table.heaps[0].ctid_ranges) << "ctid needs SELECT on the whole table";
  EXPECT_FALSE(read_table(role, "closed.t").schema_usage);
  const auto parted = read_table(role, "public.parted");
  EXPECT_TRUE(parted.table_select);
  EXPECT_THAT(parted.heaps.at(0).hidden_columns, ElementsAre("id", "v"));
}

TEST(Catalog, KnowsWhenRowSecurityWouldHideRows) {
  const Database database;
  const auto role = database.role();
  const auto owner = database.role();
  const auto bypass = database.role("BYPASSRLS");
  database.exec(fmt::format(R"(
    GRANT CREATE ON SCHEMA public TO {0};
    CREATE TABLE t (id int); ALTER TABLE t ENABLE ROW LEVEL SECURITY; ALTER TABLE t OWNER TO {0};
    CREATE TABLE forced (id int); ALTER TABLE forced ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
    ALTER TABLE forced OWNER TO {0};
    CREATE TABLE parted (id int) PARTITION BY LIST (id); CREATE TABLE leaf PARTITION OF parted DEFAULT;
    ALTER TABLE leaf ENABLE ROW LEVEL SECURITY;
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO {1}, {2})",
                            owner.user, role.user, bypass.user));
  EXPECT_TRUE(read_table(role, "public.t").row_security);
  EXPECT_FALSE(read_table(owner, "public.t").row_security);
  EXPECT_TRUE(read_table(owner, "public.forced").row_security);
  EXPECT_FALSE(read_table(bypass, "public.forced").row_security);
  EXPECT_TRUE(read_table(role, "public.leaf").row_security);
  EXPECT_TRUE(read_table(role, "public.parted").row_security) << "leaves are read one by one";
  EXPECT_FALSE(read_table(database.endpoint, "public.forced").row_security);
}

TEST(Catalog, DoesNotWaitForALockForEver) {
  const Database database;
  database.exec("CREATE TABLE t (id int)");
  auto blocker = shared_server().session(database.name);
  blocker.exec("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE");
  const auto tables = read_tables(database.endpoint, {{"public", "t"}});
  if (tables) return;  // nothing that is read needs the lock on this version
  EXPECT_EQ(tables.error().reason, "LockTimeout");
  EXPECT_EQ(tables.error().kind, ErrorKind::Transient);
}

TEST(Catalog, ALimitedRoleIsToldAllThatItLacks) {
  const Database database;
  const auto role = database.role();
  database.exec("CREATE TABLE t (id int PRIMARY KEY, v int)");
  SourceWish wish;
  TableWish table;
  table.name = {"public", "t"};
  table.source_text = "public.t";
  wish.tables = {table};
  const auto server = read_server(role);
  const auto tables = read_tables(role, {table.name});
  ASSERT_TRUE(server && tables);
  std::vector<std::string> reasons;
  for (const auto& fault : check_source(wish, *server, *tables, {}, {}))
    reasons.push_back(fault.reason);
  EXPECT_THAT(reasons, ElementsAre("NoReplicationRight", "PermissionDenied", "CannotCreatePublication",
                                   "CannotCreatePublication"));
}

TEST(Catalog, TheEndOfTheWalMovesOn) {
  const Database database;
  const auto before = current_wal_lsn(database.endpoint);
  ASSERT_TRUE(before) << before.error().text();
  database.exec("CREATE TABLE t (id int)");
  EXPECT_GT(current_wal_lsn(database.endpoint)->value, before->value);
}

}  // namespace
}  // namespace penstock::postgres
