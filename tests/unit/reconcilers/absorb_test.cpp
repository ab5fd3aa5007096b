// What the runs say of themselves → the status.

#include <gmock/gmock.h>

#include "reconcilers/pipe/record.hpp"
#include "tests/unit/reconcilers/world.hpp"

namespace penstock::reconcile::test {
namespace {

TEST(FirstStatus, NamesSlotAndPublicationByUidAndGeneration) {
  auto view = fresh();
  view.pipe.status = {};
  view.pipe.spec.resync_generation = 5;
  const auto status = first_status(view.pipe);
  EXPECT_EQ(status.replication.slot, "penstock_11111111_2222_3333_4444_555555555555_5");
  EXPECT_EQ(status.replication.publication, status.replication.slot);
  EXPECT_TRUE(status.replication.owns_slot);
  EXPECT_EQ(status.observed_resync_generation, 5) << "a generation first seen is not a wish for a resync";
}

TEST(FirstStatus, LeavesTheUsersOwnAlone) {
  auto view = fresh();
  view.pipe.status = {};
  view.pipe.spec.mode = Mode::CdcOnly;
  view.pipe.spec.source.replication_slot = "mine";
  view.pipe.spec.source.publication = "pub";
  const auto status = first_status(view.pipe);
  EXPECT_EQ(status.replication.slot, "mine");
  EXPECT_FALSE(status.replication.owns_slot);
  EXPECT_EQ(status.replication.publication, "pub");
  EXPECT_FALSE(status.replication.owns_publication);
}

TEST(FirstStatus, ASnapshotAloneHoldsNothingInTheSource) {
  auto view = fresh();
  view.pipe.status = {};
  view.pipe.spec.mode = Mode::SnapshotOnly;
  EXPECT_EQ(first_status(view.pipe).replication, ReplicationStatus{});
}

TableFacts facts(const std::string& source, bool finished) {
  auto out = said_of(source);
  out.load_finished = finished;
  out.load = {"10;1:2:4", finished ? "0-3" : "0-1", "0/150"};
  out.source_partitions = "1:0";
  out.rows_loaded = finished ? 400 : 200;
  out.rows_estimated = 400;
  out.partitions_loaded = finished ? 4 : 2;
  out.partitions_total = 4;
  return out;
}

View loaded(bool finished) {
  auto view = loading();
  view.run.load.tables = {facts("public.orders", finished)};
  return view;
}

TEST(Absorb, KeepsTheProgressOfALoad) {
  const auto view = loaded(false);
  const auto status = absorb(view.pipe, view.run);
  EXPECT_EQ(status.tables[0].state, TableState::Loading);
  EXPECT_EQ(status.tables[0].rows_loaded, 200);
  ASSERT_TRUE(status.tables[0].load);
  EXPECT_EQ(status.tables[0].load->done, "0-1");
  EXPECT_EQ(status.tables[0].source_partitions, "1:0") << "what joins or leaves from now on is told of";
  EXPECT_EQ(status.tables[1].state, TableState::Pending) << "nothing was said of it";
}

TEST(Absorb, TakesWhatLooksHaveFoundSinceALoadBeganForNewerThanTheLoad) {
  auto view = loaded(false);
  view.pipe.status = absorb(view.pipe, view.run);
  table(view, 0).source_partitions = "1:0,2:0";
  table(view, 0).source_definition = "as it was looked at";
  for (const bool finished : {false, true}) {
    view.run.load.tables = {facts("public.orders", finished)};
    const auto status = absorb(view.pipe, view.run);
    EXPECT_EQ(status.tables[0].source_partitions, "1:0,2:0");
    EXPECT_EQ(status.tables[0].source_definition, "as it was looked at");
  }
}

TEST(Absorb, ALoadedTableIsNotNewlyPublishedAnyMore) {
  auto view = loaded(false);
  table(view, 0).newly_published = true;
  EXPECT_TRUE(absorb(view.pipe, view.run).tables[0].newly_published);
  view.run.load.tables = {facts("public.orders", true)};
  EXPECT_FALSE(absorb(view.pipe, view.run).tables[0].newly_published);
}

TEST(Absorb, TakesALogsPartitionsFromEachBeginningOfItsLoad) {
  auto view = loaded(false);
  table(view, 0).settings->engine = TableEngine::MergeTree;
  view.pipe.status = absorb(view.pipe, view.run);
  table(view, 0).source_partitions = "1:0,2:0";
  EXPECT_EQ(absorb(view.pipe, view.run).tables[0].source_partitions, "1:0");
}

TEST(Absorb, ALoadedTableCatchesUpBeforeItStreams) {
  auto view = loaded(true);
  view.pipe.status = absorb(view.pipe, view.run);
  EXPECT_EQ(view.pipe.status.tables[0].state, TableState::CatchingUp);

  view.run.stream = active_stream();
  view.run.stream.tables = {said_of("public.orders")};
  view.run.stream.confirmed = Lsn{0x14F};
  EXPECT_EQ(absorb(view.pipe, view.run).tables[0].state, TableState::CatchingUp)
      << "the stream is below its snapshot";
  view.run.stream.confirmed = Lsn{0x150};
  const auto status = absorb(view.pipe, view.run);
  EXPECT_EQ(status.tables[0].state, TableState::Streaming);
  EXPECT_FALSE(status.tables[0].load);
}

TEST(Absorb, ATableInResyncIsReadyForTheSwapWhenItHasCaughtUp) {
  auto view = loaded(true);
  table(view, 0).staged = true;
  view.run.stream = active_stream();
  view.run.stream.tables = {said_of("public.orders")};
  view.run.stream.confirmed = Lsn{0x150};
  const auto status = absorb(view.pipe, view.run);
  EXPECT_EQ(status.tables[0].state, TableState::CatchingUp);
  EXPECT_FALSE(status.tables[0].load) << "what says that it is ready";
}

TEST(Absorb, ALoadedTableOfASnapshotIsCompleted) {
  auto view = loaded(true);
  view.pipe.spec.mode = Mode::SnapshotOnly;
  EXPECT_EQ(absorb(view.pipe, view.run).tables[0].state, TableState::Completed);
  table(view, 0).staged = true;
  EXPECT_EQ(absorb(view.pipe, view.run).tables[0].state, TableState::CatchingUp)
      << "in _resync it waits for the swap";
}

TEST(Absorb, ALoadedTableIsNotUndoneByALaterLoad) {
  auto view = loaded(false);
  table(view, 0).state = TableState::Streaming;
  table(view, 0).partitions_loaded = 4;
  const auto status = absorb(view.pipe, view.run);
  EXPECT_EQ(status.tables[0].state, TableState::Streaming);
  EXPECT_EQ(status.tables[0].partitions_loaded, 4);
}

TEST(Absorb, WhatARunSaysOfAFormerMakingOfATableIsNotHeard) {
  auto view = loaded(true);
  table(view, 0).load_generation = 2;
  view.run.load.tables[0].error = Error{ErrorKind::BadData, "R", "m", "c"};
  EXPECT_EQ(absorb(view.pipe, view.run).tables[0].state, TableState::Pending);
}

TEST(Absorb, ATableThatCannotGoOnIsSetApart) {
  const Error error{ErrorKind::BadData, "UnrepresentableValue", "too large", "override it"};
  auto load = loaded(false);
  load.run.load.tables[0].error = error;
  auto stream = streaming();
  stream.run.stream.tables = {said_of("public.orders")};
  stream.run.stream.tables[0].error = error;
  for (const auto& view : {load, stream}) {
    const auto status = absorb(view.pipe, view.run);
    EXPECT_EQ(status.tables[0].state, TableState::Failed);
    EXPECT_EQ(status.tables[0].message, "too large. override it");
    EXPECT_NE(status.tables[1].state, TableState::Failed);
  }
}

TEST(Absorb, ATableHasALagWhileItIsStreamed) {
  auto view = streaming();
  view.run.stream.connected = true;
  view.run.stream.tables = {said_of("public.orders")};
  view.run.stream.tables[0].lag_seconds = 7;
  view.pipe.status = absorb(view.pipe, view.run);
  EXPECT_EQ(table(view, 0).lag_seconds, 7);
  EXPECT_EQ(table(view, 1).lag_seconds, std::nullopt) << "nothing was said of it";
  view.run.stream.connected = false;
  view.run.stream.tables[0].lag_seconds = 0;
  EXPECT_EQ(absorb(view.pipe, view.run).tables[0].lag_seconds, 7) << "nothing is read yet";
  view.run.stream.tables[0].error = Error{ErrorKind::BadData, "Refused", "it is refused", ""};
  EXPECT_EQ(absorb(view.pipe, view.run).tables[0].lag_seconds, std::nullopt);
}

TEST(Absorb, AStreamAloneMakesATableStream) {
  auto view = ready_to_load();
  view.pipe.spec.mode = Mode::CdcOnly;
  view.run.stream = active_stream();
  view.run.stream.tables = {said_of("public.orders")};
  EXPECT_EQ(absorb(view.pipe, view.run).tables[0].state, TableState::Streaming);
}

TEST(Absorb, BeforeSetupAGenerationIsTakenOver) {
  auto view = fresh();
  view.pipe.spec.paused = true;
  view.pipe.spec.resync_generation = 4;
  EXPECT_EQ(absorb(view.pipe, {}).observed_resync_generation, 4);
  view.pipe.status.observed_resync_generation = 6;
  EXPECT_EQ(absorb(view.pipe, {}).observed_resync_generation, 6) << "the watermark never goes down";
  auto running = streaming();
  running.pipe.spec.resync_generation = 4;
  EXPECT_EQ(absorb(running.pipe, {}).observed_resync_generation, 0) << "here it is a wish";
}

}  // namespace
}  // namespace penstock::reconcile::test
