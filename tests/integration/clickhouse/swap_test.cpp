// A table made anew takes its target's place, on a real engine: from every state that a crash can leave.

#include <mutex>
#include <thread>

#include "tests/integration/clickhouse/swap_test.hpp"

namespace penstock::clickhouse {
namespace {

using testing::ElementsAre;
using testing::Pair;

using Swap = SwapTest;

TEST_F(Swap, ExchangesTheLoadedTableAndDropsTheFormer) {
  make("orders", 6);
  make("orders_resync", 7);
  EXPECT_EQ(swap("orders", 7), "");
  EXPECT_THAT(state(), ElementsAre(Pair("orders", "[7]")));
  EXPECT_EQ(value("SELECT count() FROM system.dropped_tables WHERE database = currentDatabase()"), "0");
}

TEST_F(Swap, RenamesTheLoadedTableWhereThereIsNoTarget) {
  make("orders_resync", 7);
  EXPECT_EQ(swap("orders", 7), "");
  EXPECT_THAT(state(), ElementsAre(Pair("orders", "[7]")));
}

TEST_F(Swap, RepeatedNeverBringsTheFormerBack) {
  make("orders", 6);
  make("orders_resync", 7);
  for (int times = 0; times < 3; ++times) {
    EXPECT_EQ(swap("orders", 7), "");
    EXPECT_THAT(state(), ElementsAre(Pair("orders", "[7]")));
  }
}

TEST_F(Swap, AfterACrashBehindTheExchangeOnlyDrops) {
  make("orders", 7);
  make("orders_resync", 6);
  EXPECT_EQ(swap("orders", 7), "");
  EXPECT_THAT(state(), ElementsAre(Pair("orders", "[7]")));
}

TEST_F(Swap, PutsATableOfTheUserAside) {
  make_users("orders");
  make("orders_resync", 7);
  EXPECT_EQ(swap("orders", 7), "orders_before_7");
  EXPECT_THAT(state(), ElementsAre(Pair("orders", "[7]"), Pair("orders_before_7", "[-1]")));
  EXPECT_EQ(swap("orders", 7), "") << "nothing is left to do";
  EXPECT_THAT(state(), ElementsAre(Pair("orders", "[7]"), Pair("orders_before_7", "[-1]")));
}

TEST_F(Swap, AfterACrashBehindTheExchangePutsTheUsersTableAside) {
  make("orders", 7);
  make_users("orders_resync");
  EXPECT_EQ(swap("orders", 7), "orders_before_7");
  EXPECT_THAT(state(), ElementsAre(Pair("orders", "[7]"), Pair("orders_before_7", "[-1]")));
}

TEST_F(Swap, FindsANameThatIsFree) {
  make_users("orders_before_7");
  make_users("orders_before_7_2");
  make_users("orders_before_70");
  make_users("orders");
  make("orders_resync", 7);
  EXPECT_EQ(swap("orders", 7), "orders_before_7_3");
  EXPECT_EQ(state().size(), 5U);
}

TEST_F(Swap, PutsATableOfAnotherPipeAsideWhereItIsTakenOver) {
  make("orders", 7, "uid-2");
  make("orders_resync", 7);
  EXPECT_EQ(swap("orders", 7), "TargetNotOurs");
  EXPECT_EQ(read_target(client_, "orders").value()->mark->pipe_uid, "uid-2");
  EXPECT_EQ(swap("orders", 7, {true, {}}), "orders_before_7");
  EXPECT_THAT(state(), ElementsAre(Pair("orders", "[7]"), Pair("orders_before_7", "[7]")));
  EXPECT_EQ(read_target(client_, "orders").value()->mark->pipe_uid, "uid-1");
}

TEST_F(Swap, DropsWhatAnotherPipeHasGivenBack) {
  make("orders", 6, "uid-2");
  ASSERT_TRUE(give_back(client_, "uid-2", "orders"));
  make("orders_resync", 7);
  EXPECT_EQ(swap("orders", 7), "");
  EXPECT_THAT(state(), ElementsAre(Pair("orders", "[7]")));
}

TEST_F(Swap, PutsBackWhatAnotherPipeHadByThen) {
  make("orders", 7);
  make("orders_resync", 3, "uid-2");
  EXPECT_EQ(swap("orders", 7), "TargetNotOurs");
  EXPECT_THAT(state(), ElementsAre(Pair("orders", "[3]"), Pair("orders_resync", "[7]")));
  EXPECT_EQ(read_target(client_, "orders").value()->mark->pipe_uid, "uid-2");
}

TEST_F(Swap, WithoutTheLoadedTableTouchesNothing) {
  make("orders", 6);
  EXPECT_EQ(swap("orders", 7), "SwapSourceMissing");
  make("orders_resync", 5);
  EXPECT_EQ(swap("orders", 7), "SwapSourceMissing");
  EXPECT_THAT(state(), ElementsAre(Pair("orders", "[6]"), Pair("orders_resync", "[5]")));
  EXPECT_EQ(swap("nothing", 7), "SwapSourceMissing");
}

TEST_F(Swap, WaitsForAnEarlierTryWhoseAnswerWasLost) {
  make("orders", 6);
  make("orders_resync", 7);
  const std::string comment = "penstock swap pipe=uid-1 load=7 table=orders";
  std::thread earlier([&] { engine().query("SELECT sleep(3)", {{"log_comment", comment}}); });
  ASSERT_TRUE(test::eventually([&] {
    return value("SELECT count() FROM system.processes WHERE Settings['log_comment'] = '" + comment + "'") ==
           "1";
  }));
  EXPECT_EQ(swap("orders", 7), "StatementStillRuns");
  EXPECT_THAT(state(), ElementsAre(Pair("orders", "[6]"), Pair("orders_resync", "[7]")));
  earlier.join();
  EXPECT_EQ(swap("orders", 7), "");
  EXPECT_THAT(state(), ElementsAre(Pair("orders", "[7]")));
}

TEST_F(Swap, LeavesNoMomentWithoutOneWholeTable) {
  constexpr int kRows = 5'000;
  const auto fill = [&](const std::string& table, std::int64_t load) {
    make(table, load);
    run("INSERT INTO " + table + " (id) SELECT " + std::to_string(load) + " + 1000 * (1 + number) FROM " +
        "numbers(" + std::to_string(kRows - 1) + ")");
  };
  fill("orders", 1);
  std::atomic<bool> done{false};
  std::atomic<int> reads{0};
  std::string wrong;
  std::mutex mutex;
  std::vector<std::thread> readers;
  for (int reader = 0; reader < 3; ++reader)
    readers.emplace_back([&] {
      Client client(endpoint());
      while (!done) {
        const auto rows = client.select({"SELECT count(), uniqExact(id % 1000) FROM orders"});
        ++reads;
        const std::lock_guard lock(mutex);
        if (!rows) {
          wrong = rows.error().text();
        } else if (rows->at(0) != std::vector<std::string>{std::to_string(kRows), "1"}) {
          wrong = rows->at(0).at(0) + " rows of " + rows->at(0).at(1) + " loads";
        }
      }
    });
  for (std::int64_t load = 2; load <= 30; ++load) {
    fill("orders_resync", load);
    EXPECT_EQ(swap("orders", load), "");
  }
  done = true;
  for (auto& reader : readers)
    reader.join();
  EXPECT_EQ(wrong, "");
  EXPECT_GT(reads, 30);
}

TEST_F(Swap, DoesNotWaitForThoseWhoStillReadTheFormer) {
  make("orders", 6);
  make("orders_resync", 7);
  std::string read;
  std::atomic<bool> reads{true};
  std::thread reader([&] {
    read = value("SELECT id + sleepEachRow(3) + sleepEachRow(2.9) + sleepEachRow(2.8) FROM orders");
    reads = false;
  });
  ASSERT_TRUE(test::eventually([&] {
    return value(
               "SELECT count() FROM system.processes WHERE query LIKE '%sleepEachRow%' AND query NOT LIKE "
               "'%processes%'") == "1";
  }));
  EXPECT_EQ(swap("orders", 7), "");
  EXPECT_TRUE(reads);
  EXPECT_THAT(state(), ElementsAre(Pair("orders", "[7]")));
  reader.join();
  EXPECT_EQ(read, "6") << "it read to the end what it had begun to read";
}

TEST_F(Swap, KeepsMaterializedViewsAndDictionariesOnTheName) {
  make("orders", 6);
  run("CREATE TABLE sink (id Int64) ENGINE = MergeTree ORDER BY id");
  run("CREATE MATERIALIZED VIEW follower TO sink AS SELECT id FROM orders");
  run("CREATE VIEW look AS SELECT id FROM orders");
  run("CREATE DICTIONARY names (id Int64, _penstock_version UInt128) PRIMARY KEY id SOURCE(CLICKHOUSE(DB '" +
      database_ + "' TABLE 'orders')) LAYOUT(FLAT()) LIFETIME(0)");
  make("orders_resync", 7);
  EXPECT_EQ(swap("orders", 7), "");
  EXPECT_EQ(value("SELECT id FROM look"), "7");
  insert_row("orders", 8);
  EXPECT_EQ(value("SELECT groupArray(id) FROM sink"), "[8]") << "the load beside it was not seen by the view";
}

TEST_F(Swap, TakesWhateverTheUserAddedToTheFormerWithIt) {
  make("orders", 6);
  run("ALTER TABLE orders ADD COLUMN mine String DEFAULT 'x', ADD COLUMN twice Int64 MATERIALIZED id * 2");
  run("ALTER TABLE orders MODIFY SETTING deduplicate_merge_projection_mode = 'rebuild'");
  run("ALTER TABLE orders ADD PROJECTION by_mine (SELECT mine, count() GROUP BY mine)");
  run("ALTER TABLE orders MODIFY TTL toDateTime(_penstock_synced_at) + INTERVAL 1 YEAR");
  make("orders_resync", 7);
  EXPECT_EQ(swap("orders", 7), "");
  EXPECT_THAT(state(), ElementsAre(Pair("orders", "[7]")));
  EXPECT_EQ(value("SELECT countIf(name = 'mine') FROM system.columns WHERE database = currentDatabase()"),
            "0");
}

TEST_F(Swap, WorksFromAndToEveryEngine) {
  const Engine engines[] = {Engine::ReplacingMergeTree, Engine::MergeTree, Engine::Null};
  std::int64_t load = 1;
  make("orders", load);
  for (const auto from : engines)
    for (const auto to : engines)
      for (const auto engine : {from, to}) {
        auto wanted = definition("orders_resync", {{"id", "Int64", ""}}, {"id"});
        wanted.engine = engine;
        wanted.mark.load = ++load;
        ASSERT_TRUE(make_staging(client_, wanted));
        ASSERT_EQ(swap("orders", load), "");
        EXPECT_EQ(state().size(), 1U);
        EXPECT_EQ(read_target(client_, "orders").value()->mark->load, load);
      }
}

TEST_F(Swap, WorksWithHostileNames) {
  for (const std::string name : {"a`b", "a.b", "o'clock", "back\\slash", "\"quoted\"", "größe 表 🦆",
                                 " ", "%_", "select", "a_resync_b"}) {
    SCOPED_TRACE(name);
    make_users(name);
    make(staging_name(name), 7);
    EXPECT_EQ(swap(name, 7), name + "_before_7");
    EXPECT_EQ(state()[name], "[7]");
    EXPECT_EQ(state()[name + "_before_7"], "[-1]");
    make(staging_name(name), 8);
    EXPECT_EQ(swap(name, 8), "");
    EXPECT_EQ(state()[name], "[8]");
  }
}

TEST_F(Swap, WorksWithTheLongestNamesThatCanBeStaged) {
  for (const std::string character : {"a", "ü"}) {
    std::string name;
    while (name_fits(database_, staging_name(name + character)))
      name += character;
    make_users(name);
    make(staging_name(name), 7);
    const auto kept = kept_name(database_, name, 7, 1);
    EXPECT_EQ(swap(name, 7), kept);
    EXPECT_EQ(state()[name], "[7]");
    EXPECT_EQ(state()[kept], "[-1]");
    EXPECT_TRUE(drop_target(client_, database_, kept));

    auto wanted = definition(staging_name(name + character), {{"id", "Int64", ""}}, {"id"});
    EXPECT_FALSE(create_target(client_, wanted)) << "the server takes more than we think";
    const auto made = make_staging(client_, wanted);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().reason, "TargetNameTooLong");
  }
}

TEST_F(Swap, WorksInTheEnginesDefaultDatabase) {
  const Endpoint elsewhere{engine().url(), "default", "default", {}, ""};
  client_ = Client(elsewhere);
  const auto facts = read_destination(client_);
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->database_engine, "Overlay");
  EXPECT_TRUE(check_destination(*facts, elsewhere).empty());
  auto wanted = definition("swapped", {{"id", "Int64", ""}}, {"id"});
  wanted.database = "default";
  ASSERT_TRUE(create_target(client_, wanted));
  wanted.table = "swapped_resync";
  wanted.mark.load = 7;
  ASSERT_TRUE(make_staging(client_, wanted));
  EXPECT_EQ(swap("swapped", 7), "");
  EXPECT_EQ(read_target(client_, "swapped").value()->mark->load, 7);
  EXPECT_FALSE(*read_target(client_, "swapped_resync"));
  EXPECT_TRUE(drop_target(client_, "default", "swapped"));
}

TEST_F(Swap, CannotBeDoneInAnOrdinaryDatabaseWhichSetupSays) {
  run("DROP DATABASE " + quote(database_) + " SYNC");
  engine().query("CREATE DATABASE " + quote(database_) + " ENGINE = Ordinary",
                 {{"allow_deprecated_database_ordinary", "1"}});
  const auto facts = read_destination(client_);
  ASSERT_TRUE(facts);
  const auto faults = check_destination(*facts, endpoint());
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_EQ(faults[0].reason, "ExchangeNotSupported");
  make("orders", 6);
  make("orders_resync", 7);
  const auto done = swap_target(client_, {"orders", "uid-1", 7});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, ErrorKind::NeedsUser) << done.error().text();
  EXPECT_THAT(state(), ElementsAre(Pair("orders", "[6]"), Pair("orders_resync", "[7]")));
}

}  // namespace
}  // namespace penstock::clickhouse
