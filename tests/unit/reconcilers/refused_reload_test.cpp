// A table that streams, and cannot be loaded anew as was asked for.

#include <gmock/gmock.h>

#include "reconcilers/pipe/pipe_reconciler.hpp"
#include "reconcilers/pipe/view.hpp"
#include "tests/unit/reconcilers/twins.hpp"
#include "tests/unit/reconcilers/world.hpp"

namespace penstock::reconcile {
namespace {

using testing::HasSubstr;

struct Refusing final : test::TwinDataplane {
  Refusing() { run.stream = test::active_stream(); }
  Result<SetupFacts> set_up(const Pipe& /*pipe*/, const Credentials& /*credentials*/,
                            const SetupWish& /*wish*/) override {
    ++asked_for_tables;
    return fail(ErrorKind::NeedsUser, "TableNotPublished", "it is not in the publication");
  }
  Result<std::optional<ProbeFacts>> probe(const Pipe& /*pipe*/, const Credentials& /*credentials*/) override {
    ++probes;
    return ProbeFacts{};
  }
  int asked_for_tables = 0;
  int probes = 0;
};

class RefusedReload : public testing::Test {
 protected:
  void pass() {
    ASSERT_TRUE(reconciler_.reconcile(api_.stored));
    EXPECT_EQ(reconciler_.passes_cut_short(), 0);
  }
  [[nodiscard]] PipeSpec& spec() { return api_.stored.spec; }

  test::TwinApi api_{test::streaming().pipe};
  test::ManualClock clock_{test::kNow};
  Refusing dataplane_{};
  PipeReconciler reconciler_{api_, dataplane_, clock_, "dev"};
};

// Its last row would be the last thing that anybody heard of it: the pass never came to look at the source.
TEST_F(RefusedReload, IsTriedAgainLaterAndSaidAndTheSourceIsLookedAt) {
  ++spec().tables[0].resync_generation;
  pass();
  EXPECT_EQ(dataplane_.asked_for_tables, 1);
  EXPECT_EQ(dataplane_.probes, 1);
  pass();
  EXPECT_THAT(api_.stored.status.message, HasSubstr("public.orders: it is not in the publication"));
  EXPECT_EQ(dataplane_.asked_for_tables, 1);
  clock_.time += std::chrono::minutes(1);
  pass();
  EXPECT_EQ(dataplane_.asked_for_tables, 2);
}

// Some hundred of them must not keep the pass from all that comes after them.
TEST_F(RefusedReload, OfManyTablesLeavesTimeForTheRest) {
  for (int at = 0; at < 200; ++at) {
    auto status = api_.stored.status.tables[0];
    auto table = spec().tables[0];
    status.source = table.source = status.target = table.target = "public.t" + std::to_string(at);
    ++table.resync_generation;
    spec().tables.push_back(table);
    api_.stored.status.tables.push_back(status);
  }
  pass();
  EXPECT_EQ(dataplane_.probes, 1);
  for (int passes = 0; passes < 100; ++passes)
    pass();
  EXPECT_EQ(dataplane_.asked_for_tables, 201) << "once together, then each by itself";
}

TEST_F(RefusedReload, OfRowsThatDifferIsNoOther) {
  spec().tables[0].on_difference = OnDifference::Resync;
  api_.stored.status.tables[0].differences = {"column v was retyped"};
  pass();
  EXPECT_EQ(dataplane_.asked_for_tables, 1);
  EXPECT_EQ(dataplane_.probes, 1);
}

TEST_F(RefusedReload, IsForgottenWhenItIsNotAskedForAnyMore) {
  ++spec().tables[0].resync_generation;
  pass();
  --spec().tables[0].resync_generation;
  pass();
  EXPECT_EQ(api_.stored.status.message, "Replicating");
}

}  // namespace
}  // namespace penstock::reconcile
