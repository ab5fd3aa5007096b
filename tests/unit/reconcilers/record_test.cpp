// Decision → state, conditions, events; failures → retries.

#include "reconcilers/pipe/record.hpp"

#include <gmock/gmock.h>

#include "core/error_policy.hpp"
#include "crds/status_limits.hpp"
#include "reconcilers/pipe/conditions.hpp"
#include "tests/unit/reconcilers/world.hpp"

namespace penstock::reconcile::test {
namespace {

std::string condition_line(const std::vector<Condition>& conditions) {
  std::string out;
  for (const auto& one : conditions)
    out += (out.empty() ? "" : " ") + one.type + "=" + (one.status ? "True" : "False") + ":" + one.reason;
  return out;
}

std::string conditions(PipeState state, const std::optional<Error>& fault = std::nullopt,
                       bool taken_up = true) {
  Decision decision;
  decision.state = state;
  decision.message = "m";
  decision.fault = fault;
  decision.taken_up = taken_up;
  return condition_line(conditions_of(decision, 3));
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
  EXPECT_EQ(conditions(PipeState::Running, Error{ErrorKind::BadData, "TablesFailed", "", ""}),
            "Ready=False:TablesFailed Stalled=True:TablesFailed");
}

TEST(Conditions, ASpecThatIsNotInForceYetIsOnItsWay) {
  EXPECT_EQ(conditions(PipeState::Running, std::nullopt, false),
            "Ready=False:TakingUpChanges Reconciling=True:TakingUpChanges");
}

TEST(Conditions, AFaultThatWaitingCuresKeepsProgressing) {
  EXPECT_EQ(conditions(PipeState::Running, Error{ErrorKind::Transient, "SourceUnreachable", "", ""}),
            "Ready=False:ProgressingWithRetry Reconciling=True:ProgressingWithRetry");
}

Decision decision_for(PipeState state, std::optional<Error> fault = std::nullopt) {
  Decision out;
  out.state = state;
  out.message = fault ? fault->text() : "message";
  out.fault = std::move(fault);
  out.action = Rest{};
  return out;
}

PipeStatus decided_on(const Pipe& pipe, const Decision& decision) {
  auto out = with_decision(pipe, pipe.status, decision, kNow);
  keep_within_schema(out);
  return out;
}

TEST(Texts, AreUtf8SoThatWhatIsKeptIsNoNews) {
  auto pipe = streaming().pipe;
  pipe.status.tables.at(0).message = "caf\xe9";
  const auto decision =
      decision_for(PipeState::Running, Error{ErrorKind::BadData, "TablesFailed", "no caf\xe9", ""});
  pipe.status = decided_on(pipe, decision);
  EXPECT_EQ(pipe.status.message, "no caf?");
  EXPECT_EQ(find_condition(pipe.status.conditions, "Ready")->message, "no caf?");
  EXPECT_EQ(pipe.status.tables.at(0).message, "caf?");
  EXPECT_EQ(decided_on(pipe, decision), pipe.status);
  EXPECT_THAT(events_between(pipe, decided_on(pipe, decision), decision), testing::IsEmpty());
}

TEST(Texts, BringNothingToATerminalThatMovesIt) {
  auto pipe = streaming().pipe;
  pipe.status.tables.at(0).message = "a\x1b[2J";
  const auto decision =
      decision_for(PipeState::Running, Error{ErrorKind::BadData, "TablesFailed", "no\n\x1b[31m\u202e", ""});
  const auto status = decided_on(pipe, decision);
  EXPECT_EQ(status.message, "no\\n\\x1b[31m\\u202e");
  EXPECT_EQ(find_condition(status.conditions, "Ready")->message, "no\\n\\x1b[31m\\u202e");
  EXPECT_EQ(status.tables.at(0).message, "a\\x1b[2J");
}

TEST(Events, OneForEachNewState) {
  auto pipe = streaming().pipe;
  const auto decision = decision_for(PipeState::Pausing);
  const auto after = decided_on(pipe, decision);
  EXPECT_THAT(events_between(pipe, after, decision),
              testing::ElementsAre(EventNote{false, "Pausing", "message"}));
  pipe.status = after;
  EXPECT_THAT(events_between(pipe, after, decision), testing::IsEmpty());
}

TEST(Events, OneWarningForEachNewFault) {
  auto pipe = streaming().pipe;
  const Error fault{ErrorKind::Transient, "SourceUnreachable", "down", "start it"};
  const auto decision = decision_for(PipeState::Running, fault);
  const auto after = decided_on(pipe, decision);
  EXPECT_THAT(events_between(pipe, after, decision),
              testing::ElementsAre(EventNote{true, "SourceUnreachable", "down. start it"}));
  pipe.status = after;
  EXPECT_THAT(events_between(pipe, after, decision), testing::IsEmpty())
      << "the same fault again is not news";
}

TEST(Events, AStateThatBeginsHeldUpLeavesTheReasonToTheWarning) {
  const auto pipe = streaming().pipe;
  const auto decision =
      decision_for(PipeState::Setup, Error{ErrorKind::NeedsUser, "SecretMissing", "none", "make it"});
  EXPECT_THAT(events_between(pipe, decided_on(pipe, decision), decision),
              testing::ElementsAre(EventNote{false, "Setup", "Held up"},
                                   EventNote{true, "SecretMissing", "none. make it"}));
}

TEST(Events, OneWarningForALoweredGeneration) {
  auto pipe = streaming().pipe;
  pipe.status.observed_resync_generation = 3;
  pipe.generation = 2;
  const auto decision = decision_for(PipeState::Running);
  const auto after = decided_on(pipe, decision);
  EXPECT_THAT(events_between(pipe, after, decision),
              testing::ElementsAre(testing::Field(&EventNote::reason, "ResyncGenerationLowered")));
  pipe.status = after;
  EXPECT_THAT(events_between(pipe, after, decision), testing::IsEmpty());
}

TEST(Events, AGenerationThatFellBackDuringItsResyncIsAnsweredAtItsEnd) {
  auto pipe = ready_to_swap().pipe;
  pipe.spec.resync_generation = 0;  // taken back while it was loaded
  pipe.generation = 2;
  auto decision = decision_for(PipeState::Resync);
  EXPECT_THAT(events_between(pipe, decided_on(pipe, decision), decision),
              testing::ElementsAre(testing::Field(&EventNote::reason, "Resync")));
  pipe.status = decided_on(pipe, decision);
  const auto over =
      with_tables_swapped(pipe, {{"public.orders", "orders", 2}, {"public.customers", "customers", 2}});
  const auto lowered = testing::Field(&EventNote::reason, "ResyncGenerationLowered");
  EXPECT_THAT(events_between(pipe, over, decision), testing::ElementsAre(lowered));
  pipe.status = over;
  decision = decision_for(PipeState::Running);
  EXPECT_THAT(events_between(pipe, decided_on(pipe, decision), decision),
              testing::Not(testing::Contains(lowered)))
      << "once";
}

TEST(Events, OneWarningForAResyncThatIsBlocked) {
  auto pipe = streaming().pipe;
  pipe.spec.resync_generation = 1;
  auto decision = decision_for(PipeState::Running);
  decision.resync_blocked = Error{ErrorKind::NeedsUser, "TableNotFound", "none", "make it"};
  const auto after = decided_on(pipe, decision);
  EXPECT_THAT(events_between(pipe, after, decision),
              testing::ElementsAre(EventNote{true, "ResyncBlocked", "none. make it"}));
  pipe.status = after;
  EXPECT_THAT(events_between(pipe, after, decision), testing::IsEmpty());
}

TEST(WithDecision, MovesTheTransitionTimeOnlyWhenAStatusFlips) {
  auto pipe = streaming().pipe;
  pipe.status = decided_on(pipe, decision_for(PipeState::Running));
  const auto later =
      with_decision(pipe, pipe.status, decision_for(PipeState::Running), kNow + std::chrono::hours(1));
  EXPECT_EQ(later, pipe.status);
  const auto moved =
      with_decision(pipe, pipe.status, decision_for(PipeState::Setup), kNow + std::chrono::hours(1));
  EXPECT_EQ(moved.conditions[0].last_transition_time, kNow + std::chrono::hours(1));
  EXPECT_EQ(moved.observed_generation, pipe.generation);
}

TEST(WithDecision, AGenerationThatIsNotInForceIsNotObserved) {
  auto pipe = streaming().pipe;
  pipe.generation = 2;
  auto decision = decision_for(PipeState::Running);
  decision.taken_up = false;
  EXPECT_EQ(decided_on(pipe, decision).observed_generation, 1);
}

TEST(WithDecision, AThousandTablesThatDifferAreOneReadableMessage) {
  auto pipe = streaming().pipe;
  pipe.spec.tables.clear();
  pipe.status.tables.clear();
  for (int i = 0; i < 1000; ++i) {
    pipe.spec.tables.push_back(table_spec("public." + std::string(59, 'x') + std::to_string(1000 + i)));
    auto one = declared(pipe.spec.tables.back());
    one.making = false;
    one.load_generation = 1;
    one.differences = {"column v was dropped"};
    pipe.spec.tables.back().order_by = {"id"};
    pipe.status.tables.push_back(std::move(one));
  }
  const auto status = decided_on(pipe, decision_for(PipeState::Running));
  const auto& message = find_condition(status.conditions, "ResyncRequired")->message;
  EXPECT_THAT(message, testing::HasSubstr("1000 tables: public.xxx"));
  EXPECT_THAT(message, testing::HasSubstr(" more"));
  EXPECT_LT(message.size(), 5000u);
}

TEST(WithDecision, AStepAsideLeavesWhatIsSaidOfThePipe) {
  auto pipe = streaming().pipe;
  pipe.status = decided_on(pipe, decision_for(PipeState::Running));
  pipe.generation = 2;
  auto decision = decision_for(PipeState::Setup);
  decision.aside = true;
  EXPECT_EQ(decided_on(pipe, decision), pipe.status);
}

TEST(WithDecision, TablesAreRecordedBeforeTheyAreMade) {
  const auto pipe = fresh().pipe;
  auto decision = decision_for(PipeState::Setup);
  EXPECT_TRUE(decided_on(pipe, decision).tables.empty());
  decision.action = reconcile::SetUp{};
  ASSERT_EQ(decided_on(pipe, decision).tables.size(), 2u);
  EXPECT_EQ(decided_on(pipe, decision).tables[0].load_generation, 0);
}

TEST(WithDecision, ARemovalIsRecordedBeforeItIsBegun) {
  const auto pipe = streaming().pipe;
  auto decision = decision_for(PipeState::Modifying);
  decision.action = RemoveTables{{"public.orders"}, true};
  const auto status = decided_on(pipe, decision);
  EXPECT_TRUE(status.tables[0].leaving);
  EXPECT_FALSE(status.tables[1].leaving);
}

TEST(WithDecision, SettingsThatWaitAreACondition) {
  auto pipe = streaming().pipe;
  EXPECT_FALSE(
      find_condition(decided_on(pipe, decision_for(PipeState::Running)).conditions, "ResyncRequired"));
  pipe.spec.tables[0].order_by = {"id"};
  pipe.spec.tables[1].engine = TableEngine::MergeTree;
  const auto status = decided_on(pipe, decision_for(PipeState::Running));
  const auto* condition = find_condition(status.conditions, "ResyncRequired");
  ASSERT_TRUE(condition);
  EXPECT_TRUE(condition->status);
  EXPECT_THAT(condition->message, testing::HasSubstr("public.orders: orderBy; public.customers: engine"));
}

TEST(WithDecision, AResyncThatIsBlockedIsACondition) {
  const auto pipe = streaming().pipe;
  auto decision = decision_for(PipeState::Running);
  decision.resync_blocked = Error{ErrorKind::NeedsUser, "TableNotFound", "none", "make it"};
  const auto status = decided_on(pipe, decision);
  EXPECT_EQ(condition_line(status.conditions), "Ready=True:Running ResyncBlocked=True:TableNotFound");
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
  auto later = view;
  later.retries[Concern::Pipe] =
      after_failure(std::nullopt, {ErrorKind::Terminal, "SlotLost", "gone", "resync"}, view);
  later.now += std::chrono::hours(24);
  EXPECT_FALSE(may_try(later, Concern::Pipe));
  EXPECT_TRUE(may_try(later, Concern::Load)) << "each concern has a retry of its own";
}

TEST(HasMoved, OnlyProgressEndsTheRetryOfALoad) {
  auto view = loading();
  auto facts = said_of("public.orders");
  facts.load = {"10;1:2:4", "0-1", "0/150"};
  facts.partitions_loaded = 2;
  view.run.load.tables = {facts};
  EXPECT_TRUE(load_has_moved(view.pipe.status, view.run.load));
  view.pipe.status = absorb(view.pipe, view.run);
  EXPECT_FALSE(load_has_moved(view.pipe.status, view.run.load));
}

}  // namespace
}  // namespace penstock::reconcile::test
