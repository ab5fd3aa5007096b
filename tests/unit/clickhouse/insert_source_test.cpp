// Inserts whose data is made while it is sent, against a server that misbehaves at an exact moment.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/clickhouse/client.hpp"
#include "tests/unit/clickhouse/scripted_server.hpp"

namespace penstock::clickhouse {
namespace {

using test::ScriptedServer;
using test::Step;
using testing::HasSubstr;
using testing::Not;

/// Hands out `pieces` one by one, then the end.
DataSource source_of(std::vector<std::string> pieces) {
  return [pieces = std::move(pieces), next = std::size_t{0}](std::vector<std::string_view>& out) mutable {
    if (next < pieces.size()) out = {pieces[next++], "+"};
    return true;
  };
}

TEST(InsertOfMadeData, SendsDataThatIsMadeMeanwhileInChunks) {
  ScriptedServer server;
  Client client({server.url(), "shop", "loader", Secret("s3cr3t"), ""});
  ASSERT_TRUE(client.insert({"INSERT INTO t FORMAT Native"}, source_of({"one", std::string(20, 'x')})));
  const auto request = server.received().at(0);
  EXPECT_THAT(request.head, HasSubstr("Transfer-Encoding: chunked\r\n"));
  EXPECT_THAT(request.head, Not(HasSubstr("Content-Length")));
  EXPECT_THAT(request.head, HasSubstr("query=INSERT%20INTO%20t%20FORMAT%20Native"));
  EXPECT_EQ(request.body, "4\r\none+\r\n15\r\n" + std::string(20, 'x') + "+\r\n0\r\n\r\n");
  ASSERT_TRUE(client.insert({"INSERT INTO t FORMAT Native"}, source_of({"two"})));
  EXPECT_EQ(server.received().at(1).body, "4\r\ntwo+\r\n0\r\n\r\n");
  EXPECT_EQ(server.connections(), 1);
}

TEST(InsertOfMadeData, NeverEndsTheBodyOfAnInsertThatItsSourceGivesUp) {
  ScriptedServer server;
  Client client({server.url(), "shop", "loader", Secret("s3cr3t"), ""});
  int calls = 0;
  const auto done = client.insert({"INSERT"}, [&calls](auto& pieces) {
    pieces = {"half of it"};
    return ++calls < 3;
  });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, ErrorKind::Cancelled) << done.error().text();
  EXPECT_EQ(calls, 3);
  ASSERT_TRUE(client.insert({"INSERT"}, source_of({"two"})));
  ASSERT_EQ(server.received().size(), 1U) << "the server took a torn body for a whole one";
  EXPECT_EQ(server.connections(), 2);
}

TEST(InsertOfMadeData, StopsAskingForDataWhenTheServerRefusesTheInsert) {
  ScriptedServer server({{test::http_answer(404, "Code: 60. DB::Exception: no table (UNKNOWN_TABLE)",
                                            "X-ClickHouse-Exception-Code: 60\r\n"),
                          false, false, false, true}});
  Client client({server.url(), "shop", "loader", Secret("s3cr3t"), ""});
  const std::string piece(1U << 20, 'x');
  const auto done = client.insert({"INSERT"}, [&piece](auto& pieces) {
    pieces = {piece};
    return true;
  });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().reason, "TargetMissing") << done.error().text();
}

TEST(InsertOfMadeData, IsInDoubtAboutAnInsertOfUnknownLengthWhoseAnswerWasLost) {
  ScriptedServer server({Step{test::http_answer(200, "")}, Step{.close_after = true}});
  Client client({server.url(), "shop", "loader", Secret("s3cr3t"), ""});
  ASSERT_TRUE(client.insert({"INSERT"}, source_of({"one"})));
  const auto done = client.insert({"INSERT", {}, true, true}, source_of({"two"}));
  ASSERT_FALSE(done);
  EXPECT_EQ(server.received().size(), 2U) << "sent twice, although its data can be had only once";
}

}  // namespace
}  // namespace penstock::clickhouse
