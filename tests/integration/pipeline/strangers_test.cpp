// The one server's port, given for the other's: the same verdict from both sides.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/pipeline/setup.hpp"
#include "tests/integration/pipeline/pipe_world.hpp"

namespace penstock::pipeline {
namespace {

using testing::HasSubstr;

Error refusal_of(const PipeJob& job) {
  const auto done = set_up(job);
  EXPECT_FALSE(done) << "it was set up";
  return done ? Error{} : done.error();
}

TEST(Strangers, PostgresAtTheUrlOfClickHouseIsToldAsThat) {
  auto job = job_for(world_postgres().create_database(), {});
  for (const char* scheme : {"http", "https"}) {
    job.destination.url = fmt::format("{}://127.0.0.1:{}", scheme, world_postgres().port());
    const auto error = refusal_of(job);
    EXPECT_EQ(error.kind, ErrorKind::NeedsUser) << error.text();
    EXPECT_EQ(error.reason, "DestinationNotClickHouse");
    EXPECT_THAT(error.message, HasSubstr("PostgreSQL answers there"));
  }
}

TEST(Strangers, ClickHouseAtTheHostOfPostgresIsToldAsThat) {
  auto job = job_for(world_postgres().create_database(), {});
  job.source.port = test::shared_engine().port();
  const auto error = refusal_of(job);
  EXPECT_EQ(error.kind, ErrorKind::NeedsUser) << error.text();
  EXPECT_EQ(error.reason, "NotPostgres");
  EXPECT_THAT(error.message, HasSubstr("speaks HTTP"));
}

TEST(Strangers, ARefusedConnectionIsAMatterOfTime) {
  auto job = job_for(world_postgres().create_database(), {});
  job.destination.url = fmt::format("http://127.0.0.1:{}", test::free_port());
  auto error = refusal_of(job);
  EXPECT_EQ(error.kind, ErrorKind::Transient) << error.text();
  job.source.port = test::free_port();
  error = refusal_of(job);
  EXPECT_EQ(error.kind, ErrorKind::Transient) << error.text();
}

}  // namespace
}  // namespace penstock::pipeline
