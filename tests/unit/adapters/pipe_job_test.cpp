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

}  // namespace
}  // namespace penstock::adapters
