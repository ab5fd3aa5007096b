#include "dataplane/postgres/slot.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "dataplane/postgres/catalog.hpp"
#include "dataplane/postgres/checks.hpp"
#include "dataplane/postgres/copy_reader.hpp"
#include "dataplane/postgres/replication.hpp"
#include "tests/integration/postgres/shared_server.hpp"

namespace penstock::postgres {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

/// A slot's name of its own, dropped at the end: the cluster has only ten places.
struct SlotName {
  std::string text;
  explicit SlotName(const Database& database)
      : text("slot_of_" + database.name), endpoint_(database.endpoint) {}
  ~SlotName() { EXPECT_TRUE(drop_slot(endpoint_, text)); }
  SlotName(const SlotName&) = delete;
  SlotName& operator=(const SlotName&) = delete;

 private:
  Endpoint endpoint_;
};

SlotFacts look(const Database& database, const std::string& name) {
  const auto facts = read_slot(database.endpoint, name);
  EXPECT_TRUE(facts) << facts.error().text();
  return facts.value_or(SlotFacts{});
}

TEST(Slot, IsMadeWithASnapshotOfItsMoment) {
  const Database database;
  database.exec("CREATE TABLE t AS SELECT generate_series(1, 10) AS id");
  const SlotName name(database);
  const auto slot = create_slot(database.endpoint, name.text);
  ASSERT_TRUE(slot) << slot.error().text();
  database.exec("INSERT INTO t VALUES (11)");
  const auto session = connect(database.endpoint);
  ASSERT_TRUE(begin_at_snapshot(session->get(), database.endpoint, slot->snapshot));
  EXPECT_EQ(ask(session->get(), "SELECT count(*) FROM public.t"), "10");

  const auto facts = look(database, name.text);
  EXPECT_TRUE(facts.exists);
  EXPECT_EQ(facts.plugin, "pgoutput");
  EXPECT_EQ(facts.database, database.name);
  EXPECT_EQ(facts.wal_status, "reserved");
  EXPECT_FALSE(facts.safe_wal_size) << "nothing limits it";
  EXPECT_EQ(facts.confirmed_lsn, slot->consistent_point);
  EXPECT_EQ(facts.restart_lsn, slot->restart_lsn);
  EXPECT_GT(slot->restart_lsn, Lsn{});
  EXPECT_LE(slot->restart_lsn, slot->consistent_point);
  EXPECT_GT(facts.retained_bytes, 0);
}

TEST(Slot, ThatIsThereAlreadyIsInDoubt) {
  const Database database;
  const SlotName name(database);
  ASSERT_TRUE(create_slot(database.endpoint, name.text));
  const auto again = create_slot(database.endpoint, name.text);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().reason, "SlotExists");
  EXPECT_EQ(again.error().kind, ErrorKind::InDoubt);
}

TEST(Slot, OutlivesTheSessionThatMadeItAndItsSnapshotDoesNot) {
  const Database database;
  const SlotName name(database);
  std::string snapshot;
  {
    const auto slot = create_slot(database.endpoint, name.text);
    ASSERT_TRUE(slot);
    snapshot = slot->snapshot;
  }
  const auto session = connect(database.endpoint);
  EXPECT_TRUE(test::eventually([&] {
    const auto joined = begin_at_snapshot(session->get(), database.endpoint, snapshot);
    return !joined && joined.error().reason == "SnapshotLost";
  }));
  EXPECT_TRUE(look(database, name.text).exists);
}

TEST(Slot, WaitsForOpenTransactionsAndSaysForWhom) {
  const Database database;
  database.exec("CREATE TABLE t (id int)");
  auto writer = shared_server().session(database.name);
  writer.exec("BEGIN; INSERT INTO t VALUES (1)");
  const auto pid = writer.value("SELECT pg_backend_pid()");
  const SlotName name(database);
  std::vector<Error> reports;
  const auto slot = create_slot(database.endpoint, name.text,
                                {.limit = std::chrono::minutes(1), .report = [&](const Error& error) {
                                   reports.push_back(error);
                                   writer.exec("COMMIT");
                                 }});
  ASSERT_TRUE(slot) << slot.error().text();
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].reason, "WaitingForTransactions");
  EXPECT_THAT(reports[0].message, HasSubstr("pid " + pid));
  EXPECT_THAT(reports[0].message, HasSubstr("idle in transaction"));
}

TEST(Slot, GivesUpInTheEndAndLeavesNothingBehind) {
  const Database database;
  database.exec("CREATE TABLE t (id int)");
  auto writer = shared_server().session(database.name);
  writer.exec("BEGIN; INSERT INTO t VALUES (1)");
  const SlotName name(database);
  const auto slot = create_slot(database.endpoint, name.text, {.limit = std::chrono::seconds(2)});
  ASSERT_FALSE(slot);
  EXPECT_EQ(slot.error().reason, "WaitingForTransactions");
  EXPECT_EQ(slot.error().kind, ErrorKind::Transient);
  EXPECT_THAT(slot.error().message, HasSubstr("pid "));
  EXPECT_FALSE(look(database, name.text).exists);
}

TEST(Slot, CanBeStoppedWhileItWaits) {
  const Database database;
  database.exec("CREATE TABLE t (id int)");
  auto writer = shared_server().session(database.name);
  writer.exec("BEGIN; INSERT INTO t VALUES (1)");
  const SlotName name(database);
  std::stop_source stop;
  std::thread stopper([&] {
    test::eventually([&] { return look(database, name.text).exists; });
    stop.request_stop();
  });
  const auto slot = create_slot(database.endpoint, name.text, {.stop = stop.get_token()});
  stopper.join();
  ASSERT_FALSE(slot);
  EXPECT_EQ(slot.error().kind, ErrorKind::Cancelled);
  EXPECT_FALSE(look(database, name.text).exists);
}

