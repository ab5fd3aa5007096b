// How often a stream inserts, and what it tells the source while there is nothing to insert.

#include <chrono>

#include "tests/integration/pipeline/streaming.hpp"

namespace penstock::pipeline {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

class Pace : public Streaming {
 protected:
  /// Statements that the engine has inserted rows with, ever; no other test runs beside this one.
  static int inserts() {
    const auto value =
        test::shared_engine().value("SELECT sum(value) FROM system.events WHERE event = 'InsertQuery'");
    return std::stoi(value);
  }
  /// Makes the tables busy for some seconds, and compares what was inserted with two each second. The first
  /// flush of all tables comes at once, and what is over the limit is made good by waiting.
  void expect_two_a_second(const std::string& change) {
    ASSERT_NO_FATAL_FAILURE(
        prepare("CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY);"
                "CREATE TABLE c (id int PRIMARY KEY); CREATE TABLE d (id int PRIMARY KEY)",
                {"a", "b", "c", "d"}));
    job_.max_inserts_per_second = 2;
    begin();
    catch_up();
    const int before = inserts();
    const auto start = Steady::now();
    while (Steady::now() - start < 6s)
      exec(change);
    const int made = inserts() - before;
    const auto seconds = std::chrono::duration<double>(Steady::now() - start).count();
    EXPECT_GE(made, 4);
    EXPECT_LE(made, 2 * seconds + 4) << "in " << seconds << " s";
    const auto facts = run_->facts();
    EXPECT_FALSE(facts.run.error) << facts.run.error->text();
  }
};

TEST_F(Pace, OfInsertsIsKeptWithManyBusyTables) {
  expect_two_a_second(
      "INSERT INTO a SELECT coalesce(max(id), 0) + 1 FROM a; INSERT INTO b SELECT id FROM a ON CONFLICT DO "
      "NOTHING; INSERT INTO c SELECT id FROM a ON CONFLICT DO NOTHING; INSERT INTO d SELECT id FROM a ON "
      "CONFLICT DO NOTHING");
}

TEST_F(Pace, OfInsertsIsKeptWhereTablesAreTruncated) {
  expect_two_a_second("INSERT INTO a VALUES (1); INSERT INTO b VALUES (1); TRUNCATE a, b, c, d");
}

TEST_F(Pace, OfTheSlotIsThatOfTheServerWhileOnlyNeighboursWrite) {
  ASSERT_NO_FATAL_FAILURE(prepare("CREATE TABLE t (id int PRIMARY KEY)", {"t"}));
  begin();
  catch_up();
  const auto neighbour = world_postgres().create_database();
  world_postgres().exec("CREATE TABLE n (v text)", neighbour);
  const auto slot = [&] { return *penstock::postgres::read_slot(job_.source, job_.slot); };
  const auto first = slot();
  world_postgres().exec("INSERT INTO n SELECT repeat('x', 100) FROM generate_series(1, 20000)", neighbour);
  const auto end = penstock::postgres::current_wal_lsn(job_.source);
  ASSERT_TRUE(end);
  ASSERT_GT(end->value, first.confirmed_lsn.value + 2'000'000);
  EXPECT_TRUE(test::eventually([&] { return slot().confirmed_lsn >= *end; }, 30s));
  // The server keeps what it needs to decode from, up to a place where it logs its running transactions.
  EXPECT_TRUE(test::eventually(
      [&] {
        world_postgres().exec("CHECKPOINT");
        return slot().restart_lsn >= *end;
      },
      30s));
}

}  // namespace
}  // namespace penstock::pipeline
