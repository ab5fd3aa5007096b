// Waiting for transactions that are older than now.

#include "dataplane/postgres/open_transactions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "dataplane/postgres/catalog.hpp"
#include "dataplane/postgres/copy_reader.hpp"
#include "dataplane/postgres/pgoutput.hpp"
#include "dataplane/postgres/replication.hpp"
#include "dataplane/postgres/slot.hpp"
#include "tests/integration/postgres/shared_server.hpp"

namespace penstock::postgres {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Wait {
  std::vector<Error> reports;
  Status done;
};

/// Waits; `at_report` is called once, with the first report, and is to end what is waited for.
Wait wait_until(const Endpoint& endpoint, const std::function<void()>& at_report) {
  Wait out;
  out.done = wait_for_older_transactions(endpoint, {}, [&](const Error& error) {
    out.reports.push_back(error);
    if (out.reports.size() == 1) at_report();
  });
  return out;
}

TEST(OlderTransactions, AreNoneOnAQuietServer) {
  const Database database;
  const auto wait = wait_until(database.endpoint, [] { FAIL(); });
  EXPECT_TRUE(wait.done) << wait.done.error().text();
}

TEST(OlderTransactions, AreWaitedForAndNamed) {
  const Database database;
  database.exec("CREATE TABLE t (id int)");
  auto reader = shared_server().session(database.name);
  reader.exec("BEGIN; SELECT * FROM t");
  // The youngest of all transactions that have an id: the current snapshot's xmax is not above it.
  auto writer = shared_server().session(database.name);
  writer.exec("BEGIN; INSERT INTO t VALUES (1)");
  auto later = shared_server().session(database.name);
  const auto wait = wait_until(database.endpoint, [&] {
    later.exec("BEGIN; INSERT INTO t VALUES (2)");
    writer.exec("COMMIT");
  });
  ASSERT_TRUE(wait.done) << wait.done.error().text();
  ASSERT_EQ(wait.reports.size(), 1U) << "the later one is not waited for";
  EXPECT_EQ(wait.reports[0].reason, "WaitingForTransactions");
  EXPECT_EQ(wait.reports[0].kind, ErrorKind::Transient);
  const auto pid_of = [](test::PostgresSession& session) { return session.value("SELECT pg_backend_pid()"); };
  EXPECT_THAT(wait.reports[0].message, HasSubstr("pid " + pid_of(writer) + " (postgres, " + database.name +
                                                 ", idle in transaction since "));
  EXPECT_THAT(wait.reports[0].message, Not(HasSubstr("pid " + pid_of(reader))));
}

TEST(OlderTransactions, OfOtherDatabasesCountToo) {
  const Database database;
  const Database neighbour;
  auto writer = shared_server().session(neighbour.name);
  writer.exec("BEGIN; CREATE TABLE t (id int)");
  const auto wait = wait_until(database.endpoint, [&] { writer.exec("ROLLBACK"); });
  ASSERT_TRUE(wait.done);
  ASSERT_EQ(wait.reports.size(), 1U);
  EXPECT_THAT(wait.reports[0].message, HasSubstr(neighbour.name));
}

TEST(OlderTransactions, AreSeenByARoleWithoutRights) {
  const Database database;
  auto writer = shared_server().session(database.name);
  writer.exec("BEGIN; CREATE TABLE t (id int)");
  const auto pid = writer.value("SELECT pg_backend_pid()");
  const auto wait = wait_until(database.role(), [&] { writer.exec("COMMIT"); });
  ASSERT_TRUE(wait.done) << wait.done.error().text();
  ASSERT_EQ(wait.reports.size(), 1U);
  EXPECT_THAT(wait.reports[0].message, HasSubstr("pid " + pid + " (postgres, " + database.name));
}

TEST(OlderTransactions, MayBePreparedOnes) {
  const test::PostgresServer server({.settings = {{"max_prepared_transactions", "5"}}});
  auto writer = server.session();
  writer.exec("CREATE TABLE t (id int); BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'left'");
  const auto wait = wait_until(endpoint_of(server), [&] { server.exec("COMMIT PREPARED 'left'"); });
  ASSERT_TRUE(wait.done) << wait.done.error().text();
  ASSERT_EQ(wait.reports.size(), 1U);
  EXPECT_THAT(wait.reports[0].message, HasSubstr("a prepared transaction (see pg_prepared_xacts)"));
}

TEST(OlderTransactions, AreNotWaitedForWhenAskedToStop) {
  const Database database;
  auto writer = shared_server().session(database.name);
  writer.exec("BEGIN; CREATE TABLE t (id int)");
  std::stop_source stop;
  Status done;
  std::thread waiting([&] { done = wait_for_older_transactions(database.endpoint, stop.get_token(), {}); });
  EXPECT_TRUE(test::eventually([&] {
    return database.value(
               "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_snapshot_xmin%' AND datname "
               "= current_database() AND pid <> pg_backend_pid()") == "1";
  }));
  stop.request_stop();
  waiting.join();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, ErrorKind::Cancelled);
}

/// The ids that are inserted, up to `last`.
std::vector<std::string> streamed(ReplicationStream& stream, const std::string& last) {
  std::vector<std::string> out;
  pgoutput::Parser parser;
  test::eventually([&] {
    const auto message = stream.next(std::chrono::milliseconds(100));
    if (!message) throw std::runtime_error(message.error().text());
    if (const auto* data = std::get_if<XLogData>(&*message)) {
      const auto change = parser.parse(data->payload);
      if (change && std::holds_alternative<pgoutput::Insert>(*change))
        out.emplace_back(parser.new_tuple().at(0).bytes);
    }
    return !out.empty() && out.back() == last;
  });
  return out;
}

TEST(OlderTransactions, AreWhatTheStreamOfATableAddedLaterLacks) {
  const Database database;
  database.exec("CREATE TABLE first (id int PRIMARY KEY); CREATE TABLE added (id int PRIMARY KEY)");
  database.exec("CREATE PUBLICATION p FOR TABLE first");
  const std::string slot = "slot_of_" + database.name;
  ASSERT_TRUE(create_slot(database.endpoint, slot));
  auto writer = shared_server().session(database.name);
  writer.exec("BEGIN; INSERT INTO added VALUES (1)");
  database.exec("ALTER PUBLICATION p ADD TABLE added");
  const auto wait = wait_until(database.endpoint, [&] { writer.exec("COMMIT"); });
  ASSERT_TRUE(wait.done) << wait.done.error().text();
  ASSERT_TRUE(invalidate_publication_cache(database.endpoint, "p", "helper", {{"public", "added"}}));
  const auto snapshot = export_snapshot(database.endpoint);
  ASSERT_TRUE(snapshot);
  database.exec("INSERT INTO added VALUES (2)");
  const auto session = connect(database.endpoint);
  ASSERT_TRUE(begin_at_snapshot(session->get(), database.endpoint, snapshot->snapshot));
  EXPECT_EQ(ask(session->get(), "SELECT string_agg(id::text, ' ') FROM public.added"), "1");
  auto stream = ReplicationStream::open(database.endpoint, {slot, "p", {}, false});
  ASSERT_TRUE(stream) << stream.error().text();
  EXPECT_THAT(streamed(*stream, "2"), testing::ElementsAre("2"))
      << "a load at an older snapshot would lack 1";
  stream->close();
  EXPECT_TRUE(drop_slot(database.endpoint, slot));
}

}  // namespace
}  // namespace penstock::postgres
