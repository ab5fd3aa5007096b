#include "dataplane/postgres/replication.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <thread>

#include "dataplane/postgres/catalog.hpp"
#include "dataplane/postgres/pgoutput.hpp"
#include "dataplane/postgres/slot.hpp"
#include "tests/integration/postgres/shared_server.hpp"

namespace penstock::postgres {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

/// A database with a publication of `tables` and a slot after it, dropped at the end.
struct Source : Database {
  explicit Source(const std::string& sql, const std::vector<std::string>& tables) {
    exec(sql);
    std::vector<TableName> names;
    for (const auto& table : tables)
      names.push_back({"public", table});
    EXPECT_TRUE(ensure_publication(endpoint, "pub", names));
    const auto slot = create_slot(endpoint, slot_name);
    EXPECT_TRUE(slot) << slot.error().text();
  }
  ~Source() { EXPECT_TRUE(drop_slot(endpoint, slot_name)); }
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  [[nodiscard]] ReplicationStream open(bool binary = false) const {
    // The walsender of a stream that was just closed may need a moment to let go of the slot.
    std::optional<Result<ReplicationStream>> stream;
    test::eventually([&] {
      stream.emplace(ReplicationStream::open(endpoint, {slot_name, "pub", {}, binary}));
      return *stream || stream->error().reason != "SlotInUse";
    });
    if (!*stream) throw std::runtime_error(stream->error().text());
    return std::move(**stream);
  }
  std::string slot_name = "stream_" + name;
};

std::string text_of(const pgoutput::Tuple& tuple) {
  std::string out;
  for (const auto& field : tuple) {
    if (!out.empty()) out += ',';
    switch (field.kind) {
      case pgoutput::Field::Kind::Null:
        out += "NULL";
        break;
      case pgoutput::Field::Kind::Unchanged:
        out += "unchanged";
        break;
      case pgoutput::Field::Kind::Text:
        out += field.bytes;
        break;
      case pgoutput::Field::Kind::Binary:
        out += fmt::format("binary[{}]", field.bytes.size());
        break;
    }
  }
  return out;
}

/// What a change says, in a line.
struct Describe {
  const pgoutput::Parser& parser;
  std::map<std::uint32_t, std::string>& names;

  std::string operator()(const pgoutput::Begin&) const { return "begin"; }
  std::string operator()(const pgoutput::Commit&) const { return "commit"; }
  std::string operator()(const pgoutput::Relation& relation) const {
    names[relation.id] = relation.name;
    return "";
  }
  std::string operator()(const pgoutput::Insert& insert) const {
    return fmt::format("insert {} {}", names[insert.relation], text_of(parser.new_tuple()));
  }
  std::string operator()(const pgoutput::Update& update) const {
    const auto old =
        update.old == pgoutput::OldTuple::None
            ? ""
            : fmt::format(" was {}({})", static_cast<char>(update.old), text_of(parser.old_tuple()));
    return fmt::format("update {} {}{}", names[update.relation], text_of(parser.new_tuple()), old);
  }
  std::string operator()(const pgoutput::Delete& gone) const {
    return fmt::format("delete {} {}({})", names[gone.relation], static_cast<char>(gone.old),
                       text_of(parser.old_tuple()));
  }
  std::string operator()(const pgoutput::Truncate& cut) const {
    return fmt::format("truncate {}", names[cut.relations.at(0)]);
  }
  template <typename Other>
  std::string operator()(const Other&) const {
    return "";
  }
};

/// Reads a stream and remembers its relations, which are told once.
class Reader {
 public:
  explicit Reader(ReplicationStream from) : stream(std::move(from)) {}
  ReplicationStream stream;
  Lsn end;  ///< of the last transaction taken

  /// Takes changes until `commits` transactions have come to their end.
  std::vector<std::string> take(int commits) {
    std::vector<std::string> out;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (commits > 0 && std::chrono::steady_clock::now() < deadline) {
      auto message = stream.next(milliseconds(200));
      if (!message) throw std::runtime_error(message.error().text());
      const auto* data = std::get_if<XLogData>(&*message);
      if (data == nullptr) continue;
      const auto change = parser_.parse(data->payload);
      if (!change) throw std::runtime_error(change.error().text());
      if (const auto* commit = std::get_if<pgoutput::Commit>(&*change)) {
        end = commit->end_lsn;
        --commits;
      }
      auto line = std::visit(Describe{parser_, names_}, *change);
      if (!line.empty()) out.push_back(std::move(line));
    }
    EXPECT_EQ(commits, 0) << "not all came";
    return out;
  }

