// Columns that are added with a default: rows of before hold what a row with that value would bring, or it is
// said that they do not.

#include <gmock/gmock.h>

#include "tests/integration/pipeline/streaming.hpp"

namespace penstock::pipeline {
namespace {

class AddedDefaults : public Streaming {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(prepare("CREATE TABLE t (id int PRIMARY KEY)", {"t"}));
    ASSERT_NO_FATAL_FAILURE(begin());
    exec("INSERT INTO t VALUES (1)");
    ASSERT_NO_FATAL_FAILURE(catch_up());
  }
  /// Of the row of before, and of one that is written with the same value, after t was altered so.
  void expect_same(const std::string& added, const std::string& printed, const std::string& value) {
    exec("ALTER TABLE t ADD COLUMN v " + added + "; INSERT INTO t VALUES (2)");
    ASSERT_NO_FATAL_FAILURE(catch_up());
    EXPECT_EQ(target("groupUniqArray(" + printed + ")"), "['" + value + "']");
    EXPECT_EQ(target("count()"), "2");
  }
};

TEST_F(AddedDefaults, OutsideATimestampsRangeAreMovedIntoIt) {
  expect_same("timestamptz NOT NULL DEFAULT '1899-12-31 23:59:59+00'", "toString(v)",
              "1900-01-01 00:00:00.000000");
}

TEST_F(AddedDefaults, OfInfinityAreTheLastMoment) {
  expect_same("timestamp DEFAULT 'infinity'", "toString(v)", "2299-12-31 23:59:59.999999");
}

TEST_F(AddedDefaults, OfBytesAreBytes) {
  expect_same("bytea NOT NULL DEFAULT '\\x0001ff'", "hex(v)", "0001FF");
}

TEST_F(AddedDefaults, OfATextThatLooksLikeBytesAreTheText) {
  expect_same("text DEFAULT '\\x00'", "v", "\\\\x00");
}

TEST_F(AddedDefaults, ThatATargetCannotHoldAreNotCutToFit) {
  exec("ALTER TABLE t ADD COLUMN v numeric DEFAULT 1e-39; INSERT INTO t VALUES (2, 5)");
  ASSERT_NO_FATAL_FAILURE(catch_up());
  EXPECT_EQ(test::shared_engine().value("SELECT comment FROM system.columns WHERE database = '" + database_ +
                                        "' AND table = 't' AND name = 'v'"),
            clickhouse::kFollowedWithoutDefault);
}

}  // namespace
}  // namespace penstock::pipeline
