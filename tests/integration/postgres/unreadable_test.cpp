// A look at tables whose rows the role may not read: what can be told without them is, and the look goes on.

#include <gmock/gmock.h>

#include "dataplane/postgres/catalog.hpp"
#include "tests/integration/postgres/shared_server.hpp"

namespace penstock::postgres {
namespace {

/// Table t with a row and another file than it was made with, and a role that may SELECT.
class Unreadable : public testing::Test {
 protected:
  Unreadable() {
    database_.exec("CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 1)");
    database_.exec("VACUUM FULL t");
    database_.exec(
        "CREATE SCHEMA closed; CREATE TABLE p (id int) PARTITION BY LIST (id);"
        "CREATE TABLE closed.p_1 (id int); INSERT INTO closed.p_1 VALUES (1)");
    database_.exec("ALTER TABLE p ATTACH PARTITION closed.p_1 FOR VALUES IN (1)");
    database_.exec("GRANT SELECT ON t, p, closed.p_1 TO " + role_.user);
  }
  [[nodiscard]] SourceTable table(const std::string& name) const {
    return read_tables(database_.endpoint, {*TableName::parse("public." + name)})->at(0).value();
  }
  [[nodiscard]] NewFile new_file() const {
    const auto t = table("t");
    const auto found = read_new_files(role_, t, {{t.oid, 0}});
    EXPECT_TRUE(found) << found.error().text();
    return found ? found->at(t.oid) : NewFile{};
  }

  Database database_;
  Endpoint role_ = database_.role();
};

TEST_F(Unreadable, RowsBehindRowSecurityAreJudgedByTheRoomTheyTakeUp) {
  EXPECT_TRUE(new_file().has_rows);
  database_.exec("ALTER TABLE t ENABLE ROW LEVEL SECURITY");
  const auto file = new_file();
  EXPECT_TRUE(file.has_rows);
  EXPECT_FALSE(file.keeps_rows) << "which of them are of before cannot be told";
  database_.exec("TRUNCATE t");
  EXPECT_FALSE(new_file().has_rows);
}

TEST_F(Unreadable, APartitionInASchemaThatIsClosedIsTakenToBeFilled) {
  const auto p = table("p");
  ASSERT_EQ(p.heaps.size(), 1U);
  const auto is_filled = [&] {
    const auto found = read_arrivals(role_, p.oid, {{p.heaps[0].oid, 0}});
    EXPECT_TRUE(found) << found.error().text();
    return found && found->at(p.heaps[0].oid).filled;
  };
  EXPECT_TRUE(is_filled());
  database_.exec("GRANT USAGE ON SCHEMA closed TO " + role_.user);
  database_.exec("ALTER TABLE closed.p_1 ENABLE ROW LEVEL SECURITY");
  EXPECT_TRUE(is_filled());
}

}  // namespace
}  // namespace penstock::postgres
