#include "dataplane/clickhouse/swap.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::clickhouse {
namespace {

using testing::HasSubstr;

std::optional<TargetTable> table(const std::string& comment) {
  TargetTable out;
  out.comment = comment;
  out.mark = Mark::parse(comment);
  return out;
}

const std::optional<TargetTable> kAbsent;
const auto kWished = table("penstock pipe=us generation=4 load=7");
const auto kOlder = table("penstock pipe=us generation=3 load=6");
const auto kNewer = table("penstock pipe=us generation=5 load=8");
const auto kUnnumbered = table("penstock pipe=us generation=3");
const auto kUsers = table("sales of 2024");
const auto kOthers = table("penstock pipe=them generation=4 load=7 name=data/theirs");
const auto kGivenBack = table("penstock pipe=them generation=4 load=7 name=data/theirs released");
const auto kAdopted = table("penstock pipe=us generation=3 load=6 name=data/ours adopted; sales of 2024");
const auto kAdoptedAndGivenBack =
    table("penstock pipe=them generation=3 load=6 name=data/ours adopted released");

const char* name_of(SwapStep step) {
  switch (step) {
    case SwapStep::Exchange:
      return "Exchange";
    case SwapStep::Rename:
      return "Rename";
    case SwapStep::PutBack:
      return "PutBack";
    case SwapStep::KeepFormer:
      return "KeepFormer";
    case SwapStep::DropFormer:
      return "DropFormer";
    case SwapStep::Done:
      break;
  }
  return "Done";
}

std::string next(const std::optional<TargetTable>& target, const std::optional<TargetTable>& staging,
                 const TakeOver& take_over = {}) {
  const auto step = next_swap_step({"orders", "us", 7, take_over}, target, staging);
  if (step) return name_of(*step);
  if (step.error().reason == "TargetNotOurs") return step.error().reason;
  EXPECT_EQ(step.error().kind, ErrorKind::Terminal);
  EXPECT_THAT(step.error().message, HasSubstr("orders_resync"));
  EXPECT_THAT(step.error().cure, HasSubstr("resyncGeneration"));
  return step.error().reason;
}

TEST(NextSwapStep, ExchangesTheLoadedTableWithWhateverIsTheTarget) {
  for (const auto& former : {kOlder, kNewer, kUnnumbered, kUsers, kGivenBack, kAdopted, kAdoptedAndGivenBack})
    EXPECT_EQ(next(former, kWished), "Exchange") << former->comment;
}

TEST(NextSwapStep, RenamesWhereThereIsNoTarget) {
  EXPECT_EQ(next(kAbsent, kWished), "Rename");
}

TEST(NextSwapStep, DropsAFormerTableOfOursOnly) {
  for (const auto& former : {kOlder, kNewer, kUnnumbered, kGivenBack})
    EXPECT_EQ(next(kWished, former), "DropFormer") << former->comment;
  for (const auto& former : {kUsers, kAdopted, kAdoptedAndGivenBack})
    EXPECT_EQ(next(kWished, former), "KeepFormer") << former->comment;
}

TEST(NextSwapStep, LeavesAnotherPipesTableWhatAndWhereItIs) {
  EXPECT_EQ(next(kOthers, kWished), "TargetNotOurs");
  EXPECT_EQ(next(kWished, kOthers), "PutBack") << "it was exchanged before anybody could see whose it is";
}

TEST(NextSwapStep, KeepsTheTableOfAPipeThatIsTakenOver) {
  const TakeOver gone{true, {{"somebody", "data/somebody", {"orders"}}, {"them", "data/theirs", {"other"}}}};
  EXPECT_EQ(next(kOthers, kWished, gone), "Exchange");
  EXPECT_EQ(next(kWished, kOthers, gone), "KeepFormer");
  const TakeOver alive{true, {{"them", "data/theirs", {"orders"}}}};
  EXPECT_EQ(next(kOthers, kWished, alive), "TargetNotOurs");
  EXPECT_EQ(next(kWished, kOthers, alive), "PutBack");
}

TEST(NextSwapStep, IsNoneWhenTheFormerTableIsGone) {
  EXPECT_EQ(next(kWished, kAbsent), "Done");
}

TEST(NextSwapStep, IsNotGuessedWhenTheLoadedTableIsNowhere) {
  const std::optional<TargetTable> others[] = {kAbsent, kOlder, kNewer, kUnnumbered, kUsers, kOthers};
  for (const auto& target : others)
    for (const auto& staging : others)
      EXPECT_EQ(next(target, staging), "SwapSourceMissing");
}

TEST(NextSwapStep, IsNotGuessedWhenBothAreTheLoadedTable) {
  EXPECT_EQ(next(kWished, kWished), "SwapAmbiguous");
}

TEST(KeptName, IsTheTargetsWithTheLoad) {
  EXPECT_EQ(kept_name("shop", "orders", 7, 1), "orders_before_7");
  EXPECT_EQ(kept_name("shop", "orders", 7, 2), "orders_before_7_2");
}

TEST(KeptName, OfALongTargetIsCutBetweenCharacters) {
  const auto cut = [](const std::string& target) { return kept_name("shop", target, 7, 1); };
  EXPECT_EQ(cut(std::string(200, 'a')), std::string(200, 'a') + "_before_7");
  EXPECT_EQ(cut(std::string(201, 'a')), std::string(200, 'a') + "_before_7");
  std::string ducks;
  for (int count = 0; count < 30; ++count)
    ducks += "🦆";
  EXPECT_EQ(cut(ducks), ducks.substr(0, 16 * 4) + "_before_7");
  EXPECT_EQ(kept_name(std::string(300, 'd'), "orders", 7, 1), "o_before_7") << "such a database cannot be";
}

}  // namespace
}  // namespace penstock::clickhouse
