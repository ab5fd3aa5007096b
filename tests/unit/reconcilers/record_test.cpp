#include "reconcilers/pipe/record.hpp"

#include <gmock/gmock.h>

#include "core/error_policy.hpp"
#include "reconcilers/pipe/conditions.hpp"
#include "reconcilers/placement/placement.hpp"
#include "tests/unit/reconcilers/world.hpp"

namespace penstock::reconcile {
namespace {

using test::fresh;
using test::kNow;
using test::loading;
using test::streaming;

std::string condition_line(const std::vector<Condition>& conditions) {
  std::string out;
  for (const auto& one : conditions)
    out += (out.empty() ? "" : " ") + one.type + "=" + (one.status ? "True" : "False") + ":" + one.reason;
  return out;
}

std::string conditions(PipeState state, std::optional<Error> fault = std::nullopt) {
  return condition_line(conditions_of(state, "m", fault, 3));
}

TEST(Conditions, AreThoseOfTheTableForEveryState) {
  EXPECT_EQ(conditions(PipeState::Provisioning), "Ready=False:Provisioning Reconciling=True:Provisioning");
  EXPECT_EQ(conditions(PipeState::Setup), "Ready=False:Setup Reconciling=True:Setup");
  EXPECT_EQ(conditions(PipeState::Snapshot), "Ready=False:Snapshot Reconciling=True:Snapshot");
  EXPECT_EQ(conditions(PipeState::Modifying), "Ready=False:Modifying Reconciling=True:Modifying");
  EXPECT_EQ(conditions(PipeState::Resync), "Ready=False:Resync Reconciling=True:Resync");
  EXPECT_EQ(conditions(PipeState::Pausing), "Ready=False:Pausing Reconciling=True:Pausing");
  EXPECT_EQ(conditions(PipeState::Running), "Ready=True:Running");
  EXPECT_EQ(conditions(PipeState::Paused), "Ready=True:Paused Paused=True:Paused");
  EXPECT_EQ(conditions(PipeState::Completed), "Ready=True:Completed");
  EXPECT_EQ(conditions(PipeState::Failed, Error{ErrorKind::Terminal, "SlotLost", "", ""}),
            "Ready=False:SlotLost Stalled=True:SlotLost");
}

TEST(Conditions, AFaultThatAPersonMustMendStalls) {
  EXPECT_EQ(conditions(PipeState::Setup, Error{ErrorKind::NeedsUser, "TableNotFound", "", ""}),
            "Ready=False:TableNotFound Stalled=True:TableNotFound");
  EXPECT_EQ(conditions(PipeState::Running, Error{ErrorKind::BadData, "UnrepresentableValue", "", ""}),
            "Ready=False:UnrepresentableValue Stalled=True:UnrepresentableValue");
}

TEST(Conditions, AFaultThatWaitingCuresKeepsProgressing) {
  EXPECT_EQ(conditions(PipeState::Running, Error{ErrorKind::Transient, "SourceUnreachable", "", ""}),
            "Ready=False:ProgressingWithRetry Reconciling=True:ProgressingWithRetry");
}

TEST(FirstStatus, NamesSlotAndPublicationByTheUid) {
  auto view = fresh();
  view.pipe.status = {};
  view.pipe.spec.resync_generation = 5;
  const auto status = first_status(view.pipe);
  EXPECT_EQ(status.replication.slot, "penstock_11111111_2222_3333_4444_555555555555");
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

TableFacts facts(const std::string& source, bool finished) {
  TableFacts out;
  out.source = source;
  out.load_finished = finished;
  out.load = {"10;1:2:4", finished ? "0-3" : "0-1", "0/150"};
  out.rows_loaded = finished ? 400 : 200;
  out.rows_estimated = 400;
  out.partitions_loaded = finished ? 4 : 2;
  out.partitions_total = 4;
  return out;
}

TEST(Absorb, KeepsTheProgressOfALoad) {
  auto view = loading();
  view.run.tables = {facts("public.orders", false)};
  const auto status = absorb(view.pipe, view.run);
  EXPECT_EQ(status.tables[0].state, TableState::Loading);
  EXPECT_EQ(status.tables[0].rows_loaded, 200);
  ASSERT_TRUE(status.tables[0].load);
  EXPECT_EQ(status.tables[0].load->done, "0-1");
  EXPECT_EQ(status.tables[1].state, TableState::Pending) << "nothing was said of it";
}

TEST(Absorb, ALoadedTableCatchesUpBeforeItStreams) {
  auto view = loading();
  view.run.tables = {facts("public.orders", true)};
  view.pipe.status = absorb(view.pipe, view.run);
  EXPECT_EQ(view.pipe.status.tables[0].state, TableState::CatchingUp);

  view.run = streaming().run;
  view.run.tables = {facts("public.orders", true)};
  view.run.confirmed = Lsn{0x14F};
  EXPECT_EQ(absorb(view.pipe, view.run).tables[0].state, TableState::CatchingUp)
      << "the stream is below its snapshot";
  view.run.confirmed = Lsn{0x150};
  const auto status = absorb(view.pipe, view.run);
  EXPECT_EQ(status.tables[0].state, TableState::Streaming);
  EXPECT_FALSE(status.tables[0].load);
}

TEST(Absorb, ALoadedTableOfASnapshotIsCompleted) {
  auto view = loading();
  view.pipe.spec.mode = Mode::SnapshotOnly;
  view.run.tables = {facts("public.orders", true)};
  EXPECT_EQ(absorb(view.pipe, view.run).tables[0].state, TableState::Completed);
}

TEST(Absorb, ALoadedTableIsNotUndoneByALaterLoad) {
  auto view = loading();
  view.pipe.status.tables[0].state = TableState::Streaming;
  view.pipe.status.tables[0].partitions_loaded = 4;
  view.run.tables = {facts("public.orders", false)};
  const auto status = absorb(view.pipe, view.run);
  EXPECT_EQ(status.tables[0].state, TableState::Streaming);
  EXPECT_EQ(status.tables[0].partitions_loaded, 4);
}

TEST(AfterSetup, KeepsWhatIsKnownOfATable) {
  auto view = loading();
  view.pipe.status.tables[0].rows_loaded = 7;
  const auto status = after_setup(
      view.pipe, {{"42", 1, "shop"}, {{"public.orders", "orders", 10}, {"public.new", "new", 3}}});
  ASSERT_EQ(status.tables.size(), 2u);
  EXPECT_EQ(status.tables[0].rows_loaded, 7);
  EXPECT_EQ(status.tables[1].source, "public.new");
  EXPECT_EQ(status.tables[1].state, TableState::Pending);
}

Decision decided(PipeState state, std::optional<Error> fault = std::nullopt) {
  Decision out;
  out.state = state;
  out.message = fault ? fault->text() : "message";
  out.fault = std::move(fault);
  out.action = Rest{};
  return out;
}

TEST(Events, OneForEachNewState) {
  auto before = streaming().pipe;
  const auto decision = decided(PipeState::Pausing);
  const auto after = with_decision(before, before.status, decision, kNow);
  EXPECT_THAT(events_between(before.status, after, decision),
              testing::ElementsAre(EventNote{false, "Pausing", "message"}));
  EXPECT_THAT(events_between(after, after, decision), testing::IsEmpty());
}

TEST(Events, OneWarningForEachNewFault) {
  auto before = streaming().pipe;
  const Error fault{ErrorKind::Transient, "SourceUnreachable", "down", "start it"};
  const auto decision = decided(PipeState::Running, fault);
  const auto after = with_decision(before, before.status, decision, kNow);
  EXPECT_THAT(events_between(before.status, after, decision),
              testing::ElementsAre(EventNote{true, "SourceUnreachable", "down. start it"}));
  EXPECT_THAT(events_between(after, after, decision), testing::IsEmpty())
      << "the same fault again is not news";
}

TEST(Events, AStateThatBeginsHeldUpLeavesTheReasonToTheWarning) {
  auto before = streaming().pipe;
  const auto decision =
      decided(PipeState::Setup, Error{ErrorKind::NeedsUser, "SecretMissing", "none", "make it"});
  const auto after = with_decision(before, before.status, decision, kNow);
  EXPECT_THAT(events_between(before.status, after, decision),
              testing::ElementsAre(EventNote{false, "Setup", "Held up"},
                                   EventNote{true, "SecretMissing", "none. make it"}));
}

TEST(WithDecision, MovesTheTransitionTimeOnlyWhenAStatusFlips) {
  auto pipe = streaming().pipe;
  pipe.status = with_decision(pipe, pipe.status, decided(PipeState::Running), kNow);
  const auto later =
      with_decision(pipe, pipe.status, decided(PipeState::Running), kNow + std::chrono::hours(1));
  EXPECT_EQ(later, pipe.status);
  const auto paused =
      with_decision(pipe, pipe.status, decided(PipeState::Setup), kNow + std::chrono::hours(1));
  EXPECT_EQ(paused.conditions[0].last_transition_time, kNow + std::chrono::hours(1));
  EXPECT_EQ(paused.observed_generation, pipe.generation);
}

TEST(Retry, WaitsLongerEachTimeUpToThirtySeconds) {
  auto view = streaming();
  const Error fault{ErrorKind::Transient, "SourceUnreachable", "down", ""};
  std::optional<Retry> retry;
  for (int failures = 1; failures <= 12; ++failures) {
    retry = after_failure(retry, fault, view);
    EXPECT_EQ(retry->failures, failures);
    EXPECT_LE(retry->next - view.now, std::chrono::seconds(30));
  }
  EXPECT_EQ(retry->next - view.now, std::chrono::seconds(30));
  view.pipe.generation = 2;
  EXPECT_EQ(after_failure(retry, fault, view).failures, 1) << "another spec is another attempt";
}

TEST(Retry, WhatNoWaitingCuresIsNotTriedAgain) {
  const auto view = streaming();
  const auto retry = after_failure(std::nullopt, {ErrorKind::Terminal, "SlotLost", "gone", "resync"}, view);
  auto later = view;
  later.retry = retry;
  later.now += std::chrono::hours(24);
  EXPECT_FALSE(may_try(later));
}

TEST(HasMoved, OnlyProgressEndsARetry) {
  auto view = loading();
  view.run.tables = {facts("public.orders", false)};
  EXPECT_TRUE(has_moved(view.pipe.status, view.run));
  view.pipe.status = absorb(view.pipe, view.run);
  EXPECT_FALSE(has_moved(view.pipe.status, view.run));
  auto stream = streaming();
  EXPECT_TRUE(has_moved(stream.pipe.status, stream.run));
  stream.run.connected = false;
  EXPECT_FALSE(has_moved(stream.pipe.status, stream.run));
}

TEST(Placement, GivesToTheWorkerWithTheFewestPipes) {
  Pipe pipe;
  Pipe on_a;
  on_a.status.worker = "a";
  EXPECT_EQ(place(pipe, {"a", "b"}, {on_a}), "b");
  EXPECT_EQ(place(pipe, {"a", "b"}, {}), "a");
  EXPECT_EQ(place(pipe, {}, {}), std::nullopt);
  EXPECT_EQ(place(on_a, {"a", "b"}, {on_a}), std::nullopt) << "it has one";
  EXPECT_EQ(place(on_a, {"b"}, {on_a}), "b") << "its worker is gone";
}

}  // namespace
}  // namespace penstock::reconcile
