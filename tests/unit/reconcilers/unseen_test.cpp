// What is not known of the source is not said to be well, and what a run has found out is not forgotten
// before it is recorded.

#include <gmock/gmock.h>

#include "reconcilers/pipe/pipe_reconciler.hpp"
#include "reconcilers/pipe/record.hpp"
#include "reconcilers/pipe/view.hpp"
#include "tests/unit/reconcilers/twins.hpp"
#include "tests/unit/reconcilers/world.hpp"

namespace penstock::reconcile {
namespace {

using testing::ElementsAre;

struct Forgetful final : test::TwinApi {
  using TwinApi::TwinApi;
  Result<std::string> write_status(const Pipe& pipe, const PipeStatus& status) override {
    if (away) return fail(ErrorKind::Transient, "ApiUnreachable", "the API server is away");
    return TwinApi::write_status(pipe, status);
  }
  Result<Secret> read_secret(const std::string& ns, const SecretKeyRef& ref) override {
    if (secret_gone) return fail(ErrorKind::NeedsUser, "SecretMissing", "Secret shop is not there");
    return TwinApi::read_secret(ns, ref);
  }
  bool away = false, secret_gone = false;
};

class Unseen : public testing::Test {
 protected:
  Unseen() {
    auto pipe = test::streaming().pipe;
    pipe.spec.source.password = SecretKeyRef{"shop", "password"};
    api_.stored = std::move(pipe);
    dataplane_.run.stream = test::active_stream();
  }
  void pass_after(std::chrono::seconds time) {
    clock_.time += time;
    static_cast<void>(reconciler_.reconcile(api_.stored));
  }
  [[nodiscard]] std::string ready() const {
    const auto* condition = find_condition(api_.stored.status.conditions, "Ready");
    return !condition ? "" : condition->status ? "True" : condition->reason;
  }

