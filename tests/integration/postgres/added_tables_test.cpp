// A table that is added to a publication while a transaction is open which has written to it.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/postgres/catalog.hpp"
#include "tests/integration/postgres/shared_server.hpp"

namespace penstock::postgres {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

const std::vector<TableName> kTables{{"public", "d"}};

/// 'p' publishes t; `add` brings d in, between the first row and the commit of the transaction.
struct Added : Database {
  explicit Added(const std::string& add) {
    exec(
        "CREATE SCHEMA s; CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE d (id int PRIMARY KEY);"
        "CREATE TABLE s.d (id int PRIMARY KEY); CREATE PUBLICATION p FOR TABLE t");
    exec(fmt::format("SELECT pg_create_logical_replication_slot('{}', 'pgoutput')", name));
    auto open = shared_server().session(name);
    open.exec("BEGIN; INSERT INTO d VALUES (1); INSERT INTO s.d VALUES (1)");
    exec(add);
    open.exec("INSERT INTO d VALUES (2); COMMIT");
  }
  ~Added() { exec(fmt::format("SELECT pg_drop_replication_slot('{}')", name)); }
  Added(const Added&) = delete;
  Added& operator=(const Added&) = delete;

  /// The ids of all rows that the slot brings as inserted, in order: the only column, from byte 14 on.
  [[nodiscard]] std::string sent() const {
    return value(
        fmt::format("SELECT coalesce(string_agg(convert_from(substr(data, 14), 'UTF8'), ' '), '') FROM "
                    "pg_logical_slot_peek_binary_changes('{}', NULL, NULL, 'proto_version', '1', "
                    "'publication_names', 'p') WHERE get_byte(data, 0) = ascii('I')",
                    name));
  }
};

TEST(AddedTables, AreSentOnceTheCacheIsInvalidated) {
  const Added database("ALTER PUBLICATION p ADD TABLE d");
  database.exec("INSERT INTO d VALUES (3)");
  ASSERT_TRUE(invalidate_publication_cache(database.endpoint, "p", "helper", kTables));
  database.exec("INSERT INTO d VALUES (4)");
  EXPECT_THAT(database.sent(), EndsWith("4"));
  EXPECT_EQ(database.value("SELECT string_agg(pubname, ' ') FROM pg_publication"), "p");
}

TEST(AddedTables, OfASchemaAreSentOnceTheCacheIsInvalidated) {
  if (const auto lack = test::lacking(shared_server(), test::kPg15); !lack.empty()) GTEST_SKIP() << lack;
  const Added database("ALTER PUBLICATION p ADD TABLES IN SCHEMA s");
  database.exec("INSERT INTO s.d VALUES (3)");
  ASSERT_TRUE(invalidate_publication_cache(database.endpoint, "p", "helper", {{"s", "d"}}));
  database.exec("INSERT INTO s.d VALUES (4)");
  EXPECT_THAT(database.sent(), EndsWith("4"));
}

/// Else nothing would be done where something has to be.
TEST(AddedTables, AreSentByAServerThatIsTakenForMended) {
  const Added database("ALTER PUBLICATION p ADD TABLE d");
  database.exec("INSERT INTO d VALUES (3)");
  const auto mended = publication_cache_fixed_in(shared_server().version());
  if (mended)
    EXPECT_EQ(database.sent(), "") << "mended only in " << *mended << "?";
  else
    EXPECT_THAT(database.sent(), EndsWith("3"));
}

TEST(AddedTables, AreToldOfWhereTheCacheCannotBeInvalidated) {
  const auto mended = publication_cache_fixed_in(shared_server().version());
  if (!mended) GTEST_SKIP() << "needs a PostgreSQL that does not send them";
  const Added database("ALTER PUBLICATION p ADD TABLE d");
  const auto role = database.role("REPLICATION");
  const auto done = invalidate_publication_cache(role, "p", "helper", kTables);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().reason, "ServerNeedsUpdate");
  EXPECT_EQ(done.error().kind, ErrorKind::NeedsUser);
  EXPECT_THAT(done.error().message,
              HasSubstr(fmt::format("fixed in {}.{}", *mended / 10000, *mended % 10000)));
  EXPECT_THAT(done.error().cure, HasSubstr("CREATE on the database"));
}

TEST(AddedTables, TheVersionsThatSendThemAreKnown) {
  EXPECT_EQ(publication_cache_fixed_in(130020), 130021);
  EXPECT_EQ(publication_cache_fixed_in(140000), 140018);
  EXPECT_EQ(publication_cache_fixed_in(150012), 150013);
  EXPECT_EQ(publication_cache_fixed_in(160004), 160009);
  EXPECT_EQ(publication_cache_fixed_in(170004), 170005);
  for (const int mended : {130021, 140023, 150013, 160009, 170005, 180000, 190001})
    EXPECT_EQ(publication_cache_fixed_in(mended), std::nullopt) << mended;
}

}  // namespace
}  // namespace penstock::postgres
