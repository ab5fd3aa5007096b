// Connections that stay open and pass nothing more, and servers that are silent because they are at work.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <stop_token>

#include "dataplane/postgres/catalog.hpp"
#include "dataplane/postgres/catalog_session.hpp"
#include "dataplane/postgres/copy_reader.hpp"
#include "dataplane/postgres/replication.hpp"
#include "dataplane/postgres/slot.hpp"
#include "tests/integration/postgres/shared_server.hpp"
#include "tests/support/stalling_proxy.hpp"

namespace penstock::postgres {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;
using testing::HasSubstr;

class Stall : public testing::Test {
 protected:
  Stall() {
    endpoint.port = proxy.port();
    endpoint.silence_limit = 1s;
  }
  Connection session() const {
    auto out = connect(endpoint);
    if (!out) throw std::runtime_error(out.error().text());
    return *std::move(out);
  }
  /// What a session says whose connection has stalled, and that it took no longer than it may.
  static void expect_noticed(const Error& error, Steady::time_point since) {
    EXPECT_EQ(error.kind, ErrorKind::Transient);
    EXPECT_EQ(error.reason, "SourceUnreachable") << error.text();
    EXPECT_LT(Steady::now() - since, 10s);
  }

  Database database;
  test::StallingProxy proxy{shared_server().port()};
  Endpoint endpoint = database.endpoint;
};

TEST_F(Stall, OfAStatementIsNoticed) {
  const auto one = session();
  proxy.stall();
  const auto since = Steady::now();
  const auto done = run(one.get(), endpoint, "SELECT 1", "asking");
  ASSERT_FALSE(done);
  expect_noticed(done.error(), since);
  EXPECT_THAT(done.error().message, HasSubstr("nothing has come for 1 s"));
  EXPECT_TRUE(connect(endpoint)) << "the next connection passes";
}

TEST_F(Stall, OfAStatementThatTheServerDoesNotTakeInIsNoticed) {
  const auto one = session();
  proxy.stall();
  const auto since = Steady::now();
  const auto done =
      run(one.get(), endpoint, "SELECT length('" + std::string(32'000'000, 'x') + "')", "asking");
  ASSERT_FALSE(done);
  expect_noticed(done.error(), since);
}

TEST_F(Stall, EndsWhenItIsStopped) {
  std::stop_source stop;
  endpoint.silence_limit = 60s;
  endpoint.limits.stop = stop.get_token();
  const auto one = session();
  proxy.stall();
  auto plain = std::async(std::launch::async, [&] { return run(one.get(), endpoint, "SELECT 1", "asking"); });
  auto sleeps = std::async(std::launch::async, [&] {
    return look(endpoint, "looking", [](pqxx::transaction_base& tx) { tx.exec("SELECT pg_sleep(60)"); });
  });
  EXPECT_EQ(sleeps.wait_for(500ms), std::future_status::timeout);
  const auto since = Steady::now();
  stop.request_stop();
  EXPECT_EQ(plain.get().error().kind, ErrorKind::Cancelled);
  EXPECT_EQ(sleeps.get().error().kind, ErrorKind::Cancelled);
  EXPECT_LT(Steady::now() - since, 2s);
  EXPECT_EQ(connect(endpoint).error().kind, ErrorKind::Cancelled);
}

TEST_F(Stall, PassesTheLimitForAnAnswer) {
  endpoint.silence_limit = 60s;
  endpoint.limits.answer = 1s;
  const auto one = session();
  proxy.stall();
  auto since = Steady::now();
  const auto done = run(one.get(), endpoint, "SELECT 1", "asking");
  ASSERT_FALSE(done);
  expect_noticed(done.error(), since);
  since = Steady::now();
  const auto looked = look(endpoint, "looking", [&](pqxx::transaction_base& tx) {
    tx.exec("SELECT 1");
    proxy.stall();
    tx.exec("SELECT 1");
  });
  ASSERT_FALSE(looked);
  expect_noticed(looked.error(), since);
}

TEST_F(Stall, IsAskedForAtOnceWhenSomebodyWaits) {
  std::stop_source hurry;
  endpoint.silence_limit = 60s;
  endpoint.limits.hurry = hurry.get_token();
  const auto one = session();
  proxy.stall();
  auto plain = std::async(std::launch::async, [&] { return run(one.get(), endpoint, "SELECT 1", "asking"); });
  EXPECT_EQ(plain.wait_for(500ms), std::future_status::timeout);
  const auto since = Steady::now();
  hurry.request_stop();
  const auto done = plain.get();
  ASSERT_FALSE(done);
  expect_noticed(done.error(), since);
}

TEST_F(Stall, OfACopyDoesNotKeepItsReaderFromEnding) {
  endpoint.silence_limit = 60s;
  const auto one = session();
  auto reader =
      CopyReader::start(one.get(), endpoint,
                        "COPY (SELECT i FROM generate_series(1, 100000000) i) TO STDOUT (FORMAT binary)", 1);
  ASSERT_TRUE(reader) << reader.error().text();
  ASSERT_TRUE(reader->next());
  proxy.stall();
  const auto since = Steady::now();
  { const auto gone = *std::move(reader); }
  EXPECT_LT(Steady::now() - since, 10s);
}

TEST(AnswerLimit, EndsAStatementInTheServerToo) {
  Database database;
  auto endpoint = database.endpoint;
  endpoint.limits.answer = 1s;
  const auto since = Steady::now();
  const auto looked =
      look(endpoint, "looking", [](pqxx::transaction_base& tx) { tx.exec("SELECT pg_sleep(61)"); });
  ASSERT_FALSE(looked);
  EXPECT_EQ(looked.error().kind, ErrorKind::Transient) << looked.error().text();
  EXPECT_LT(Steady::now() - since, 5s);
  EXPECT_EQ(
      database.value("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(61)%' AND state = "
                     "'active' AND pid <> pg_backend_pid()"),
      "0");
}

TEST_F(Stall, IsNotTheSilenceOfAServerAtWork) {
  const auto one = session();
  EXPECT_TRUE(run(one.get(), endpoint, "SELECT pg_sleep(3)", "sleeping"));
  EXPECT_TRUE(run(one.get(), endpoint, "SELECT length('" + std::string(2'000'000, 'x') + "')", "asking"));
}

TEST_F(Stall, IsNotTheSilenceOfALockThatIsWaitedFor) {
  database.exec("CREATE TABLE t (id int)");
  const auto one = session();
  auto holder = shared_server().session(database.name);
  holder.exec("BEGIN; LOCK TABLE t");
  std::thread release([&] {
    std::this_thread::sleep_for(3s);
    holder.exec("COMMIT");
  });
  EXPECT_TRUE(run(one.get(), endpoint, "SELECT * FROM public.t", "reading"));
  release.join();
}

TEST_F(Stall, OfALookAtTheCatalogIsNoticed) {
  auto since = Steady::now();
  const auto done = look(endpoint, "looking", [&](pqxx::transaction_base& tx) {
    tx.exec("SELECT 1");
    proxy.stall();
    since = Steady::now();
    tx.exec("SELECT 1");
  });
  ASSERT_FALSE(done);
  expect_noticed(done.error(), since);
}

TEST_F(Stall, IsNotALookThatTakesLong) {
  EXPECT_TRUE(look(endpoint, "looking", [&](pqxx::transaction_base& tx) {
    tx.exec("SELECT pg_sleep(2.5)");
    for (int at = 0; at < 4000; ++at)
      tx.exec("SELECT 1");
  }));
}

TEST_F(Stall, OfACopyIsNoticed) {
  const auto one = session();
  auto reader =
      CopyReader::start(one.get(), endpoint,
                        "COPY (SELECT g FROM generate_series(1, 50000000) g) TO STDOUT (FORMAT binary)", 1);
  ASSERT_TRUE(reader) << reader.error().text();
  ASSERT_TRUE(reader->next());
  proxy.stall();
  const auto since = Steady::now();
  while (true) {
    const auto row = reader->next();
    if (row) continue;
    expect_noticed(row.error(), since);
    break;
  }
}

TEST_F(Stall, IsNotACopyWhoseRowsAreRare) {
  const auto one = session();
  auto reader =
      CopyReader::start(one.get(), endpoint,
                        "COPY (SELECT g, pg_sleep(2) FROM generate_series(1, 2) g) TO STDOUT (FORMAT "
                        "binary)",
                        2);
  ASSERT_TRUE(reader) << reader.error().text();
  for (int at = 0; at < 3; ++at)
    ASSERT_TRUE(reader->next());
}

class StreamStall : public Stall {
 protected:
  StreamStall() {
    database.exec("CREATE TABLE t (id int PRIMARY KEY)");
    EXPECT_TRUE(ensure_publication(database.endpoint, "pub", {{"public", "t"}}));
    EXPECT_TRUE(create_slot(database.endpoint, slot));
  }
  ~StreamStall() override {
    EXPECT_TRUE(test::eventually([&] { return drop_slot(database.endpoint, slot).has_value(); }));
  }
  /// Reads for so long, or until it fails.
  static Status read_for(ReplicationStream& stream, std::chrono::milliseconds limit) {
    const auto end = Steady::now() + limit;
    while (Steady::now() < end) {
      PENSTOCK_TRY(stream.next(100ms));
      PENSTOCK_TRY(stream.beat());
    }
    return {};
  }
  const std::string slot = "stall_" + database.name;
};

TEST_F(StreamStall, IsNoticed) {
  auto stream = ReplicationStream::open(endpoint, {slot, "pub", {}, false});
  ASSERT_TRUE(stream) << stream.error().text();
  ASSERT_TRUE(read_for(*stream, 300ms));
  proxy.stall();
  const auto since = Steady::now();
  const auto read = read_for(*stream, 20s);
  ASSERT_FALSE(read);
  expect_noticed(read.error(), since);
  EXPECT_LT(Steady::now() - since, 3s);
}

TEST_F(StreamStall, IsNotTheSilenceOfASourceWithoutChanges) {
  auto stream = ReplicationStream::open(endpoint, {slot, "pub", {}, false});
  ASSERT_TRUE(stream) << stream.error().text();
  const auto read = read_for(*stream, 4s);  // it is asked, and answers; so do we
  EXPECT_TRUE(read) << read.error().text();
}

TEST_F(StreamStall, DoesNotHoldUpAFarewell) {
  auto stream = ReplicationStream::open(endpoint, {slot, "pub", {}, false});
  ASSERT_TRUE(stream) << stream.error().text();
  proxy.stall();
  const auto since = Steady::now();
  stream->close();
  EXPECT_LT(Steady::now() - since, 5s);
}

}  // namespace
}  // namespace penstock::postgres
