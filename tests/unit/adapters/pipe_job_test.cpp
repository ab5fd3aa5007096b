#include "controller/adapters/pipe_job.hpp"

#include <gtest/gtest.h>

namespace penstock::adapters {
namespace {

TEST(PipeJob, KnowsTheSourceAndHowFarItWasReplicatedFromTheStatus) {
  Pipe pipe;
  EXPECT_EQ(system_of(pipe), pipeline::SourceSystem{});
  pipe.status.source = SourceIdentity{"7123", 3, "shop"};
  EXPECT_EQ(system_of(pipe), (pipeline::SourceSystem{"7123", 3, "shop", Lsn{}}));
  pipe.status.replication.confirmed_lsn = "1/A0";
  EXPECT_EQ(system_of(pipe), (pipeline::SourceSystem{"7123", 3, "shop", Lsn{0x1000000A0}}));
}

TEST(PipeJob, IsTheSameRunsWhateverTheirPace) {
  Pipe pipe;
  const auto prints = [&] {
    const auto job = job_of(pipe, {});
    return load_fingerprint(job) + stream_fingerprint(job);
  };
  const auto before = prints();
  pipe.spec.sync = {std::chrono::hours(1), 1, 100};
  pipe.spec.snapshot = {1000, 64, 64};
  EXPECT_EQ(prints(), before);
  pipe.spec.source.host = "another";
  EXPECT_NE(prints(), before);
}

}  // namespace
}  // namespace penstock::adapters
