#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/postgres/catalog.hpp"
#include "tests/integration/postgres/shared_server.hpp"

namespace penstock::postgres {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const TableName kA{"public", "a"};
const TableName kB{"public", "B"};

struct Tables : Database {
  Tables() {
    exec("CREATE TABLE a (id int PRIMARY KEY, v int); CREATE TABLE \"B\" (id int PRIMARY KEY, v int)");
  }
  [[nodiscard]] PublicationFacts look() const {
    const auto facts = read_publication(endpoint, "ours");
    EXPECT_TRUE(facts) << facts.error().text();
    return facts.value_or(PublicationFacts{});
  }
};

TEST(Publication, IsMadeChangedAndDropped) {
  const Tables database;
  EXPECT_FALSE(database.look().exists);
  ASSERT_TRUE(ensure_publication(database.endpoint, "ours", {kA}));
  auto facts = database.look();
  EXPECT_TRUE(facts.exists && facts.owned && facts.via_root);
  EXPECT_TRUE(facts.inserts && facts.updates && facts.deletes && facts.truncates);
  EXPECT_FALSE(facts.all_tables);
  EXPECT_THAT(facts.tables, ElementsAre(kA));
  EXPECT_FALSE(facts.contents[0].listed);
  EXPECT_EQ(facts.contents[0].row_filter, "");
  ASSERT_TRUE(ensure_publication(database.endpoint, "ours", {kA, kB}));
  EXPECT_THAT(database.look().tables, ElementsAre(kB, kA));
  ASSERT_TRUE(ensure_publication(database.endpoint, "ours", {kB}));
  EXPECT_THAT(database.look().tables, ElementsAre(kB));
  ASSERT_TRUE(ensure_publication(database.endpoint, "ours", {}));
  EXPECT_THAT(database.look().tables, IsEmpty());
  ASSERT_TRUE(drop_publication(database.endpoint, "ours"));
  EXPECT_FALSE(database.look().exists);
  EXPECT_TRUE(drop_publication(database.endpoint, "ours")) << "absent already";
}

TEST(Publication, IsNotTouchedWhenItIsRightAlready) {
  const Tables database;
  database.exec("CREATE TABLE child () INHERITS (a)");
  database.exec(
      "CREATE TABLE parted (id int PRIMARY KEY) PARTITION BY LIST (id);"
      "CREATE TABLE leaf PARTITION OF parted DEFAULT");
  const std::vector<TableName> tables{kA, {"public", "parted"}};
  ASSERT_TRUE(ensure_publication(database.endpoint, "ours", tables));
  EXPECT_THAT(database.look().tables,
              ElementsAre(kA, TableName{"public", "child"}, TableName{"public", "parted"}));
  const auto rows = [&] {
    return database.value("SELECT string_agg(xmin::text, ',') FROM pg_publication_rel");
  };
  const auto before = rows();
  ASSERT_TRUE(ensure_publication(database.endpoint, "ours", tables));
  EXPECT_EQ(rows(), before);
}

TEST(Publication, IsSetRightWhenSomebodyBentIt) {
  const Tables database;
  ASSERT_TRUE(ensure_publication(database.endpoint, "ours", {kA}));
  database.exec("ALTER PUBLICATION ours SET (publish = 'insert', publish_via_partition_root = false)");
  EXPECT_FALSE(database.look().updates);
  ASSERT_TRUE(ensure_publication(database.endpoint, "ours", {kA}));
  EXPECT_TRUE(database.look().updates && database.look().via_root);
}

TEST(Publication, IsRidOfASchemaThatSomebodyAdded) {
  if (const auto lack = test::lacking(shared_server(), test::kPg15); !lack.empty()) GTEST_SKIP() << lack;
  const Tables database;
  ASSERT_TRUE(ensure_publication(database.endpoint, "ours", {kA}));
  database.exec("ALTER PUBLICATION ours ADD TABLES IN SCHEMA public");
  EXPECT_THAT(database.look().tables, ElementsAre(kB, kA));
  ASSERT_TRUE(ensure_publication(database.endpoint, "ours", {kA}));
  EXPECT_THAT(database.look().tables, ElementsAre(kA));
}

TEST(Publication, TellsStrangersFromTablesAndWhatInheritsFromThem) {
  const Tables database;
  database.exec(
      "CREATE TABLE child () INHERITS (a);"
      "CREATE TABLE parted (id int) PARTITION BY RANGE (id);"
      "CREATE TABLE part PARTITION OF parted FOR VALUES FROM (0) TO (1)");
  const TableName child{"public", "child"}, part{"public", "part"}, parted{"public", "parted"};
  const auto strangers = [&](const std::vector<TableName>& tables) {
    return strangers_to(database.endpoint, tables, {kA, kB, child, part, {"public", "gone"}}).value();
  };
  EXPECT_THAT(strangers({kA, parted}), ElementsAre(kB));
  EXPECT_THAT(strangers({kB}), ElementsAre(kA, child, part));
  EXPECT_THAT(strangers({kA, kB, part, {"public", "gone too"}}), IsEmpty());
}

TEST(Publication, NeverKeepsARowWithAGeneratedColumnFromBeingUpdated) {
  const Tables database;
  database.exec(
      "CREATE TABLE g (id int PRIMARY KEY, v int, twice int GENERATED ALWAYS AS (v * 2) STORED);"
      "ALTER TABLE g REPLICA IDENTITY FULL; INSERT INTO g VALUES (1, 1)");
  ASSERT_TRUE(ensure_publication(database.endpoint, "ours", {{"public", "g"}}));
  EXPECT_NO_THROW(database.exec("UPDATE g SET v = 2; DELETE FROM g WHERE id = 2"));
}

TEST(Publication, IsBroughtToPublishGeneratedColumns) {
  if (const auto lack = test::lacking(shared_server(), test::kPg18); !lack.empty()) GTEST_SKIP() << lack;
  const Tables database;
  database.exec(
      "CREATE TABLE g (id int PRIMARY KEY, v int, twice int GENERATED ALWAYS AS (v * 2) STORED);"
      "ALTER TABLE g REPLICA IDENTITY FULL; INSERT INTO g VALUES (1, 1)");
  ASSERT_TRUE(ensure_publication(database.endpoint, "ours", {{"public", "g"}}));
  database.exec("ALTER PUBLICATION ours SET (publish_generated_columns = none)");
  EXPECT_THROW(database.exec("UPDATE g SET v = 3"), test::SqlError);
  ASSERT_TRUE(ensure_publication(database.endpoint, "ours", {{"public", "g"}}));
  EXPECT_NO_THROW(database.exec("UPDATE g SET v = 4"));
}

TEST(Publication, OfAMissingTableIsRefusedAndOfOthersItHasThese) {
  const Tables database;
  const auto made = ensure_publication(database.endpoint, "ours", {{"public", "nope"}});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().reason, "TableNotFound");
  EXPECT_FALSE(database.look().exists);
  ASSERT_TRUE(ensure_publication(database.endpoint, "ours", {kA, {"public", "nope"}}));
  EXPECT_THAT(database.look().tables, ElementsAre(kA));
}

