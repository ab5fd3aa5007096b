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
  EXPECT_THAT(facts.partial, IsEmpty());
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

TEST(Publication, OfAMissingTableIsRefused) {
  const Tables database;
  const auto made = ensure_publication(database.endpoint, "ours", {kA, {"public", "nope"}});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().reason, "TableNotFound");
  EXPECT_FALSE(database.look().exists);
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
  if (shared_server().version() < 150000) GTEST_SKIP() << "they came with PostgreSQL 15";
  const Tables database;
  database.exec("CREATE PUBLICATION ours FOR TABLE a WHERE (id > 5), \"B\" (id)");
  const auto facts = database.look();
  EXPECT_THAT(facts.partial, ElementsAre(kB, kA));
  ASSERT_EQ(facts.contents.size(), 2U);
  EXPECT_THAT(facts.contents[0].columns, ElementsAre("id"));
  EXPECT_FALSE(facts.contents[0].row_filter);
  EXPECT_TRUE(facts.contents[1].row_filter);
  EXPECT_THAT(facts.contents[1].columns, ElementsAre("id", "v"));
}

TEST(Publication, OfAllTablesOrASchemaContainsThem) {
  const Tables database;
  database.exec("CREATE PUBLICATION ours FOR ALL TABLES WITH (publish = 'insert, update')");
  auto facts = database.look();
  EXPECT_TRUE(facts.all_tables);
  EXPECT_FALSE(facts.deletes || facts.truncates || facts.via_root);
  EXPECT_THAT(facts.tables, ElementsAre(kB, kA));
  if (shared_server().version() < 150000) return;
  database.exec("DROP PUBLICATION ours; CREATE PUBLICATION ours FOR TABLES IN SCHEMA public");
  facts = database.look();
  EXPECT_FALSE(facts.all_tables);
  EXPECT_THAT(facts.tables, ElementsAre(kB, kA));
}

TEST(Publication, OnARestrictedRolesReadOnlyDefaultIsMadeAllTheSame) {
  const Tables database;
  database.exec("ALTER DATABASE " + database.name + " SET default_transaction_read_only = on");
  EXPECT_TRUE(ensure_publication(database.endpoint, "ours", {kA}));
}

}  // namespace
}  // namespace penstock::postgres
