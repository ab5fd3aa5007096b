#include "controller/adapters/metrics/orphaned_slots.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/metrics_text.hpp"
#include "tests/unit/adapters/metrics_world.hpp"

namespace penstock::adapters {
namespace {

constexpr const char* kOurs = "penstock_11111111_2222_3333_4444_555555555555_0";  // streaming_pipe()'s
constexpr const char* kNobodys = "penstock_99999999_2222_3333_4444_555555555555_3";

SeenSlot seen(const std::string& name, const std::string& server = "db:5432") {
  return {server, "shop", name, 1000};
}

std::vector<std::string> names(const std::vector<SeenSlot>& slots) {
  std::vector<std::string> out;
  for (const auto& slot : slots)
    out.push_back(slot.name);
  return out;
}

TEST(OrphanedSlots, AreThoseWhosePipeIsUnknown) {
  const auto found = orphaned({seen(kOurs), seen(kNobodys)}, {test::streaming_pipe()});
  EXPECT_THAT(names(found), testing::ElementsAre(kNobodys));
}

TEST(OrphanedSlots, AreNotThoseOfAnotherGenerationOfAPipe) {
  const std::string next = "penstock_11111111_2222_3333_4444_555555555555_12";
  EXPECT_THAT(orphaned({seen(next)}, {test::streaming_pipe()}), testing::IsEmpty());
}

TEST(OrphanedSlots, AreNotThoseThatAPipeWasGiven) {
  auto pipe = test::streaming_pipe();
  pipe.spec.source.replication_slot = kNobodys;
  EXPECT_THAT(orphaned({seen(kNobodys)}, {pipe}), testing::IsEmpty());
}

TEST(OrphanedSlots, AreNotThoseThatAreCalledInAnotherWay) {
  const std::vector<SeenSlot> slots{seen("penstock_reporting"), seen("penstock_"),
                                    seen("penstock_99999999_2222_3333_4444_555555555555"),
                                    seen("penstock_99999999_2222_3333_4444_555555555555_"),
                                    seen("penstock_99999999_2222_3333_4444_555555555555_3x")};
  EXPECT_THAT(orphaned(slots, {}), testing::IsEmpty());
}

TEST(OrphanedSlots, OfAServerWithTwoNamesAreToldOnce) {
  EXPECT_THAT(names(orphaned({seen(kNobodys, "db:5432"), seen(kNobodys, "10.0.0.1:5432")}, {})),
              testing::ElementsAre(kNobodys));
}

TEST(OrphanedSlots, AreScrapedWhileSomePipeLooksAtTheirServer) {
  std::vector<Pipe> pipes{test::streaming_pipe()};
  Metrics metrics("1.2.3");
  metrics.show({"pipe", 4, [] { return runtime::WorkQueue::InWork{}; }, [&] { return pipes; }});
  postgres::SlotFacts slot;
  slot.name = kNobodys;
  slot.database = "shop";
  slot.retained_bytes = 4096;
  metrics.meter().note_slots(pipes[0].uid, "db:5432", {slot});
  const auto value = [&] {
    return penstock::test::MetricsText(metrics.text())
        .value(kOrphanedSlotMetric, {{"server", "db:5432"}, {"database", "shop"}, {"slot", kNobodys}});
  };
  EXPECT_EQ(value(), 4096);
  pipes[0].status.state = PipeState::Failed;
  EXPECT_EQ(value(), std::nullopt) << "nobody looks any more";
  pipes[0].status.state = PipeState::Paused;
  EXPECT_EQ(value(), 4096);
  pipes.clear();
  EXPECT_EQ(value(), std::nullopt);
}

}  // namespace
}  // namespace penstock::adapters