TEST(Publication, NeedsCreateOnTheDatabaseAndTheTable) {
  const Tables database;
  const auto role = database.role();
  for (const char* grant : {"SELECT 1", "GRANT CREATE ON DATABASE {} TO {}"}) {
    database.exec(fmt::format(fmt::runtime(grant), database.name, role.user));
    const auto made = ensure_publication(role, "ours", {kA});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().reason, "CannotCreatePublication");
    EXPECT_EQ(made.error().kind, ErrorKind::NeedsUser);
    EXPECT_THAT(made.error().cure, HasSubstr("CREATE PUBLICATION ours FOR TABLE \"public\".\"a\""));
  }
  database.exec("ALTER TABLE a OWNER TO " + role.user);
  EXPECT_TRUE(ensure_publication(role, "ours", {kA}));
}

TEST(Publication, TellsFiltersAndColumnListsOfAUsers) {
  if (const auto lack = test::lacking(shared_server(), test::kPg15); !lack.empty()) GTEST_SKIP() << lack;
  const Tables database;
  database.exec("ALTER TABLE a DROP COLUMN v; ALTER TABLE a ADD \"W w\" int, ADD x text");
  database.exec(
      "CREATE PUBLICATION ours FOR TABLE a WHERE (\"W w\" > 5 AND id < 7 OR \"W w\" < 2), \"B\" (id)");
  auto facts = database.look();
  ASSERT_EQ(facts.contents.size(), 2U);
  EXPECT_EQ(facts.contents[0].listed, (std::vector<NumberedColumn>{{1, "id"}}));
  EXPECT_EQ(facts.contents[0].row_filter, "");
  EXPECT_FALSE(facts.contents[1].listed);
  EXPECT_EQ(facts.contents[1].row_filter, "(((\"W w\" > 5) AND (id < 7)) OR (\"W w\" < 2))");
  EXPECT_EQ(facts.contents[1].filter_columns, (std::vector<NumberedColumn>{{1, "id"}, {3, "W w"}}));
  const auto before = facts.contents;
  database.exec("ALTER TABLE a RENAME \"W w\" TO w; ALTER TABLE \"B\" RENAME id TO key");
  facts = database.look();
  EXPECT_EQ(facts.contents[1].row_filter, "(((w > 5) AND (id < 7)) OR (w < 2))");
  EXPECT_EQ(facts.contents[0].listed, (std::vector<NumberedColumn>{{1, "key"}}));
  for (const auto at : {0U, 1U})
    EXPECT_EQ(facts.contents[at].incarnation, before[at].incarnation) << "it means what it meant";
  database.exec("ALTER PUBLICATION ours SET TABLE a WHERE (w > 6), \"B\" (key)");
  facts = database.look();
  EXPECT_EQ(facts.contents[0].incarnation, before[0].incarnation);
  EXPECT_NE(facts.contents[1].incarnation, before[1].incarnation);
}

