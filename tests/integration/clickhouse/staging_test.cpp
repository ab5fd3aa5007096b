// Tables made beside their targets, on a real engine.

#include "tests/integration/clickhouse/swap_test.hpp"

namespace penstock::clickhouse {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

using Staging = SwapTest;

TEST_F(Staging, IsMadeAnewEachTime) {
  auto wanted = definition("orders_resync", {{"id", "Int64", ""}}, {"id"});
  wanted.mark.load = 7;
  ASSERT_TRUE(make_staging(client_, wanted));
  insert_row("orders_resync", 7);
  ASSERT_TRUE(make_staging(client_, wanted));
  EXPECT_THAT(state(), ElementsAre(Pair("orders_resync", "[]"))) << "rows of before its load are nobody's";
  wanted.mark.load = 8;
  wanted.columns.push_back({"more", "String", ""});
  ASSERT_TRUE(make_staging(client_, wanted));
  EXPECT_THAT(state(), ElementsAre(Pair("orders_resync", "[]")));
  EXPECT_EQ(read_target(client_, "orders_resync").value()->columns[1].name, "more");
}

TEST_F(Staging, NeverTakesANameThatIsNotOurs) {
  make_users("users_resync");
  make("others_resync", 7, "uid-2");
  run("CREATE VIEW view_resync AS SELECT 1 AS id");
  const auto before = state();
  for (const char* table : {"users_resync", "others_resync", "view_resync"}) {
    auto wanted = definition(table, {{"id", "Int64", ""}}, {"id"});
    wanted.mark.load = 7;
    const auto made = make_staging(client_, wanted);
    ASSERT_FALSE(made) << table;
    const bool others = std::string(table) == "others_resync";
    EXPECT_EQ(made.error().reason, others ? "TargetNotOurs" : "ResyncTableExists");
    EXPECT_EQ(made.error().kind, ErrorKind::NeedsUser);
    EXPECT_THAT(made.error().message, HasSubstr(quote(database_) + "." + quote(others ? "others" : table)));
  }
  EXPECT_EQ(state(), before);
}

TEST_F(Staging, IsDroppedWhenItIsOursAndNotElse) {
  make("orders", 6);
  make("orders_resync", 7);
  make_users("users_resync");
  make("others_resync", 7, "uid-2");
  for (const char* target : {"orders", "users", "others", "absent"})
    EXPECT_TRUE(drop_staging(client_, "uid-1", target)) << target;
  EXPECT_THAT(state(),
              ElementsAre(Pair("orders", "[6]"), Pair("others_resync", "[7]"), Pair("users_resync", "[-1]")));
  run("DROP DATABASE " + quote(database_) + " SYNC");
  EXPECT_TRUE(drop_staging(client_, "uid-1", "orders")) << "not even the database is there";
}

}  // namespace
}  // namespace penstock::clickhouse
