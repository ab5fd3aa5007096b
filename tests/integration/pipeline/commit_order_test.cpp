// Two transactions and one key: the later heap record may belong to the transaction that commits first,
// because an INSERT writes its record before it waits for the unique index.

#include <fmt/format.h>

#include <exception>
#include <thread>

#include "tests/integration/pipeline/streaming.hpp"

namespace penstock::pipeline {
namespace {

using namespace std::chrono_literals;

constexpr const char* kTable =
    "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (5, 'old'), (6, 'other')";

/// `held` in a transaction of its own, then `waiting` in a second session, which has to wait for it; `last`
/// in the first, which commits: the second goes on.
void overlap(const std::string& database, const std::string& held, const std::string& waiting,
             const std::string& last) {
  auto first = world_postgres().session(database);
  auto second = world_postgres().session(database);
  const auto pid = second.value("SELECT pg_backend_pid()");
  first.exec("BEGIN");
  first.exec(held);
  std::exception_ptr thrown;
  std::thread waiter([&] {
    try {
      second.exec(waiting);
    } catch (...) {
      thrown = std::current_exception();
    }
  });
  const auto waits = [&] {
    return world_postgres().value(
               "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND pid = " + pid) ==
           "1";
  };
  const bool waited = test::eventually(waits, 30s);
  first.exec(last);
  first.exec("COMMIT");
  waiter.join();
  if (thrown) std::rethrow_exception(thrown);
  EXPECT_TRUE(waited) << waiting << " did not wait for " << held;
}

struct Form {
  const char* name;
  int key;
  const char* held;
  const char* waiting;
  const char* last;
};

class CommitOrder : public Streaming, public testing::WithParamInterface<Form> {
 protected:
  void overlap_once() { overlap(database_, GetParam().held, GetParam().waiting, GetParam().last); }
};

TEST_P(CommitOrder, OfOneKeyDecidesWhichRowTheTargetHas) {
  ASSERT_NO_FATAL_FAILURE(prepare(kTable, {"t"}));
  exec("UPDATE t SET v = v");  // the stream brings the rows of before
  overlap_once();
  begin();
  ASSERT_NO_FATAL_FAILURE(catch_up());
  EXPECT_EQ(world_postgres().value(fmt::format("SELECT v FROM t WHERE id = {}", GetParam().key), database_),
            "new");
  EXPECT_EQ(differences(), "");
  test::shared_engine().query(fmt::format("OPTIMIZE TABLE `{}`.t FINAL", database_));
  EXPECT_EQ(differences(), "") << "after a merge";
}

TEST_P(CommitOrder, OfOneKeyIsTheOrderOfALog) {
  const auto whole = std::string(kTable) + "; ALTER TABLE t REPLICA IDENTITY FULL";
  ASSERT_NO_FATAL_FAILURE(prepare(whole, {"t"}, clickhouse::Engine::MergeTree));
  exec("UPDATE t SET v = v");
  overlap_once();
  begin();
  ASSERT_NO_FATAL_FAILURE(catch_up());
  EXPECT_EQ(test::shared_engine().value(fmt::format(
                "SELECT argMax((v, _penstock_deleted), _penstock_version) FROM `{}`.t WHERE id = {}",
                database_, GetParam().key)),
            "('new',0)");
}

INSTANTIATE_TEST_SUITE_P(
    Forms, CommitOrder,
    testing::Values(Form{"InsertWaitsForADelete", 5, "UPDATE t SET v = 'a' WHERE id = 5",
                         "INSERT INTO t VALUES (5, 'new')", "DELETE FROM t WHERE id = 5"},
                    Form{"MovedRowWaitsForADelete", 5, "UPDATE t SET v = 'a' WHERE id = 5",
                         "UPDATE t SET id = 5, v = 'new' WHERE id = 6", "DELETE FROM t WHERE id = 5"},
                    Form{"InsertWaitsForARowThatNeverWas", 7, "INSERT INTO t VALUES (7, 'a')",
                         "INSERT INTO t VALUES (7, 'new')", "DELETE FROM t WHERE id = 7"},
                    Form{"InsertWaitsForARowThatMovesAway", 5, "UPDATE t SET v = 'a' WHERE id = 5",
                         "INSERT INTO t VALUES (5, 'new')", "UPDATE t SET id = 50 WHERE id = 5"},
                    Form{"MovedRowWaitsForARowThatMovesAway", 5, "UPDATE t SET v = 'a' WHERE id = 5",
                         "UPDATE t SET id = 5, v = 'new' WHERE id = 6", "UPDATE t SET id = 50 WHERE id = 5"},
                    Form{"UpsertWaitsForADelete", 5, "UPDATE t SET v = 'a' WHERE id = 5",
                         "INSERT INTO t VALUES (5, 'new') ON CONFLICT (id) DO UPDATE SET v = 'new'",
                         "DELETE FROM t WHERE id = 5"}),
    [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace penstock::pipeline
