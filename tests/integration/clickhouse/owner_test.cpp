// Whose a target is, on a real engine: of many that want it at one moment one has it.

#include "dataplane/clickhouse/owner.hpp"

#include <fmt/format.h>

#include <thread>

#include "tests/integration/clickhouse/swap_test.hpp"

namespace penstock::clickhouse {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

class Owner : public SwapTest {
 protected:
  TargetDefinition wanted_by(int pipe, Engine engine = Engine::ReplacingMergeTree) {
    auto out = definition("orders", {{"id", "Int64", ""}}, {"id"});
    out.engine = engine;
    out.mark = {fmt::format("uid-{}", pipe), 0, 1, fmt::format("data/pipe-{}", pipe)};
    return out;
  }
  /// Pipes 0 to 7 claim the table at one moment, again and again until one has it. The reasons of the others.
  void expect_one_of_many(Engine engine = Engine::ReplacingMergeTree) {
    constexpr int kPipes = 8;
    std::vector<Status> done(kPipes);
    std::vector<std::thread> threads;
    for (int pipe = 0; pipe < kPipes; ++pipe)
      threads.emplace_back([&, pipe] {
        Client client(client_.endpoint());
        const TakeOver take_over{true, all_but(pipe)};
        do
          done[static_cast<std::size_t>(pipe)] =
              claim_target(client, wanted_by(pipe, engine), take_over, true);
        while (!done[static_cast<std::size_t>(pipe)] && !is_marked());
      });
    for (auto& thread : threads)
      thread.join();
    const auto mark = read_target(client_, "orders").value()->mark;
    ASSERT_TRUE(mark);
    int had = 0;
    for (const auto& one : done) {
      had += one ? 1 : 0;
      if (one) continue;
      EXPECT_TRUE(one.error().reason == "TargetNotOurs" || one.error().reason == "TargetChanged")
          << one.error().text();
      if (one.error().reason == "TargetNotOurs") {
        EXPECT_THAT(one.error().message, HasSubstr(" Pipe data/pipe-"));
      }
    }
    EXPECT_EQ(had, 1);
    EXPECT_TRUE(done[static_cast<std::size_t>(mark->pipe_uid.back() - '0')]) << mark->text();
    for (int pipe = 0; pipe < kPipes; ++pipe) {
      const auto again = claim_target(client_, wanted_by(pipe, engine), {true, all_but(pipe)}, true);
      EXPECT_EQ(static_cast<bool>(again), mark->pipe_name == fmt::format("data/pipe-{}", pipe));
      if (!again) {
        EXPECT_THAT(again.error().message, HasSubstr("belongs to Pipe " + mark->pipe_name));
        EXPECT_THAT(again.error().cure, HasSubstr(mark->pipe_name));
      }
    }
    EXPECT_EQ(tables(), "orders");
  }
  static std::vector<OtherPipe> all_but(int pipe) {
    std::vector<OtherPipe> out;
    for (int other = 0; other < 8; ++other)
      if (other != pipe)
        out.push_back({fmt::format("uid-{}", other), fmt::format("data/pipe-{}", other), {"orders"}});
    return out;
  }
  bool is_marked() {
    Client client(client_.endpoint());
    const auto present = read_target(client, "orders");
    return present && *present && (*present)->mark && !(*present)->mark->released;
  }
  std::string tables() {
    return value(
        "SELECT arrayStringConcat(arraySort(groupArray(name)), ',') FROM system.tables WHERE database = "
        "currentDatabase()");
  }
};

TEST_F(Owner, OfATableThatIsNotThereIsOneOfMany) {
  expect_one_of_many();
}

TEST_F(Owner, OfAUsersEmptyTableIsOneOfManyAndTheTableStaysTheUsers) {
  run("CREATE TABLE orders (id Int64, _penstock_version UInt128, _penstock_deleted UInt8, "
      "_penstock_synced_at DateTime64(3) DEFAULT now64(3)) ENGINE = ReplacingMergeTree(_penstock_version, "
      "_penstock_deleted) ORDER BY id COMMENT 'the sales'");
  const auto uuid = read_target(client_, "orders").value()->uuid;
  expect_one_of_many();
  const auto present = read_target(client_, "orders").value();
  EXPECT_EQ(present->uuid, uuid);
  EXPECT_TRUE(present->mark->adopted);
  EXPECT_THAT(present->comment, testing::EndsWith(" adopted; the sales"));
  ASSERT_TRUE(give_back(client_, present->mark->pipe_uid, "orders"));
  EXPECT_THAT(read_target(client_, "orders").value()->comment,
              testing::EndsWith(" adopted released; the sales"));
}

TEST_F(Owner, OfANullTableThatWasGivenBackIsOneOfMany) {
  ASSERT_TRUE(claim_target(client_, wanted_by(9, Engine::Null), {}, true));
  EXPECT_EQ(claim_target(client_, wanted_by(0, Engine::Null), {}, true).error().reason, "TargetNotOurs");
  ASSERT_TRUE(give_back(client_, "uid-9", "orders"));
  expect_one_of_many(Engine::Null);
}

TEST_F(Owner, OfATableOfAPipeThatIsGoneIsOneOfMany) {
  ASSERT_TRUE(claim_target(client_, wanted_by(9), {}, true));
  expect_one_of_many();
}

TEST_F(Owner, IsNotHadOfRowsThatAreToBeLoadedOver) {
  make("orders", 6, "uid-9");
  ASSERT_TRUE(give_back(client_, "uid-9", "orders"));
  const auto done = claim_target(client_, wanted_by(1), {}, true);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().reason, "TargetChanged");
  EXPECT_EQ(tables(), "orders") << "the claim goes with it";
  EXPECT_TRUE(claim_target(client_, wanted_by(1), {}, false))
      << "without a load they are what it goes on from";
  EXPECT_THAT(state(), ElementsAre(Pair("orders", "[6]")));
}

