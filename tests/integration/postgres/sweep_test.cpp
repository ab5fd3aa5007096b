// What is dropped by its name's beginning, and its neighbours that are not.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/postgres/catalog.hpp"
#include "dataplane/postgres/replication.hpp"
#include "dataplane/postgres/slot.hpp"
#include "tests/integration/postgres/shared_server.hpp"

namespace penstock::postgres {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class Sweep : public testing::Test {
 protected:
  static test::PostgresServer& server() {
    static test::PostgresServer out({.settings = {{"max_replication_slots", "30"}}});
    return out;
  }
  ~Sweep() override {
    server().exec("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots", database_);
  }
  void make_slots(const std::vector<std::string>& names) {
    for (const auto& name : names)
      server().exec(fmt::format("SELECT pg_create_logical_replication_slot('{}', 'pgoutput')", name),
                    database_);
  }
  std::vector<std::string> column(const std::string& sql) {
    std::vector<std::string> out;
    for (const auto& row : server().query(sql, database_))
      out.push_back(row.at(0));
    return out;
  }
  std::vector<std::string> slots() { return column("SELECT slot_name FROM pg_replication_slots ORDER BY 1"); }
  std::vector<std::string> publications() {
    return column("SELECT pubname FROM pg_publication ORDER BY pubname COLLATE \"C\"");
  }

  std::string database_ = server().create_database();
  Endpoint endpoint_ = endpoint_of(server(), database_);
};

TEST_F(Sweep, DropsTheSlotsOfAPrefixAndNoNeighbours) {
  make_slots({"penstock_ab", "penstock_ab_1", "penstock_ab_2_x", "penstock_ab_", "penstock_abc", "penstock_a",
              "penstockxab", "penstockxab_1", "penstock_abx1", "x_penstock_ab_1"});
  server().exec("SELECT pg_create_physical_replication_slot('penstock_ab_physical')");
  const auto done = drop_slots_of(endpoint_, "penstock_ab", "penstock_ab_1");
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_THAT(slots(), ElementsAre("penstock_a", "penstock_ab_1", "penstock_ab_physical", "penstock_abc",
                                   "penstock_abx1", "penstockxab", "penstockxab_1", "x_penstock_ab_1"));
  EXPECT_TRUE(drop_slots_of(endpoint_, "penstock_ab", "penstock_ab_1")) << "there are none any more";
  ASSERT_TRUE(drop_slots_of(endpoint_, "penstock_ab", ""));
  EXPECT_EQ(slots().size(), 7U) << "none is spared";
  ASSERT_TRUE(drop_slots_of(endpoint_, "", ""));
  EXPECT_EQ(slots().size(), 7U) << "no prefix names no slot";
}

TEST_F(Sweep, LeavesTheSlotsOfOtherDatabases) {
  make_slots({"penstock_ab_1"});
  const auto elsewhere = endpoint_of(server(), server().create_database());
  ASSERT_TRUE(drop_slots_of(elsewhere, "penstock_ab", ""));
  EXPECT_THAT(slots(), ElementsAre("penstock_ab_1"));
}

TEST_F(Sweep, DropsASlotThatSomebodyStillStreamsFrom) {
  server().exec("CREATE PUBLICATION p", database_);
  make_slots({"penstock_ab_1", "penstock_ab_2"});
  const auto stream = ReplicationStream::open(endpoint_, {"penstock_ab_2", "p", {}, false});
  ASSERT_TRUE(stream) << stream.error().text();
  ASSERT_TRUE(drop_slots_of(endpoint_, "penstock_ab", ""));
  EXPECT_THAT(slots(), IsEmpty());
}

TEST_F(Sweep, DropsThePublicationsOfAPrefixAndNoNeighbours) {
  for (const char* name : {"p%_a", "p%_a_1", "p%_a_\"quoted\" 'one'", "p%_a_2", "p%_ab", "pxx_a_1", "p%xa_1",
                           "P%_A_1", "p\\%_a_1"})
    server().exec("CREATE PUBLICATION " + quote_identifier(name), database_);
  const auto done = drop_publications_of(endpoint_, "p%_a", "p%_a_2");
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_THAT(publications(), ElementsAre("P%_A_1", "p%_a_2", "p%_ab", "p%xa_1", "p\\%_a_1", "pxx_a_1"));
  ASSERT_TRUE(drop_publications_of(endpoint_, "p%_a", ""));
  ASSERT_TRUE(drop_publications_of(endpoint_, "p%_a", "")) << "absent already";
  EXPECT_EQ(publications().size(), 5U);
  ASSERT_TRUE(drop_publications_of(endpoint_, "", ""));
  EXPECT_EQ(publications().size(), 5U) << "no prefix names no publication";
}

TEST_F(Sweep, LeavesAllPublicationsWhereOneIsNotOurs) {
  server().exec("CREATE ROLE sweeper LOGIN PASSWORD 'secret'");
  server().exec("CREATE PUBLICATION p_1; ALTER PUBLICATION p_1 OWNER TO sweeper; CREATE PUBLICATION p_2",
                database_);
  auto endpoint = endpoint_;
  endpoint.user = "sweeper";
  endpoint.password = Secret("secret");
  const auto done = drop_publications_of(endpoint, "p", "");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().reason, "PermissionDenied");
  EXPECT_EQ(done.error().kind, ErrorKind::NeedsUser);
  EXPECT_THAT(publications(), ElementsAre("p_1", "p_2"));
}

}  // namespace
}  // namespace penstock::postgres
