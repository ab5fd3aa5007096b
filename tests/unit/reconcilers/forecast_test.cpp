#include "reconcilers/pipe/forecast.hpp"

#include <gmock/gmock.h>

#include "tests/unit/reconcilers/world.hpp"

namespace penstock::reconcile {
namespace {

using test::kNow;
using test::streaming;
using testing::ElementsAre;
using testing::IsEmpty;
using Effect = Forecast::Effect;

void add_table(Pipe& pipe, const std::string& source) {
  TableSpec table;
  table.source = source;
  pipe.spec.tables.push_back(table);
  ++pipe.generation;
}

TEST(Forecast, APipeAsItIsRests) {
  const auto out = forecast(streaming().pipe, kNow);
  EXPECT_TRUE(out.settles);
  EXPECT_THAT(out.states, ElementsAre(PipeState::Running));
  EXPECT_THAT(out.tables, IsEmpty());
}

TEST(Forecast, ANewPipeIsLoadedAndStreams) {
  auto pipe = streaming().pipe;
  pipe.status = {};
  pipe.has_finalizer = false;
  const auto out = forecast(pipe, kNow);
  EXPECT_TRUE(out.settles);
  EXPECT_THAT(out.states, ElementsAre(PipeState::Provisioning, PipeState::Setup, PipeState::Snapshot,
                                      PipeState::Running));
  EXPECT_EQ(out.tables.size(), 2U);
  EXPECT_EQ(out.tables.at(0), (Forecast::Table{"public.orders", "orders", Effect::Load, false, 0}));
}

TEST(Forecast, AnAddedTableIsLoaded) {
  auto pipe = streaming().pipe;
  add_table(pipe, "public.lines");
  const auto out = forecast(pipe, kNow);
  EXPECT_THAT(out.states, ElementsAre(PipeState::Running, PipeState::Snapshot, PipeState::Running));
  EXPECT_THAT(out.tables, ElementsAre(Forecast::Table{"public.lines", "lines", Effect::Load, false, 0}));
}

TEST(Forecast, ATableWhoseTargetIsStillThereIsExchanged) {
  auto pipe = streaming().pipe;
  add_table(pipe, "public.lines");
  const auto out = forecast(pipe, kNow, [](const Pipe& now, const auto& sources) -> Result<SetupFacts> {
    return SetupFacts{*now.status.source, {{sources.at(0), 70, 4, true}}};
  });
  EXPECT_THAT(out.states,
              ElementsAre(PipeState::Running, PipeState::Snapshot, PipeState::Resync, PipeState::Running));
  EXPECT_THAT(out.tables, ElementsAre(Forecast::Table{"public.lines", "lines", Effect::Load, true, 70}));
}

TEST(Forecast, ATableThatWasDeclaredBeforeIsStillToBeLoaded) {
  auto pipe = streaming().pipe;
  add_table(pipe, "public.lines");
  pipe.status = with_tables_to_load(pipe, {"public.lines"});
  const auto out = forecast(pipe, kNow);
  EXPECT_THAT(out.tables, ElementsAre(Forecast::Table{"public.lines", "lines", Effect::Load, false, 0}));
}

TEST(Forecast, ATargetThatIsStillAnothersIsRefused) {
  auto pipe = streaming().pipe;
  pipe.spec.tables[0].target = "archive";
  add_table(pipe, "public.lines");
  pipe.spec.tables.back().target = "orders";
  const auto out = forecast(pipe, kNow);
  EXPECT_THAT(out.tables, IsEmpty());
  ASSERT_EQ(out.refusals.size(), 1U);
  EXPECT_EQ(out.refusals[0].error.reason, "TargetInUse");
}

TEST(Forecast, ARemovedTablePassesThroughModifying) {
  auto pipe = streaming().pipe;
  pipe.spec.tables.erase(pipe.spec.tables.begin());
  ++pipe.generation;
  const auto out = forecast(pipe, kNow);
  EXPECT_THAT(out.states, ElementsAre(PipeState::Running, PipeState::Modifying, PipeState::Running));
  EXPECT_THAT(out.tables, ElementsAre(Forecast::Table{"public.orders", "orders", Effect::Remove, false, 0}));
}

TEST(Forecast, ARaisedGenerationLoadsEverythingAnewAndExchangesIt) {
  auto pipe = streaming().pipe;
  pipe.spec.resync_generation = 1;
  ++pipe.generation;
  const auto out = forecast(pipe, kNow);
  EXPECT_TRUE(out.resync);
  EXPECT_TRUE(out.settles);
  EXPECT_THAT(out.states, ElementsAre(PipeState::Running, PipeState::Setup, PipeState::Snapshot,
                                      PipeState::Resync, PipeState::Running));
  ASSERT_EQ(out.tables.size(), 2U);
  EXPECT_EQ(out.tables.at(1).effect, Effect::LoadAnew);
  EXPECT_TRUE(out.tables.at(1).exchanged);
}

TEST(Forecast, ATableThatIsRefusedIsNamedAndTheOthersGoOn) {
  auto pipe = streaming().pipe;
  add_table(pipe, "public.lines");
  add_table(pipe, "public.nonsense");
  const auto out = forecast(pipe, kNow, [](const Pipe& now, const auto& sources) -> Result<SetupFacts> {
    SetupFacts facts{*now.status.source, {}};
    for (const auto& source : sources) {
      if (source == "public.nonsense") return fail(ErrorKind::NeedsUser, "TableNotFound", "no such table");
      facts.tables.push_back({source, 0, 1, false});
    }
    return facts;
  });
  EXPECT_THAT(out.tables, ElementsAre(Forecast::Table{"public.lines", "lines", Effect::Load, false, 0}));
  ASSERT_EQ(out.refusals.size(), 1U);
  EXPECT_THAT(out.refusals.at(0).sources, ElementsAre("public.nonsense"));
  EXPECT_EQ(out.refusals.at(0).error.reason, "TableNotFound");
}

TEST(Forecast, AResyncThatIsRefusedLeavesThePipeAsItIs) {
  auto pipe = streaming().pipe;
  pipe.spec.resync_generation = 1;
  ++pipe.generation;
  const auto out = forecast(pipe, kNow, [](const Pipe&, const auto&) -> Result<SetupFacts> {
    return fail(ErrorKind::NeedsUser, "WalLevelNotLogical", "wal_level is replica");
  });
  EXPECT_FALSE(out.resync);
  EXPECT_THAT(out.states, ElementsAre(PipeState::Running));
  ASSERT_EQ(out.refusals.size(), 1U);
}

TEST(Forecast, APauseAndAResyncTogetherEndPaused) {
  auto pipe = streaming().pipe;
  pipe.spec.resync_generation = 1;
  pipe.spec.paused = true;
  ++pipe.generation;
  const auto out = forecast(pipe, kNow);
  EXPECT_TRUE(out.settles);
  EXPECT_EQ(out.states.back(), PipeState::Paused);
  EXPECT_THAT(out.states, testing::Contains(PipeState::Resync));
}

TEST(Forecast, WithoutAStreamEverythingEndsCompleted) {
  auto pipe = streaming().pipe;
  pipe.spec.mode = Mode::SnapshotOnly;
  pipe.status.replication = {};
  pipe.status.state = PipeState::Completed;
  for (auto& table : pipe.status.tables)
    table.state = TableState::Completed;
  pipe.spec.resync_generation = 1;
  ++pipe.generation;
  const auto out = forecast(pipe, kNow);
  EXPECT_THAT(out.states, ElementsAre(PipeState::Completed, PipeState::Setup, PipeState::Snapshot,
                                      PipeState::Resync, PipeState::Completed));
}

}  // namespace
}  // namespace penstock::reconcile