  Forgetful api_{Pipe{}};
  test::ManualClock clock_{test::kNow};
  test::TwinDataplane dataplane_;
  PipeReconciler reconciler_{api_, dataplane_, clock_, "dev"};
};

TEST_F(Unseen, ASourceThatCannotBeLookedAtIsToldWithinHalfAMinute) {
  pass_after(std::chrono::seconds(1));
  EXPECT_EQ(ready(), "True");
  dataplane_.servers = fail(ErrorKind::NeedsUser, "AuthenticationFailed", "the password is wrong");
  pass_after(kProbeEvery);
  EXPECT_EQ(ready(), "True") << "a look may fail once";
  pass_after(std::chrono::seconds(20));
  EXPECT_EQ(ready(), "AuthenticationFailed");
  pass_after(std::chrono::hours(1));
  EXPECT_EQ(ready(), "AuthenticationFailed");
  dataplane_.servers = {};
  pass_after(kProbeEvery);
  pass_after(std::chrono::seconds(2));
  EXPECT_EQ(ready(), "True");
}

TEST_F(Unseen, SoIsATableThatCannotBeLookedAt) {
  dataplane_.run.unseen = Error{ErrorKind::Transient, "LockTimeout", "public.orders cannot be looked at", ""};
  pass_after(std::chrono::seconds(1));
  EXPECT_EQ(ready(), "True");
  pass_after(std::chrono::seconds(20));
  EXPECT_EQ(ready(), "ProgressingWithRetry");
  EXPECT_EQ(api_.stored.status.message, "public.orders cannot be looked at");
  dataplane_.run.unseen.reset();
  pass_after(std::chrono::seconds(1));
  EXPECT_EQ(ready(), "True");
}

TEST_F(Unseen, IsForgottenWhereThePipeHasFailed) {
  dataplane_.servers = fail(ErrorKind::Terminal, "SlotLost", "the slot is gone");
  pass_after(kProbeEvery);
  pass_after(std::chrono::seconds(60));
  ASSERT_EQ(api_.stored.status.state, PipeState::Failed);
  dataplane_.servers = {};
  api_.stored.generation = 2;  // whatever was changed
  dataplane_.run.stream = test::active_stream();
  pass_after(std::chrono::seconds(1));
  EXPECT_EQ(ready(), "True");
  EXPECT_EQ(api_.warnings.size(), 1U) << "SlotLost once";
}

TEST_F(Unseen, SoAreSecretsThatCannotBeRead) {
  pass_after(std::chrono::seconds(1));
  api_.secret_gone = true;
  pass_after(std::chrono::seconds(5));
  EXPECT_EQ(ready(), "True") << "it may be made anew";
  pass_after(std::chrono::seconds(25));
  EXPECT_EQ(ready(), "SecretMissing");
  api_.secret_gone = false;
  pass_after(std::chrono::seconds(2));
  EXPECT_EQ(ready(), "True");
}

TEST_F(Unseen, WhatARunHasFoundOutIsKeptUntilItIsRecorded) {
  auto& stream = dataplane_.run.stream;
  auto facts = test::said_of("public.orders");
  facts.differences = {"column v had another name for a while"};
  stream.tables.push_back(facts);
  stream.ended = true;
  stream.connected = false;
  stream.error = Error{ErrorKind::Transient, "SourceUnreachable", "the source is away", ""};
  api_.away = true;
  pass_after(std::chrono::seconds(1));
  EXPECT_TRUE(dataplane_.run.stream.there);
  api_.away = false;
  pass_after(std::chrono::seconds(1));
  EXPECT_FALSE(dataplane_.run.stream.there);
  EXPECT_THAT(api_.stored.status.tables[0].differences, ElementsAre(facts.differences[0]));
}

TEST(Absorb, RecordsWhereAStreamHasEnded) {
  auto view = test::streaming();
  view.run.stream.connected = false;
  view.run.stream.ended = true;
  view.run.stream.confirmed = Lsn{0x300};
  const auto ended = absorb(view.pipe, view.run);
  EXPECT_EQ(ended.replication.confirmed_lsn, "0/300");
  EXPECT_EQ(ended.replication.ended_lsn, "0/300");
  view.pipe.status = ended;
  view.run = {};
  EXPECT_EQ(absorb(view.pipe, view.run).replication.ended_lsn, "0/300")
      << "it is forgotten, and the slot rests";
  const Decision again{PipeState::Running, "Replicating", std::nullopt, StartStream{}, "keep_streaming"};
  EXPECT_EQ(with_decision(view.pipe, view.pipe.status, again, test::kNow).replication.ended_lsn, "")
      << "a process that is killed now has told the slot nobody knows what";
  view.run.stream = test::active_stream();
  view.run.stream.confirmed = Lsn{0x400};
  EXPECT_EQ(absorb(view.pipe, view.run).replication.ended_lsn, "");
}

TEST(Absorb, RecordsAPlaceWithItsTimelineThoughTheStreamHasEnded) {
  auto view = test::streaming();
  view.run.stream.connected = false;
  view.run.stream.ended = true;
  view.run.stream.confirmed = Lsn{0x300};
  view.run.stream.timeline = 2;
  EXPECT_EQ(absorb(view.pipe, view.run).source->timeline, 2);
}

TEST(Absorb, TakesNothingOfTheStreamThatAResyncMakesWayFor) {
  auto view = test::streaming();
  view.run.stream.confirmed = Lsn{0x300};
  view.pipe.status.replication.confirmed_lsn.clear();
  for (const auto step : {ResyncStep::TakeDown, ResyncStep::MakeTables}) {
    view.pipe.status.resync = ResyncStatus{1, step, test::kNow};
    EXPECT_EQ(absorb(view.pipe, view.run).replication.confirmed_lsn, "");
  }
  view.pipe.status.resync->step = ResyncStep::Load;
  EXPECT_EQ(absorb(view.pipe, view.run).replication.confirmed_lsn, "0/300");
}

}  // namespace
}  // namespace penstock::reconcile
