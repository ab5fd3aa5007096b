#include "dataplane/clickhouse/pinned_settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/clickhouse/scripted_server.hpp"

namespace penstock::clickhouse {
namespace {

using test::http_answer;
using test::ScriptedServer;
using test::Step;
using testing::HasSubstr;
using testing::Not;

Endpoint endpoint_of(const ScriptedServer& server) {
  return {server.url(), "shop", "loader", Secret("s3cr3t"), ""};
}

Step refused(int code, const std::string& words) {
  return {http_answer(500, "Code: " + std::to_string(code) + ". DB::Exception: " + words,
                      "X-ClickHouse-Exception-Code: " + std::to_string(code) + "\r\n"),
          false, false, false};
}
const Step kWell{http_answer(200, "", ""), false, false, false};

TEST(PinnedSettings, GoWithEveryStatementAndThoseOfItsKind) {
  ScriptedServer server({kWell, kWell, kWell});
  Client client(endpoint_of(server));
  ASSERT_TRUE(client.select({"SELECT 1"}));
  ASSERT_TRUE(client.execute({"CREATE TABLE t (x Int8) ENGINE = Null"}));
  ASSERT_TRUE(client.insert({"INSERT INTO t FORMAT Native"}, {"x"}));
  for (const auto& request : server.received())
    for (const char* part : {"&limit=0&", "&final=0&", "&max_partitions_per_insert_block=0&",
                             "&additional_table_filters=%7B%7D&", "&session_timezone=&"})
      EXPECT_THAT(request.head, HasSubstr(part));
  EXPECT_THAT(server.received().at(0).head, HasSubstr("&format_tsv_null_representation=%5CN&"));
  EXPECT_THAT(server.received().at(0).head, Not(HasSubstr("async_insert")));
  EXPECT_THAT(server.received().at(1).head, Not(HasSubstr("extremes")));
  EXPECT_THAT(server.received().at(2).head, HasSubstr("?additional_result_filter=&"));
  EXPECT_THAT(server.received().at(2).head, HasSubstr("&wait_for_async_insert=1"));
}

TEST(PinnedSettings, ThatAServerDoesNotKnowAreLeftOutFromThenOn) {
  for (const char* words :
       {"Unknown setting 'session_timezone': Maybe you meant ['session_timeout','limit']. (UNKNOWN_SETTING)",
        "Setting session_timezone is neither a builtin setting nor started with the prefix 'SQL_'"}) {
    ScriptedServer server({refused(115, words), kWell, kWell});
    // The server takes one connection at a time.
    ASSERT_TRUE(Client(endpoint_of(server)).insert({"INSERT INTO t FORMAT Native"}, {"rows"}));
    ASSERT_EQ(server.received().size(), 2U);
    EXPECT_THAT(server.received().at(0).head, HasSubstr("session_timezone"));
    EXPECT_THAT(server.received().at(1).head, Not(HasSubstr("session_timezone")));
    EXPECT_THAT(server.received().at(1).head, HasSubstr("&limit=0&"));
    EXPECT_EQ(server.received().at(1).body, "rows");
    ASSERT_TRUE(Client(endpoint_of(server)).execute({"SELECT 1"}));
    EXPECT_THAT(server.received().at(2).head, Not(HasSubstr("session_timezone")));
  }
}

TEST(PinnedSettings, OfARequestItselfAreNotLeftOut) {
  ScriptedServer server({refused(115, "Unknown setting 'max_table_size_to_drop'. (UNKNOWN_SETTING)")});
  Client client(endpoint_of(server));
  const auto done = client.execute({"DROP TABLE t", {{"max_table_size_to_drop", "0"}}});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().reason, "DestinationSettingUnknown");
  EXPECT_EQ(server.received().size(), 1U);
}

TEST(PinnedSettings, ThatMayNotBeSetAreRefusedByNameWithWhatWouldGoWrong) {
  ScriptedServer server(
      {refused(452, "Setting max_result_rows should not be changed. (SETTING_CONSTRAINT_VIOLATION)"),
       refused(164, "Cannot modify 'final' setting in readonly mode. (READONLY)"),
       refused(164, "default: Cannot execute query in readonly mode. (READONLY)")});
  Client client(endpoint_of(server));
  const auto constrained = client.select({"SELECT 1"}).error();
  EXPECT_EQ(constrained.reason, "DestinationSettingConstrained");
  EXPECT_EQ(constrained.kind, ErrorKind::NeedsUser);
  EXPECT_EQ(constrained.cure,
            "In the user's settings profile, leave max_result_rows at its default or let it be changed: "
            "another value ends statements with large results");
  const auto frozen = client.select({"SELECT 1"}).error();
  EXPECT_EQ(frozen.reason, "DestinationReadOnly");
  EXPECT_THAT(frozen.message, HasSubstr("'final'"));
  EXPECT_THAT(frozen.cure, HasSubstr("allows writing and changing settings"));
  EXPECT_THAT(client.select({"SELECT 1"}).error().cure, HasSubstr("settings profile that allows writing"));
}

TEST(PinnedSettings, AreFoundInAMessageByTheirWholeName) {
  EXPECT_STREQ(pinned_setting_in("Setting max_rows_to_read_leaf shouldn't be less than 5")->name,
               "max_rows_to_read_leaf");
  EXPECT_EQ(pinned_setting_in("Memory limit (total) exceeded, offset 5"), nullptr);
}

}  // namespace
}  // namespace penstock::clickhouse