TEST(Publication, OfASchemaHasNoFilterAndTellsWhenItComesOverOne) {
  if (shared_server().version() < 150000) GTEST_SKIP() << "both came with PostgreSQL 15";
  const Tables database;
  database.exec("CREATE PUBLICATION ours FOR TABLE a WHERE (id > 5)");
  const auto before = database.look().contents.at(0);
  EXPECT_EQ(before.row_filter, "(id > 5)");
  database.exec("ALTER PUBLICATION ours ADD TABLES IN SCHEMA public");
  const auto facts = database.look();
  ASSERT_EQ(facts.contents.size(), 2U);
  EXPECT_EQ(facts.contents[1].name, kA);
  EXPECT_EQ(facts.contents[1].row_filter, "");
  EXPECT_NE(facts.contents[1].incarnation, before.incarnation);
}

TEST(Publication, NarrowsAPartitionedTableByItsRootAndAChildByItself) {
  if (shared_server().version() < 150000) GTEST_SKIP() << "filters came with PostgreSQL 15";
  const Tables database;
  database.exec(
      "CREATE TABLE parted (id int PRIMARY KEY, v int) PARTITION BY RANGE (id);"
      "CREATE TABLE p1 PARTITION OF parted FOR VALUES FROM (0) TO (10);"
      "CREATE TABLE child () INHERITS (a);"
      "CREATE PUBLICATION ours FOR TABLE parted (id) WHERE (id > 5), p1 WHERE (id > 6), ONLY a WHERE (id > "
      "7),"
      " child WHERE (id > 8) WITH (publish_via_partition_root = true)");
  const auto facts = database.look();
  auto tables = read_tables(database.endpoint, {{"public", "parted"}, kA});
  ASSERT_TRUE(tables) << tables.error().text();
  for (auto& table : *tables)
    narrow_to(facts, *table);
  const auto& parted = *tables->at(0);
  ASSERT_EQ(parted.heaps.size(), 1U);
  EXPECT_EQ(parted.heaps[0].row_filter, "(id > 5)");
  EXPECT_EQ(parted.heaps[0].filter_columns, (std::vector<NumberedColumn>{{1, "id"}}));
  EXPECT_TRUE(parted.columns[0].published);
  EXPECT_FALSE(parted.columns[1].published);
  const auto& inherited = *tables->at(1);
  ASSERT_EQ(inherited.heaps.size(), 2U);
  EXPECT_EQ(inherited.heaps[0].row_filter, "(id > 7)");
  EXPECT_EQ(inherited.heaps[1].row_filter, "(id > 8)");
}

