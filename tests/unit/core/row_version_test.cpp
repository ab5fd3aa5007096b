#include "core/row_version.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace penstock {
namespace {

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();

TEST(RowVersion, IsOrderedByTheCommitAndThenByTheChange) {
  EXPECT_LT((RowVersion{{7}, {kMost}}), (RowVersion{{8}, {}}));
  EXPECT_LT((RowVersion{{8}, {}}), (RowVersion{{8}, {1}}))
      << "a loaded row, and a change of the first commit";
  EXPECT_EQ((RowVersion{{8}, {1}}), (RowVersion{{8}, {1}}));
}

TEST(RowVersion, IsTheNumberThatClickHouseReads) {
  EXPECT_EQ(RowVersion{}.text(), "0");
  EXPECT_EQ((RowVersion{{}, {kMost}}.text()), "18446744073709551615");
  EXPECT_EQ((RowVersion{{1}, {}}.text()), "18446744073709551616");
  EXPECT_EQ((RowVersion{{kMost}, {kMost}}.text()), "340282366920938463463374607431768211455");
  EXPECT_EQ((RowVersion{{2}, {3}}.words()), (std::array<std::uint64_t, 2>{3, 2}));
}

TEST(RowVersion, ReadsWhatItWrites) {
  for (const RowVersion& version :
       {RowVersion{}, RowVersion{{}, {kMost}}, RowVersion{{1}, {}},
        RowVersion{{0x16B374D848}, {0x16B374D000}}, RowVersion{{kMost}, {kMost}}}) {
    const auto read = RowVersion::parse(version.text());
    ASSERT_TRUE(read) << version.text();
    EXPECT_EQ(*read, version);
  }
}

TEST(RowVersion, RefusesWhatIsNoneOrTooLarge) {
  for (const char* text : {"", "-1", "1 ", "0x1", "\\N", "340282366920938463463374607431768211456",
                           "3402823669209384634633746074317682114550"})
    EXPECT_FALSE(RowVersion::parse(text)) << text;
}

}  // namespace
}  // namespace penstock
