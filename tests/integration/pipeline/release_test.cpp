// What a deletion takes down, and what it says of the rest.

#include "dataplane/pipeline/release.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "dataplane/pipeline/setup.hpp"
#include "tests/integration/pipeline/pipe_world.hpp"

namespace penstock::pipeline {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class ReleaseTest : public testing::Test {
 protected:
  void SetUp() override {
    database_ = world_postgres().create_database();
    world_postgres().exec("CREATE TABLE t (id int PRIMARY KEY)", database_);
    job_ = job_for(database_, {"t"});
    job_.slot = job_.publication = "penstock_" + database_;
    ASSERT_TRUE(set_up(job_));
    ASSERT_TRUE(make_publication(job_));
    ASSERT_TRUE(penstock::postgres::create_slot(job_.source, job_.slot));
    all_ = {.prefix = job_.slot, .slot = true, .publication = true, .targets = {"t"}, .staging = {"t"}};
    away_ = job_;
  }
  void TearDown() override { (void)penstock::postgres::drop_slot(job_.source, job_.slot); }

  [[nodiscard]] bool slot() const { return penstock::postgres::read_slot(job_.source, job_.slot)->exists; }
  [[nodiscard]] bool publication() const {
    return penstock::postgres::read_publication(job_.source, job_.publication)->exists;
  }
  [[nodiscard]] bool target() const {
    return test::shared_engine().value(fmt::format("EXISTS TABLE {}.t", database_)) == "1";
  }

  std::string database_;
  PipeJob job_, away_;
  Release all_;
};

TEST_F(ReleaseTest, TakesDownBothSides) {
  const auto done = release(job_, all_);
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_FALSE(slot() || publication() || target());
}

TEST_F(ReleaseTest, DropsTheTargetsThoughTheSourceIsGone) {
  away_.source.port = test::free_port();
  const auto done = release(away_, all_);
  ASSERT_FALSE(done);
  EXPECT_FALSE(target());
  EXPECT_EQ(done.error().reason, "SourceUnreachable");
  EXPECT_THAT(done.error().text(),
              AllOf(HasSubstr("replication slot " + job_.slot), HasSubstr("publication " + job_.publication),
                    HasSubstr(fmt::format("{}:{}", away_.source.host, away_.source.port)),
                    HasSubstr("By hand: SELECT pg_drop_replication_slot("),
                    HasSubstr("DROP PUBLICATION IF EXISTS"), Not(HasSubstr("DROP TABLE"))));
  ASSERT_TRUE(release(job_, all_)) << "it is safe to repeat";
  EXPECT_FALSE(slot() || publication());
}

TEST_F(ReleaseTest, ReleasesTheSourceThoughTheDestinationIsGone) {
  away_.destination.url = fmt::format("http://127.0.0.1:{}", test::free_port());
  const auto done = release(away_, all_);
  ASSERT_FALSE(done);
  EXPECT_FALSE(slot() || publication());
  EXPECT_TRUE(target());
  EXPECT_THAT(done.error().text(),
              AllOf(HasSubstr(fmt::format("table `{}`.`t`", database_)), HasSubstr(away_.destination.url),
                    HasSubstr(fmt::format("DROP TABLE IF EXISTS `{}`.`t` SYNC", database_)),
                    Not(HasSubstr("pg_drop_replication_slot"))));
}

TEST_F(ReleaseTest, AsksNobodyWhoseSecretIsGoneAndTheOtherAllTheSame) {
  all_.no_source = Error{ErrorKind::NeedsUser, "SecretMissing", "Secret data/pg does not exist", "Create it"};
  const auto done = release(job_, all_);
  ASSERT_FALSE(done);
  EXPECT_TRUE(slot() && publication());
  EXPECT_FALSE(target());
  EXPECT_THAT(done.error().text(),
              AllOf(HasSubstr("Secret data/pg"), HasSubstr("replication slot " + job_.slot)));
}

TEST_F(ReleaseTest, GivesTargetsBackThoughTheSourceIsGone) {
  away_.source.port = test::free_port();
  ASSERT_FALSE(release(away_, {.prefix = job_.slot, .slot = true, .give_back = {"t"}}));
  EXPECT_TRUE(target());
  EXPECT_THAT(test::shared_engine().value(fmt::format(
                  "SELECT comment FROM system.tables WHERE database = '{}' AND name = 't'", database_)),
              HasSubstr(" released"));
}

TEST_F(ReleaseTest, SaysOfATargetThatCannotBeGivenBackHowTheNextPipeTakesIt) {
  away_.destination.url = fmt::format("http://127.0.0.1:{}", test::free_port());
  const auto done = release(away_, {.give_back = {"t"}});
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().text(), AllOf(HasSubstr(fmt::format("`{}`.`t`", database_)),
                                         HasSubstr("spec.takeOver: true"), Not(HasSubstr("DROP TABLE"))));
}

TEST_F(ReleaseTest, SaysOfBothSidesWhatIsLeft) {
  away_.source.port = test::free_port();
  away_.destination.url = fmt::format("http://127.0.0.1:{}", test::free_port());
  const auto done = release(away_, all_);
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().text(),
              AllOf(HasSubstr("pg_drop_replication_slot"), HasSubstr("DROP TABLE IF EXISTS")));
}

// Statements for people are to work.
TEST_F(ReleaseTest, ByHandIsWhatItSays) {
  away_.source.port = test::free_port();
  const auto text = release(away_, all_).error().text();
  const auto from = text.find("By hand: ") + 9;
  const auto between = text.find("; ", from);
  world_postgres().exec(text.substr(from, between - from), database_);
  world_postgres().exec(text.substr(between + 2), database_);
  EXPECT_FALSE(slot() || publication());
}

}  // namespace
}  // namespace penstock::pipeline