TEST(Publication, OfOursIsRidOfFiltersAndColumnLists) {
  if (shared_server().version() < 150000) GTEST_SKIP() << "they came with PostgreSQL 15";
  const Tables database;
  ASSERT_TRUE(ensure_publication(database.endpoint, "ours", {kA, kB}));
  database.exec("ALTER PUBLICATION ours SET TABLE a WHERE (id > 5), \"B\" (id)");
  ASSERT_TRUE(ensure_publication(database.endpoint, "ours", {kA, kB}));
  for (const auto& one : database.look().contents) {
    EXPECT_EQ(one.row_filter, "");
    EXPECT_FALSE(one.listed);
  }
}

TEST(Publication, OfAllTablesContainsThem) {
  const Tables database;
  database.exec("CREATE PUBLICATION ours FOR ALL TABLES WITH (publish = 'insert, update')");
  auto facts = database.look();
  EXPECT_TRUE(facts.all_tables);
  EXPECT_FALSE(facts.deletes || facts.truncates || facts.via_root);
  EXPECT_THAT(facts.tables, ElementsAre(kB, kA));
}

TEST(Publication, OfASchemaContainsItsTables) {
  if (const auto lack = test::lacking(shared_server(), test::kPg15); !lack.empty()) GTEST_SKIP() << lack;
  const Tables database;
  database.exec("CREATE PUBLICATION ours FOR TABLES IN SCHEMA public");
  const auto facts = database.look();
  EXPECT_FALSE(facts.all_tables);
  EXPECT_THAT(facts.tables, ElementsAre(kB, kA));
}

TEST(Publication, HasTheTablesThatPostgresSaysItHas) {
  if (const auto lack = test::lacking(shared_server(), test::kPg15); !lack.empty()) GTEST_SKIP() << lack;
  const Tables database;
  database.exec(
      "CREATE SCHEMA s; CREATE TABLE s.x (id int PRIMARY KEY); CREATE UNLOGGED TABLE s.u (id int);"
      "CREATE VIEW w AS SELECT 1; CREATE TABLE pt (id int PRIMARY KEY) PARTITION BY RANGE (id);"
      "CREATE TABLE pt1 PARTITION OF pt FOR VALUES FROM (0) TO (10);"
      "CREATE TABLE pt2 PARTITION OF pt FOR VALUES FROM (10) TO (100) PARTITION BY RANGE (id);"
      "CREATE TABLE s.pt21 PARTITION OF pt2 FOR VALUES FROM (10) TO (20)");
  for (const char* what : {"", "FOR TABLE a, pt", "FOR TABLE a, pt, pt2, s.pt21", "FOR TABLE pt2",
                           "FOR ALL TABLES", "FOR TABLES IN SCHEMA s", "FOR TABLES IN SCHEMA s, public",
                           "FOR TABLES IN SCHEMA s, TABLE a", "FOR TABLES IN SCHEMA s, TABLE pt1, pt2"})
    for (const char* via_root : {"false", "true"}) {
      SCOPED_TRACE(fmt::format("{} {}", what, via_root));
      database.exec(
          fmt::format("CREATE PUBLICATION ours {} WITH (publish_via_partition_root = {})", what, via_root));
      std::vector<TableName> listed;
      for (const auto& row : shared_server().query(
               "SELECT schemaname, tablename FROM pg_publication_tables ORDER BY 1, 2", database.name))
        listed.push_back({row[0], row[1]});
      EXPECT_EQ(database.look().tables, listed);
      database.exec("DROP PUBLICATION ours");
    }
}

TEST(Publication, IsReadWhileATableOfItIsLocked) {
  const Tables database;
  database.exec("CREATE PUBLICATION ours FOR TABLE a");
  auto other = shared_server().session(database.name);
  other.exec("BEGIN; LOCK TABLE a");
  EXPECT_THAT(database.look().tables, ElementsAre(kA));
}

TEST(Publication, OnARestrictedRolesReadOnlyDefaultIsMadeAllTheSame) {
  const Tables database;
  database.exec("ALTER DATABASE " + database.name + " SET default_transaction_read_only = on");
  EXPECT_TRUE(ensure_publication(database.endpoint, "ours", {kA}));
}

}  // namespace
}  // namespace penstock::postgres
