// What a step holds to: what it was decided on, and nothing else of the Pipe.

#include <gmock/gmock.h>

#include "reconcilers/pipe/act.hpp"
#include "reconcilers/pipe/pipe_reconciler.hpp"
#include "tests/unit/reconcilers/twins.hpp"
#include "tests/unit/reconcilers/world.hpp"

namespace penstock::reconcile::test {
namespace {

TEST(WhatMatters, IsTheObjectItsSpecItsEndOurFinalizerAndTheStatus) {
  const auto seen = streaming().pipe;
  const auto stays = [&](const std::function<void(Pipe&)>& change) {
    auto stored = seen;
    stored.resource_version = "99";
    change(stored);
    return same_in_what_matters(seen, stored);
  };
  EXPECT_TRUE(stays([](Pipe&) {})) << "a label, an annotation: nothing that is read";
  EXPECT_TRUE(stays([](Pipe& pipe) { pipe.finalizers.emplace_back("somebody.else/waits"); }));
  EXPECT_FALSE(stays([](Pipe& pipe) { pipe.uid = "another of that name"; }));
  EXPECT_FALSE(stays([](Pipe& pipe) { ++pipe.generation; }));
  EXPECT_FALSE(stays([](Pipe& pipe) { pipe.deleting = true; }));
  EXPECT_FALSE(stays([](Pipe& pipe) { pipe.has_finalizer = false; }));
  EXPECT_FALSE(stays([](Pipe& pipe) { pipe.status.state = PipeState::Failed; }));
  EXPECT_FALSE(stays([](Pipe& pipe) { pipe.status.replication.slot = "another"; }));
  EXPECT_FALSE(stays([](Pipe& pipe) { pipe.status.tables[0].rows_streamed = 1; }));
}

const std::vector<Action>& confirmed_verbs() {
  static const std::vector<Action> kVerbs = {reconcile::SetUp{},
                                             DeclareTables{{"public.orders"}},
                                             MakeTables{{"public.orders"}},
                                             RemoveTables{{"public.orders"}},
                                             TakeDownFormer{},
                                             CreateSlot{},
                                             StartLoad{},
                                             StartStream{},
                                             SwapTables{{{"public.orders", "orders", 1}}}};
  return kVerbs;
}

/// The error of the verb in a world whose servers answer "Reached".
std::string outcome(const Action& verb, const View& view, const Pipe& stored) {
  TwinApi api(stored);
  TwinDataplane dataplane;
  dataplane.servers = fail(ErrorKind::Transient, "Reached", "");
  const auto done = act(verb, view, {}, api, dataplane);
  return done ? "" : done.error().reason;
}

TEST(Act, DoesNothingHarmfulWhenThePipeIsNotWhatItWas) {
  const auto view = streaming();
  auto stored = view.pipe;
  stored.resource_version = "8";
  ++stored.generation;
  for (const auto& verb : confirmed_verbs())
    EXPECT_EQ(outcome(verb, view, stored), "Conflict") << name_of(verb);
}

TEST(Act, IsNotHeldUpByWhoeverAnnotatesThePipe) {
  const auto view = streaming();
  auto stored = view.pipe;
  stored.resource_version = "8";
  for (const auto& verb : confirmed_verbs())
    EXPECT_EQ(outcome(verb, view, stored), "Reached") << name_of(verb);
}

TEST(Pass, ThatWasGivenAnOldPipeGoesOnWithTheStoredOne) {
  const auto old = ready_to_load().pipe;
  TwinApi api(streaming().pipe);
  api.stored.spec.paused = true;
  ++api.stored.generation;
  TwinDataplane dataplane;
  const ManualClock clock(kNow);
  PipeReconciler reconciler(api, dataplane, clock, "dev");
  const auto again = reconciler.reconcile(old);
  EXPECT_TRUE(again) << again.error().text();
  EXPECT_EQ(api.stored.status.state, PipeState::Paused);
}

TEST(Pass, OfAPipeThatIsAnotherByNowTouchesNothing) {
  const auto old = ready_to_load().pipe;
  TwinApi api(streaming().pipe);
  api.stored.uid = "another";
  const auto before = api.stored.status;
  TwinDataplane dataplane;
  const ManualClock clock(kNow);
  PipeReconciler reconciler(api, dataplane, clock, "dev");
  EXPECT_EQ(reconciler.reconcile(old), Millis{0});
  EXPECT_EQ(api.stored.status, before);
}

/// Somebody writes to the status whenever it is read or written.
struct Restless : TwinApi {
  using TwinApi::TwinApi;
  Result<std::string> write_status(const Pipe& pipe, const PipeStatus& status) override {
    stored.status.message += "!";
    return TwinApi::write_status(pipe, status);
  }
};

TEST(Pass, IsRunAgainSoonWhereSomebodyElseKeepsWriting) {
  Restless api(ready_to_load().pipe);
  TwinDataplane dataplane;
  const ManualClock clock(kNow);
  PipeReconciler reconciler(api, dataplane, clock, "dev");
  EXPECT_EQ(reconciler.reconcile(ready_to_load().pipe), Millis{100}) << "no error, which would wait longer";
}

}  // namespace
}  // namespace penstock::reconcile::test
