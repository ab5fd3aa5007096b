// How the status's tables change with the manifest.

#include "reconcilers/pipe/tables.hpp"

#include <gmock/gmock.h>

#include "tests/unit/reconcilers/world.hpp"

namespace penstock::reconcile::test {
namespace {

std::vector<std::string> names(const PipeStatus& status) {
  std::vector<std::string> out;
  for (const auto& one : status.tables)
    out.push_back(one.source);
  return out;
}

TEST(OwnName, SaysWhichGenerationItBelongsTo) {
  EXPECT_EQ(own_prefix("a-b"), "penstock_a_b");
  EXPECT_EQ(own_name("a-b", 7), "penstock_a_b_7");
}

TEST(DeclaredTables, KeepWhatIsKnownInTheOrderOfTheSpec) {
  auto view = loading();
  table(view, 0).rows_loaded = 7;
  view.pipe.spec.tables = {table_spec("public.new"), table_spec("public.orders")};
  const auto status = with_declared_tables(view.pipe);
  EXPECT_THAT(names(status), testing::ElementsAre("public.new", "public.orders"));
  EXPECT_EQ(status.tables[0].state, TableState::Pending);
  EXPECT_EQ(status.tables[0].load_generation, 0) << "what is there will tell";
  EXPECT_EQ(status.tables[1].rows_loaded, 7);
}

TEST(DeclaredTables, TakeUpWhatWasCorrectedInTheSpecBeforeTheyAreMade) {
  auto view = fresh();
  view.pipe.status = with_declared_tables(view.pipe);
  view.pipe.spec.tables[0].order_by = {"id"};
  EXPECT_EQ(with_declared_tables(view.pipe).tables[0].settings->order_by, (std::vector<std::string>{"id"}));
}

TEST(TablesToLoad, ANewOneJoinsAtTheEnd) {
  auto view = streaming();
  view.pipe.spec.tables.push_back(table_spec("public.items"));
  const auto status = with_tables_to_load(view.pipe, {"public.items"});
  ASSERT_EQ(status.tables.size(), 3u);
  EXPECT_EQ(status.tables[2].target, "items");
  EXPECT_TRUE(status.tables[2].added_later);
  EXPECT_FALSE(status.tables[2].staged);
  EXPECT_EQ(status.tables[0], view.pipe.status.tables[0]);
}

TEST(TablesToLoad, AKnownOneIsLoadedBesideItsTargetWithTheSettingsOfTheSpec) {
  auto view = streaming();
  view.pipe.spec.tables[0].order_by = {"tenant", "id"};
  view.pipe.spec.tables[0].resync_generation = 2;
  table(view, 0).rows_loaded = 9;
  table(view, 0).message = "it could not go on";
  const auto status = with_tables_to_load(view.pipe, {"public.orders"});
  const auto& entry = status.tables[0];
  EXPECT_EQ(entry.state, TableState::Pending);
  EXPECT_EQ(entry.load_generation, 2);
  EXPECT_TRUE(entry.staged);
  EXPECT_TRUE(entry.added_later);
  EXPECT_TRUE(entry.making);
  EXPECT_EQ(entry.observed_resync_generation, 2);
  EXPECT_EQ(entry.settings->order_by, (std::vector<std::string>{"tenant", "id"}));
  EXPECT_EQ(entry.rows_loaded, 0);
  EXPECT_EQ(entry.message, "it could not go on") << "until it is well";
  EXPECT_EQ(status.tables[1], view.pipe.status.tables[1]);
}

TEST(TablesToLoad, AWatermarkNeverGoesDown) {
  auto view = streaming();
  table(view, 0).observed_resync_generation = 3;
  EXPECT_EQ(with_tables_to_load(view.pipe, {"public.orders"}).tables[0].observed_resync_generation, 3)
      << "the spec was set back to 0, and back to 3 is no news";
}

TEST(TablesToLoad, RememberWhatWasExcludedUntilALoadHasBegun) {
  auto view = streaming();
  table(view, 0).source_definition = "as it was loaded";
  view.pipe.spec.tables[0].excluded_columns = {"card"};
  const auto entry_of = [&] { return with_tables_to_load(view.pipe, {"public.orders"}).tables[0]; };
  EXPECT_EQ(entry_of().former_definition, "as it was loaded");
  EXPECT_EQ(entry_of().source_definition, "");
  EXPECT_EQ(with_tables_of_resync(view.pipe).tables[0].former_definition, "as it was loaded");
  table(view, 0) = entry_of();
  EXPECT_EQ(entry_of().former_definition, "as it was loaded");
  table(view, 0).load_generation = 0;
  EXPECT_EQ(with_declared_tables(view.pipe).tables[0].former_definition, "as it was loaded");
}

TEST(TablesToLoad, ThatAreYetToBeMadeTakeUpWhichColumnsStayOut) {
  auto view = streaming();
  view.pipe.spec.tables[0].excluded_columns = {"card", "pan"};
  view.pipe.spec.tables[1].excluded_columns = {"card"};
  table(view, 0).making = true;
  const auto status = with_declared_tables(view.pipe);
  EXPECT_THAT(status.tables[0].settings->excluded_columns, testing::ElementsAre("card", "pan"));
  EXPECT_THAT(status.tables[1].settings->excluded_columns, testing::IsEmpty()) << "it is there as it is";
  view.pipe.spec.mode = Mode::CdcOnly;
  EXPECT_THAT(with_tables_of_resync(view.pipe).tables[0].settings->excluded_columns,
              testing::ElementsAre("card", "pan"));
}

TEST(TablesToLoad, KnowTheExcludedColumnsAsSetupSawThem) {
  SetupFacts facts;
  facts.tables.push_back({"public.orders", 0, 1, false, {}, "", "as Setup saw it"});
  EXPECT_EQ(with_tables_made(streaming().pipe.status, facts).tables[0].former_definition, "as Setup saw it");
}

TEST(TablesToLoad, ANullTableIsNotStaged) {
  auto view = streaming();
  view.pipe.spec.tables[0].engine = TableEngine::Null;
  EXPECT_FALSE(with_tables_to_load(view.pipe, {"public.orders"}).tables[0].staged);
}

TEST(TablesToLoad, UnderAnotherNameWhatIsThereDecides) {
  auto view = streaming();
  view.pipe.spec.tables[0].target = "orders2";
  const auto entry = with_tables_to_load(view.pipe, {"public.orders"}).tables[0];
  EXPECT_EQ(entry.target, "orders2");
  EXPECT_EQ(entry.load_generation, 0);
}

TEST(WithoutTables, TheOthersStay) {
  EXPECT_THAT(names(without_tables(streaming().pipe, {"public.orders"})),
              testing::ElementsAre("public.customers"));
}

TEST(ResyncBegun, NamesSlotAndPublicationAnewAndLeavesTheTables) {
  auto view = streaming();
  view.pipe.spec.resync_generation = 4;
  const auto status = with_resync_begun(view.pipe, kNow);
  EXPECT_EQ(status.resync, (ResyncStatus{4, ResyncStep::TakeDown, kNow}));
  EXPECT_EQ(status.observed_resync_generation, 0) << "it is not carried out yet";
  EXPECT_EQ(status.replication.slot, own_name(kUid, 4));
  EXPECT_EQ(status.replication.publication, own_name(kUid, 4));
  EXPECT_EQ(status.replication.start_lsn, "");
  EXPECT_EQ(status.tables, view.pipe.status.tables) << "the former stream still writes to them";
}

TEST(ResyncBegun, LeavesTheUsersSlotAndPublication) {
  auto view = streaming();
  view.pipe.spec.resync_generation = 4;
  auto& replication = view.pipe.status.replication;
  replication.slot = "mine";
  replication.publication = "pub";
  replication.owns_slot = replication.owns_publication = false;
  const auto status = with_resync_begun(view.pipe, kNow);
  EXPECT_EQ(status.replication.slot, "mine");
  EXPECT_EQ(status.replication.publication, "pub");
}

TEST(ResyncBegun, DuringAResyncBeginsAtItsFirstStep) {
  auto view = resyncing(ResyncStep::Load);
  view.pipe.spec.resync_generation = 2;
  const auto status = with_resync_begun(view.pipe, kNow);
  EXPECT_EQ(status.resync->target_generation, 2);
  EXPECT_EQ(status.resync->step, ResyncStep::TakeDown);
  EXPECT_EQ(status.replication.slot, own_name(kUid, 2));
}

TEST(TablesOfAResync, AreSetBackAndNewOnesDeclared) {
  auto view = streaming();
  view.pipe.spec.tables.push_back(table_spec("public.items"));
  table(view, 0).message = "it could not go on";
  const auto status = with_tables_of_resync(view.pipe);
  EXPECT_THAT(names(status), testing::ElementsAre("public.orders", "public.customers", "public.items"));
  EXPECT_EQ(status.tables[0].load_generation, 2);
  EXPECT_TRUE(status.tables[0].staged);
  EXPECT_EQ(status.tables[0].message, "");
  EXPECT_EQ(status.tables[2].load_generation, 0);
}

TEST(TablesOfAResync, DuringAResyncCountOn) {
  const auto view = resyncing(ResyncStep::Load);
  EXPECT_EQ(with_tables_of_resync(view.pipe).tables[0].load_generation, 3)
      << "the staging table of the former is replaced";
}

TEST(TablesOfAResync, ThatWereNeverMadeAreNotCounted) {
  auto view = streaming();
  view.pipe.spec.tables.push_back(table_spec("public.items"));
  view.pipe.status = with_tables_of_resync(view.pipe);
  const auto status = with_tables_of_resync(view.pipe);
  EXPECT_EQ(status.tables[2].load_generation, 0) << "its target may be there, of load 1";
  EXPECT_FALSE(status.tables[2].staged);
}

TEST(TablesOfAResync, WithoutALoadGoOnAsTheyAre) {
  auto view = streaming();
  view.pipe.spec.mode = Mode::CdcOnly;
  table(view, 0).state = TableState::Failed;
  table(view, 0).message = "it could not go on";
  table(view, 0).source_partitions = "1:2";
  const auto status = with_tables_of_resync(view.pipe);
  EXPECT_EQ(status.tables[0].source_partitions, "") << "they are taken as they are by now";
  EXPECT_EQ(status.tables[0].state, TableState::Pending);
  EXPECT_EQ(status.tables[0].message, "");
  EXPECT_FALSE(status.tables[0].staged);
}

TEST(AbandonedStaging, IsThatOfTablesWithAnotherTargetNow) {
  auto view = streaming();
  table(view, 1).staged = true;
  view.pipe.spec.tables[0].target = "other";
  const auto after = with_tables_of_resync(view.pipe);
  EXPECT_THAT(abandoned_staging(view.pipe.status, after), testing::ElementsAre("orders"));
}

TEST(TablesMade, WhatWasFoundOutIsRecorded) {
  auto view = fresh();
  const SetupFacts facts{{"42", 1, "shop"}, {{"public.orders", 10, 3, true}}};
  const auto status = with_tables_made(with_declared_tables(view.pipe), facts);
  EXPECT_EQ(status.source, (SourceIdentity{"42", 1, "shop"}));
  EXPECT_EQ(status.tables[0].rows_estimated, 10);
  EXPECT_EQ(status.tables[0].load_generation, 3);
  EXPECT_TRUE(status.tables[0].staged);
  EXPECT_FALSE(status.resync);
}

TEST(TablesMade, ThatAreNewlyPublishedStaySoThoughTheyAreDeclaredAgain) {
  auto view = streaming();
  SetupFacts facts{{"42", 1, "shop"}, {{"public.orders", 10, 3, true}}};
  facts.tables[0].newly_published = true;
  view.pipe.status = with_tables_made(with_tables_to_load(view.pipe, {"public.orders"}), facts);
  EXPECT_TRUE(table(view, 0).newly_published);
  facts.tables[0].newly_published = false;
  view.pipe.status = with_tables_made(with_tables_to_load(view.pipe, {"public.orders"}), facts);
  EXPECT_TRUE(table(view, 0).newly_published) << "it has not been loaded since";
  EXPECT_FALSE(table(view, 1).newly_published);
}

TEST(TablesMade, AResyncGoesOnToItsLoad) {
  const auto status =
      with_tables_made(resyncing(ResyncStep::MakeTables).pipe.status, {{"42", 1, "shop"}, {}});
  EXPECT_EQ(status.resync->step, ResyncStep::Load);
}

TEST(TablesSwapped, AResyncIsOverAndItsOwnGenerationObserved) {
  auto view = ready_to_swap();
  view.pipe.spec.resync_generation = 5;  // raised meanwhile: another resync
  const auto status = with_tables_swapped(view.pipe, {{"public.orders", "orders", 2}});
  EXPECT_FALSE(status.resync);
  EXPECT_EQ(status.observed_resync_generation, 1);
  EXPECT_EQ(status.tables[0].state, TableState::Streaming);
  EXPECT_FALSE(status.tables[0].staged);
  EXPECT_TRUE(status.tables[1].staged) << "it was not among them";
}

TEST(TablesSwapped, WithoutAStreamTheyAreCompleted) {
  auto view = completed();
  make_ready_to_swap(table(view, 0));
  table(view, 0).message = "it could not go on";
  const auto status = with_tables_swapped(view.pipe, {{"public.orders", "orders", 2}});
  EXPECT_EQ(status.tables[0].state, TableState::Completed);
  EXPECT_EQ(status.tables[0].message, "");
}

TEST(SettingsThatWait, AreNamed) {
  auto pipe = streaming().pipe;
  EXPECT_EQ(what_waits_for_a_resync(pipe), "");
  pipe.spec.tables[0].target = "o";
  pipe.spec.tables[0].excluded_columns = {"card"};
  pipe.spec.tables[0].columns = {{"a", "String", Unrepresentable::Fail}};
  pipe.spec.tables[1].partition_by = "toYYYYMM(at)";
  EXPECT_EQ(what_waits_for_a_resync(pipe),
            "public.orders: target, excludedColumns, columns; public.customers: partitionBy");
  pipe.spec.tables.push_back(table_spec("public.items"));
  pipe.spec.tables[0] = table_spec("public.orders");
  pipe.spec.tables[1] = table_spec("public.customers");
  pipe.spec.tables[0].on_truncate = OnTruncate::Ignore;
  EXPECT_EQ(what_waits_for_a_resync(pipe), "") << "taken up live";
  pipe.spec.tables[0].order_by = {"id"};
  pipe.status.tables[0].load_generation = 0;
  EXPECT_EQ(what_waits_for_a_resync(pipe), "") << "taken up when it is made";
}

TEST(ALook, TakesUpTheTimelineThatAFailoverBrings) {
  auto view = loading();
  const auto before = view.pipe.status.source->timeline;
  ProbeFacts facts;
  EXPECT_EQ(with_probe(view.pipe, facts).source->timeline, before) << "not known";
  facts.timeline = before + 1;
  EXPECT_EQ(with_probe(view.pipe, facts).source->timeline, before + 1);
}

}  // namespace
}  // namespace penstock::reconcile::test