TEST(Slot, ThatIsNotWantedAnyMoreWhenItIsAskedForIsNotWaitedFor) {
  const Database database;
  database.exec("CREATE TABLE t (id int)");
  auto writer = shared_server().session(database.name);
  writer.exec("BEGIN; INSERT INTO t VALUES (1)");
  const SlotName name(database);
  std::stop_source stop;
  stop.request_stop();
  for (int at = 0; at < 10; ++at) {
    const auto slot = create_slot(database.endpoint, name.text, {.stop = stop.get_token()});
    ASSERT_FALSE(slot);
    EXPECT_EQ(slot.error().kind, ErrorKind::Cancelled);
    EXPECT_FALSE(look(database, name.text).exists) << "it was there when the session was given up";
  }
}

TEST(Slot, SaysWhenThereIsNoRoomOrNoLogicalWal) {
  const test::PostgresServer full({.settings = {{"max_replication_slots", "1"}}});
  ASSERT_TRUE(create_slot(endpoint_of(full), "one"));
  const auto second = create_slot(endpoint_of(full), "two");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().reason, "NoFreeSlot");
  EXPECT_EQ(second.error().kind, ErrorKind::NeedsUser);

  const test::PostgresServer physical({.settings = {{"wal_level", "replica"}}});
  const auto none = create_slot(endpoint_of(physical), "one");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().reason, "WalLevelNotLogical");
  EXPECT_EQ(none.error().kind, ErrorKind::NeedsUser);
}

TEST(Slot, IsDroppedEvenWhileSomebodyStreamsFromIt) {
  const Database database;
  database.exec("CREATE PUBLICATION p");
  const SlotName name(database);
  ASSERT_TRUE(create_slot(database.endpoint, name.text));
  auto stream = ReplicationStream::open(database.endpoint, {name.text, "p", {}, false});
  ASSERT_TRUE(stream) << stream.error().text();
  EXPECT_TRUE(look(database, name.text).active);
  ASSERT_TRUE(drop_slot(database.endpoint, name.text));
  EXPECT_FALSE(look(database, name.text).exists);
  EXPECT_TRUE(drop_slot(database.endpoint, name.text)) << "absent already";
}

TEST(Slot, SaysHowMuchWalIsLeftUntilItIsLost) {
  const test::PostgresServer server(
      {.settings = {{"max_slot_wal_keep_size", "64MB"}, {"max_wal_size", "32MB"}, {"min_wal_size", "32MB"}}});
  const auto endpoint = endpoint_of(server);
  ASSERT_TRUE(create_slot(endpoint, "one"));
  const auto facts = read_slot(endpoint, "one");
  ASSERT_TRUE(facts && facts->safe_wal_size);
  EXPECT_GT(*facts->safe_wal_size, 32 << 20);
  EXPECT_FALSE(slot_fault(endpoint, *facts));

  server.exec("CREATE TABLE t (id int)");
  const auto write = [&] {
    server.exec("INSERT INTO t VALUES (1); SELECT pg_switch_wal()");
    server.exec("CHECKPOINT");
  };
  write();
  const auto less = read_slot(endpoint, "one");
  ASSERT_TRUE(less && less->safe_wal_size);
  EXPECT_LT(*less->safe_wal_size, *facts->safe_wal_size);
  EXPECT_GT(less->retained_bytes, facts->retained_bytes);

  std::optional<Error> fault;
  ASSERT_TRUE(test::eventually(
      [&] {
        write();
        fault = slot_fault(endpoint, *read_slot(endpoint, "one"));
        return fault.has_value();
      },
      std::chrono::seconds(60)));
  EXPECT_EQ(fault->reason, "SlotLost");
  EXPECT_THAT(fault->message, HasSubstr("is lost"));
  const auto lost = read_slot(endpoint, "one");
  EXPECT_TRUE(lost->exists);
  EXPECT_EQ(lost->wal_status, "lost");
  EXPECT_EQ(lost->invalidation, shared_server().version() >= 170000 ? "wal_removed" : "");
  EXPECT_EQ(lost->retained_bytes, 0);
  ASSERT_TRUE(drop_slot(endpoint, "one"));
  EXPECT_THAT(slot_fault(endpoint, *read_slot(endpoint, "one"))->message, HasSubstr("does not exist"));
}

TEST(Slot, ThatIsInvalidatedForAnotherReasonSaysWhich) {
  if (const auto lack = test::lacking(shared_server(), test::kPg18); !lack.empty()) GTEST_SKIP() << lack;
  const test::PostgresServer server({.settings = {{"idle_replication_slot_timeout", "1s"}}});
  const auto endpoint = endpoint_of(server);
  ASSERT_TRUE(create_slot(endpoint, "one"));
  std::optional<Error> fault;
  ASSERT_TRUE(test::eventually(
      [&] {
        server.exec("CHECKPOINT");
        fault = slot_fault(endpoint, *read_slot(endpoint, "one"));
        return fault.has_value();
      },
      std::chrono::seconds(60)));
  EXPECT_THAT(fault->message, HasSubstr("idle_timeout"));
}

}  // namespace
}  // namespace penstock::postgres