TEST_F(Owner, IsClaimedAgainAfterAnyCrash) {
  run("CREATE TABLE orders (id Int64) ENGINE = Null");
  auto claim = wanted_by(1, Engine::Null);
  claim.table = "orders_resync";
  ASSERT_TRUE(create_target(client_, claim)) << "the process died behind it";
  const auto other = claim_target(client_, wanted_by(2, Engine::Null), {}, true);
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().message, HasSubstr("`orders` is being loaded by Pipe data/pipe-1"));
  EXPECT_TRUE(claim_target(client_, wanted_by(1, Engine::Null), {}, true));
  ASSERT_TRUE(create_target(client_, claim)) << "it died before it was dropped";
  EXPECT_TRUE(claim_target(client_, wanted_by(1, Engine::Null), {}, true));
  EXPECT_EQ(tables(), "orders");
}

TEST_F(Owner, IsTheFormerClaimantWhereTheTargetWasDroppedMeanwhile) {
  auto claim = wanted_by(1);
  claim.table = "orders_resync";
  ASSERT_TRUE(create_target(client_, claim));
  const auto done = claim_target(client_, wanted_by(2), {}, true);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().reason, "TargetNotOurs");
  EXPECT_EQ(tables(), "orders_resync");
}

TEST_F(Owner, OfManyTablesIsSeenInOneLook) {
  make("a", 1);
  make("b", 1, "uid-2");
  run("CREATE TABLE c (id Int64) ENGINE = Null COMMENT 'mine'");
  const auto none = find_taken(client_, {"a", "c", "absent"}, "uid-1");
  ASSERT_TRUE(none);
  EXPECT_FALSE(*none);
  const auto one = find_taken(client_, {"a", "c", "b"}, "uid-1");
  ASSERT_TRUE(one && *one);
  EXPECT_EQ((*one)->first, 2U);
  EXPECT_EQ((*one)->second.reason, "TargetNotOurs");
  EXPECT_EQ((*one)->second.kind, ErrorKind::Quarantine);
}

}  // namespace
}  // namespace penstock::clickhouse
