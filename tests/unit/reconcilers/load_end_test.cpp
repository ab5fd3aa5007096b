// A load that ends while a pass is under way.

#include <gtest/gtest.h>

#include "reconcilers/pipe/pipe_reconciler.hpp"
#include "tests/unit/reconcilers/world.hpp"

namespace penstock::reconcile {
namespace {

class FixedClock final : public Clock {
 public:
  [[nodiscard]] WallTime now() const override { return at; }
  [[nodiscard]] SteadyTime steady() const override { return SteadyTime(at.time_since_epoch()); }
  WallTime at = test::kNow;
};

/// Says of its runs at each look the next of what it was given, the last one for ever.
class Scripted final : public Dataplane {
 public:
  explicit Scripted(std::vector<Runs> looks) : looks_(std::move(looks)) {}

  Runs observe(const Pipe&) override { return looks_[std::min(seen_++, looks_.size() - 1)]; }
  void tune(const Pipe&) override {}
  Fingerprints fingerprint(const Pipe&, const Credentials&) override {
    return {test::kLoadPrint, test::kStreamPrint};
  }
  Result<SetupFacts> set_up(const Pipe&, const Credentials&, const SetupWish& wish) override {
    set_up_of.push_back(wish.tables);
    return SetupFacts{};
  }
  Status ensure_publication(const Pipe&, const Credentials&) override { return {}; }
  Result<Lsn> create_slot(const Pipe&, const Credentials&) override { return Lsn{1}; }
  Result<std::optional<ProbeFacts>> probe(const Pipe&, const Credentials&) override { return ProbeFacts{}; }
  Status start_load(const Pipe& pipe, const Credentials&) override {
    begun_at.push_back(pipe.status.tables[0].load ? pipe.status.tables[0].load->done : "");
    return {};
  }
  Status start_stream(const Pipe&, const Credentials&) override { return {}; }
  void stop_load(const Pipe&) override {}
  void stop_stream(const Pipe&) override {}
  Status take_down_former(const Pipe&, const Credentials&) override { return {}; }
  Result<SwapFacts> swap(const Pipe&, const Credentials&, const std::vector<SwapWish>&) override {
    return SwapFacts{};
  }
  Status release(const Pipe&, const Credentials&, const ReleaseWish&) override { return {}; }
  void forget(const std::string&) override {}

  std::vector<std::vector<std::string>> set_up_of;
  std::vector<std::string> begun_at;  ///< what was loaded by then, at each start of a load

 private:
  std::vector<Runs> looks_;
  std::size_t seen_ = 0;
};

class Accepting final : public PipeApi {
 public:
  Result<std::string> write_status(const Pipe&, const PipeStatus& status) override {
    written = status;
    return std::string("8");
  }
  Result<std::optional<Pipe>> read(const std::string&, const std::string&) override { return std::nullopt; }
  Status confirm_unchanged(const Pipe&) override { return {}; }
  Status add_finalizer(const Pipe&) override { return {}; }
  Status remove_finalizer(const Pipe&) override { return {}; }
  void event(const Pipe&, bool, const std::string&, const std::string&) override {}
  Result<Secret> read_secret(const std::string&, const SecretKeyRef&) override { return Secret{}; }

  PipeStatus written;
};

Runs with_loaded(bool all) {
  Runs out;
  out.load = test::active_load();
  out.load.ended = all;
  for (const char* source : {"public.orders", "public.customers"}) {
    auto facts = test::said_of(source);
    facts.load = {"10;1:2:4", all ? "0-3" : "0-2", "0/150"};
    facts.load_finished = all;
    out.load.tables.push_back(std::move(facts));
  }
  return out;
}

// Or its last partition would be read twice, and a log of changes loaded twice from the beginning.
TEST(LoadThatEnds, WhileAPassIsUnderWayIsNotBegunAgain) {
  Scripted dataplane({with_loaded(false), with_loaded(true)});
  Accepting api;
  const FixedClock clock;
  PipeReconciler reconciler(api, dataplane, clock, "dev");
  (void)reconciler.reconcile(test::loading().pipe);
  EXPECT_TRUE(dataplane.begun_at.empty()) << "begun again with " << dataplane.begun_at.front() << " loaded";
}

/// The load of orders has ended with this error; that of customers goes on.
Runs with_orders_gone_wrong(ErrorKind kind) {
  auto out = with_loaded(false);
  out.load.tables[0].error = Error{kind, "TableChanged", "it was altered", ""};
  return out;
}

/// What is set up half a second after it was seen, and a minute after that.
std::pair<std::size_t, std::size_t> set_ups_after(ErrorKind kind) {
  Scripted dataplane({with_orders_gone_wrong(kind)});
  Accepting api;
  FixedClock clock;
  PipeReconciler reconciler(api, dataplane, clock, "dev");
  auto pipe = test::loading().pipe;
  (void)reconciler.reconcile(pipe);
  EXPECT_EQ(api.written.tables.at(0).state, TableState::Failed);
  EXPECT_NE(api.written.tables[0].message.find("it was altered"), std::string::npos);
  pipe.status = api.written;
  std::vector<std::size_t> out;
  for (const auto& wait : {std::chrono::milliseconds(600), std::chrono::milliseconds(60'000)}) {
    clock.at += wait;
    (void)reconciler.reconcile(pipe);
    out.push_back(dataplane.set_up_of.size());
  }
  return {out[0], out[1]};
}

TEST(LoadThatEnds, OfATableThatWasChangedMeanwhileBeginsAgainAtOnce) {
  EXPECT_GT(set_ups_after(ErrorKind::Transient).first, 0u);
}

TEST(LoadThatEnds, OfATableThatCannotBeLoadedIsTriedAgainInAMinute) {
  const auto [at_once, in_a_minute] = set_ups_after(ErrorKind::BadData);
  EXPECT_EQ(at_once, 0u);
  EXPECT_GT(in_a_minute, 0u);
}

}  // namespace
}  // namespace penstock::reconcile