 private:
  pgoutput::Parser parser_;
  std::map<std::uint32_t, std::string> names_;
};

constexpr const char* kTable = "CREATE TABLE t (id int PRIMARY KEY, v text)";

TEST(Stream, BringsEveryChangeInOrder) {
  const Source source(kTable, {"t"});
  source.exec(R"(
    BEGIN; INSERT INTO t VALUES (1, 'a'), (2, NULL); UPDATE t SET v = 'b' WHERE id = 1;
    UPDATE t SET id = 3 WHERE id = 2; DELETE FROM t WHERE id = 1; COMMIT)");
  source.exec("TRUNCATE t");
  Reader reader(source.open());
  EXPECT_THAT(reader.take(2), ElementsAre("begin", "insert t 1,a", "insert t 2,NULL", "update t 1,b",
                                          "update t 3,NULL was K(2,NULL)", "delete t K(1,NULL)", "commit",
                                          "begin", "truncate t", "commit"));
}

TEST(Stream, BringsTheWholeOldRowWithIdentityFullAndSaysWhatDidNotChange) {
  const Source source(R"(
    CREATE TABLE whole (id int PRIMARY KEY, v text); ALTER TABLE whole REPLICA IDENTITY FULL;
    CREATE TABLE large (id int PRIMARY KEY, n int, v text); ALTER TABLE large ALTER COLUMN v SET STORAGE EXTERNAL)",
                      {"whole", "large"});
  source.exec("INSERT INTO whole VALUES (1, 'a'); INSERT INTO large VALUES (1, 1, repeat('x', 4000))");
  source.exec("UPDATE whole SET v = 'b'; UPDATE large SET n = 2");
  Reader reader(source.open());
  reader.take(1);
  EXPECT_THAT(reader.take(1),
              ElementsAre("begin", "update whole 1,b was O(1,a)", "update large 1,2,unchanged", "commit"));
}

TEST(Stream, OfPartitionsComesUnderTheirRoot) {
  const Source source(R"(
    CREATE TABLE t (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
    CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);
    CREATE TABLE t2 (v text, id int NOT NULL PRIMARY KEY); ALTER TABLE t ATTACH PARTITION t2 FOR VALUES FROM (10) TO (20))",
                      {"t"});
  source.exec("INSERT INTO t VALUES (1, 'a'), (11, 'b')");
  Reader reader(source.open());
  EXPECT_THAT(reader.take(1), ElementsAre("begin", "insert t 1,a", "insert t 11,b", "commit"));
}

TEST(Stream, ComesInBinaryWhereAskedAndAble) {
  const Source source(kTable, {"t"});
  source.exec("INSERT INTO t VALUES (1, 'abc')");
  Reader reader(source.open(true));
  const bool able = shared_server().version() >= 140000;
  EXPECT_THAT(reader.take(1),
              ElementsAre("begin", able ? "insert t binary[4],binary[3]" : "insert t 1,abc", "commit"));
}

TEST(Stream, GoesOnFromWhatWasConfirmed) {
  const Source source(kTable, {"t"});
  source.exec("INSERT INTO t VALUES (1, 'a')");
  source.exec("INSERT INTO t VALUES (2, 'b')");
  Reader reader(source.open());
  reader.take(1);
  ASSERT_TRUE(reader.stream.confirm(reader.end, reader.end));
  reader.stream.close();
  EXPECT_GE(read_slot(source.endpoint, source.slot_name)->confirmed_lsn, reader.end);
  Reader again(source.open());
  EXPECT_THAT(again.take(1), ElementsAre("begin", "insert t 2,b", "commit"));
}

TEST(Stream, WhatWasNotConfirmedComesAgain) {
  const Source source(kTable, {"t"});
  source.exec("INSERT INTO t VALUES (1, 'a')");
  for (int round = 0; round < 2; ++round) {
    Reader reader(source.open());
    EXPECT_THAT(reader.take(1), ElementsAre("begin", "insert t 1,a", "commit")) << round;
  }
}

TEST(Stream, AConfirmationNeverGoesBack) {
  const Source source(kTable, {"t"});
  source.exec("INSERT INTO t VALUES (1, 'a')");
  Reader reader(source.open());
  reader.take(1);
  ASSERT_TRUE(reader.stream.confirm(reader.end, reader.end));
  ASSERT_TRUE(reader.stream.confirm(Lsn{1}, Lsn{1}));
  reader.stream.close();
  EXPECT_GE(read_slot(source.endpoint, source.slot_name)->confirmed_lsn, reader.end);
}

