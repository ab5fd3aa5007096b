// A probe that takes longer than the time between two probes.

#include <gtest/gtest.h>

#include "reconcilers/pipe/pipe_reconciler.hpp"
#include "reconcilers/pipe/view.hpp"
#include "tests/unit/reconcilers/twins.hpp"
#include "tests/unit/reconcilers/world.hpp"

namespace penstock::reconcile {
namespace {

struct SlowToProbe final : test::TwinDataplane {
  explicit SlowToProbe(test::ManualClock& its_clock) : clock(its_clock) {
    run.stream = test::active_stream();
  }
  Result<std::optional<ProbeFacts>> probe(const Pipe& /*pipe*/, const Credentials& /*credentials*/) override {
    ++probes;
    clock.time += kProbeEvery + std::chrono::seconds(1);
    PENSTOCK_TRY(servers);
    return ProbeFacts{};
  }
  test::ManualClock& clock;
  int probes = 0;
};

int probes_in_one_pass(const Status& source) {
  test::TwinApi api(test::streaming().pipe);
  test::ManualClock clock(test::kNow);
  SlowToProbe dataplane(clock);
  dataplane.servers = source;
  PipeReconciler reconciler(api, dataplane, clock, "dev");
  EXPECT_TRUE(reconciler.reconcile(api.stored));
  return dataplane.probes;
}

// Or the pass goes on for minutes with the manifest of its beginning.
TEST(SlowProbe, EndsItsPass) {
  EXPECT_EQ(probes_in_one_pass({}), 1);
}

TEST(SlowProbe, ThatFailsEndsItsPassToo) {
  EXPECT_EQ(probes_in_one_pass(fail(ErrorKind::Transient, "SourceUnreachable", "the source is away")), 1);
}

}  // namespace
}  // namespace penstock::reconcile