TEST(Stream, AFarewellAmidstALargeTransactionIsShortAndStillCounts) {
  const Source source(kTable, {"t"});
  source.exec("INSERT INTO t VALUES (0, 'a')");
  source.exec("INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(1, 100000) i");
  Reader reader(source.open());
  reader.take(1);
  ASSERT_TRUE(reader.stream.confirm(reader.end, reader.end));
  const auto before = std::chrono::steady_clock::now();
  reader.stream.close();
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(8));
  EXPECT_GE(read_slot(source.endpoint, source.slot_name)->confirmed_lsn, reader.end);
}

TEST(Stream, IsQuietWhenNothingHappensAndKeepaliveTellsTheEndOfTheWal) {
  const Source source(kTable, {"t"});
  auto stream = source.open();
  bool quiet = false;
  bool told = false;
  const auto wal = current_wal_lsn(source.endpoint);
  ASSERT_TRUE(test::eventually([&] {
    const auto message = stream.next(milliseconds(20));
    if (!message) throw std::runtime_error(message.error().text());
    quiet = quiet || std::holds_alternative<Quiet>(*message);
    if (const auto* keepalive = std::get_if<Keepalive>(&*message)) told = told || keepalive->wal_end >= *wal;
    return quiet && told;
  }));
  const auto before = std::chrono::steady_clock::now();
  const auto message = stream.next(milliseconds(0));
  EXPECT_TRUE(message);
  EXPECT_LT(std::chrono::steady_clock::now() - before, milliseconds(100));
}

TEST(Stream, AWaitEndsAtOnceWhenSomethingComes) {
  const Source source(kTable, {"t"});
  auto stream = source.open();
  while (!std::holds_alternative<Quiet>(*stream.next(milliseconds(100)))) {
  }
  std::thread writer([&] { source.exec("INSERT INTO t VALUES (1, 'a')"); });
  const auto before = std::chrono::steady_clock::now();
  EXPECT_FALSE(std::holds_alternative<Quiet>(*stream.next(std::chrono::seconds(20))));
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(10));
  writer.join();
}

Error opening(const Source& source, const StreamOptions& options) {
  const auto stream = ReplicationStream::open(source.endpoint, options);
  EXPECT_FALSE(stream) << "it opened";
  return stream ? Error{} : stream.error();
}

TEST(Stream, FromASlotThatIsNotThereIsLostForGood) {
  const Source source(kTable, {"t"});
  const auto error = opening(source, {"no_such_slot", "pub", {}, false});
  EXPECT_EQ(error.reason, "SlotLost");
  EXPECT_EQ(error.kind, ErrorKind::Terminal);
}

TEST(Stream, FromASlotThatIsInUseWaits) {
  const Source source(kTable, {"t"});
  const auto first = source.open();
  const auto error = opening(source, {source.slot_name, "pub", {}, false});
  EXPECT_EQ(error.reason, "SlotInUse");
  EXPECT_EQ(error.kind, ErrorKind::Transient);
}

TEST(Stream, OfAPublicationThatIsNotThereSaysSo) {
  const Source source(kTable, {"t"});
  const auto error = opening(source, {source.slot_name, "nope", {}, false});
  EXPECT_EQ(error.reason, "PublicationMissing");
  EXPECT_EQ(error.kind, ErrorKind::Terminal);
  EXPECT_TRUE(test::eventually([&] { return !read_slot(source.endpoint, source.slot_name)->active; }));
}

TEST(Stream, EndsWhenItsPublicationIsDropped) {
  if (shared_server().version() >= 180000) GTEST_SKIP() << "from 18 on it goes on with a warning in the log";
  const Source source(kTable, {"t"});
  auto stream = source.open();
  source.exec("DROP PUBLICATION pub");
  source.exec("INSERT INTO t VALUES (1, 'a')");
  Error error;
  ASSERT_TRUE(test::eventually([&] {
    const auto message = stream.next(milliseconds(100));
    if (!message) error = message.error();
    return !message;
  }));
  EXPECT_EQ(error.reason, "PublicationMissing") << error.text();
  EXPECT_EQ(error.kind, ErrorKind::Terminal);
}

TEST(Stream, FromASlotOfAnotherKindOrDatabaseSaysSo) {
  const Source source(kTable, {"t"});
  source.exec("SELECT pg_create_physical_replication_slot('physical')");
  EXPECT_EQ(opening(source, {"physical", "pub", {}, false}).reason, "SlotWrongPlugin");
  source.exec("SELECT pg_drop_replication_slot('physical')");
  const Source other(kTable, {"t"});
  const auto error = opening(source, {other.slot_name, "pub", {}, false});
  EXPECT_EQ(error.reason, "SlotWrongDatabase");
  EXPECT_EQ(error.kind, ErrorKind::NeedsUser);
}

TEST(Stream, FromASlotWhoseWalIsGoneIsLostForGood) {
  const test::PostgresServer server(
      {.settings = {{"max_slot_wal_keep_size", "1MB"}, {"max_wal_size", "32MB"}, {"min_wal_size", "32MB"}}});
  const auto endpoint = endpoint_of(server);
  server.exec("CREATE TABLE t (id int PRIMARY KEY); CREATE PUBLICATION pub FOR TABLE t");
  ASSERT_TRUE(create_slot(endpoint, "slow"));
  ASSERT_TRUE(test::eventually(
      [&] {
        server.exec("INSERT INTO t SELECT coalesce(max(id), 0) + 1 FROM t");
        server.exec("SELECT pg_switch_wal()");
        server.exec("CHECKPOINT");
        return read_slot(endpoint, "slow")->wal_status == "lost";
      },
      std::chrono::seconds(60)));
  const auto stream = ReplicationStream::open(endpoint, {"slow", "pub", {}, false});
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().reason, "SlotLost") << stream.error().text();
  EXPECT_EQ(stream.error().kind, ErrorKind::Terminal);
}

/// Reads on, confirming what keepalives tell, until the stream ends.
Error read_to_the_end(ReplicationStream& stream) {
  Error error;
  EXPECT_TRUE(test::eventually(
      [&] {
        const auto message = stream.next(milliseconds(50));
        if (!message) error = message.error();
        // A server that is told to stop waits until all it has sent is confirmed.
        const auto* keepalive = message ? std::get_if<Keepalive>(&*message) : nullptr;
        if (keepalive != nullptr) static_cast<void>(stream.confirm(keepalive->wal_end, keepalive->wal_end));
        return !message;
      },
      std::chrono::seconds(30)));
  return error;
}

TEST(Stream, ThatLosesItsServerIsTakenUpWhereItWas) {
  test::PostgresServer server;
  const auto endpoint = endpoint_of(server);
  server.exec("CREATE TABLE t (id int PRIMARY KEY, v text); CREATE PUBLICATION pub FOR TABLE t");
  ASSERT_TRUE(create_slot(endpoint, "slot"));
  const std::vector<void (test::PostgresServer::*)()> ways{
      &test::PostgresServer::stop, &test::PostgresServer::stop_immediately, &test::PostgresServer::kill9};
  int id = 0;
  Lsn checkpoint;
  for (const auto way : ways) {
    server.exec(fmt::format("INSERT INTO t VALUES ({}, 'a')", ++id));
    // A crash takes the slot back to what it last wrote to disk: the checkpoint stands above that.
    auto stream = ReplicationStream::open(endpoint, {"slot", "pub", checkpoint, false});
    ASSERT_TRUE(stream) << stream.error().text();
    Reader reader(std::move(*stream));
    EXPECT_THAT(reader.take(1), ElementsAre("begin", fmt::format("insert t {},a", id), "commit"));
    checkpoint = reader.end;
    ASSERT_TRUE(reader.stream.confirm(checkpoint, checkpoint));
    std::thread ending([&] { (server.*way)(); });
    const auto error = read_to_the_end(reader.stream);
    ending.join();
    EXPECT_EQ(error.kind, ErrorKind::Transient) << error.text();
    EXPECT_EQ(error.reason, "SourceUnreachable");
    server.start();
  }
}

TEST(Stream, WhoseConnectionBreaksUnderAConfirmationDoesNotFallSilent) {
  test::PostgresServer server;
  const auto endpoint = endpoint_of(server);
  server.exec("CREATE PUBLICATION pub");
  ASSERT_TRUE(create_slot(endpoint, "slot"));
  auto stream = ReplicationStream::open(endpoint, {"slot", "pub", {}, false});
  ASSERT_TRUE(stream) << stream.error().text();
  server.kill9();
  for (int round = 0; round < 5; ++round)
    static_cast<void>(stream->confirm(Lsn{1}, Lsn{1}));
  EXPECT_EQ(read_to_the_end(*stream).reason, "SourceUnreachable");
}

}  // namespace
}  // namespace penstock::postgres
