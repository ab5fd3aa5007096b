#include "crds/time_text.hpp"

#include <gtest/gtest.h>

namespace penstock {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Rfc3339, IsWrittenInUtc) {
  const WallTime time(seconds(1'709'251'199) + microseconds(1'500));
  EXPECT_EQ(to_rfc3339(time), "2024-02-29T23:59:59Z");
  EXPECT_EQ(to_rfc3339_micro(time), "2024-02-29T23:59:59.001500Z");
  EXPECT_EQ(to_rfc3339(WallTime()), "1970-01-01T00:00:00Z");
  EXPECT_EQ(to_rfc3339(WallTime(microseconds(-1))), "1969-12-31T23:59:59Z");
}

TEST(Rfc3339, IsReadWithFractionAndOffset) {
  const WallTime time(seconds(1'709'251'199));
  EXPECT_EQ(parse_rfc3339("2024-02-29T23:59:59Z"), time);
  EXPECT_EQ(parse_rfc3339("2024-03-01T01:29:59+01:30"), time);
  EXPECT_EQ(parse_rfc3339("2024-02-29T22:59:59-01:00"), time);
  EXPECT_EQ(parse_rfc3339("2024-02-29T23:59:59.5Z"), time + milliseconds(500));
  EXPECT_EQ(parse_rfc3339("2024-02-29T23:59:59.123456789Z"), time + microseconds(123'456));
  EXPECT_EQ(parse_rfc3339(to_rfc3339_micro(time + microseconds(7))), time + microseconds(7));
}

TEST(Rfc3339, AnythingElseIsRefused) {
  for (const char* text :
       {"", "yesterday", "2024-02-30T00:00:00Z", "2023-02-29T00:00:00Z", "2024-13-01T00:00:00Z",
        "2024-02-01T24:00:00Z", "2024-02-01T00:60:00Z", "2024-02-01T00:00:00", "2024-02-01",
        "2024-02-01T00:00:00.Z", "2024-02-01T00:00:00ZZ", "2024-02-01T00:00:00+0100", "2024-2-1T0:0:0Z",
        "-024-02-01T00:00:00Z", "2024-02-01T00:00:00+24:00", "0000-01-01T00:00:00+01:00",
        "9999-12-31T23:59:60-01:00"})
    EXPECT_FALSE(parse_rfc3339(text)) << text;
}

TEST(Duration, IsReadInEveryUnit) {
  EXPECT_EQ(parse_duration("200ms"), milliseconds(200));
  EXPECT_EQ(parse_duration("2s"), seconds(2));
  EXPECT_EQ(parse_duration("90m"), seconds(5400));
  EXPECT_EQ(parse_duration("1h"), seconds(3600));
  EXPECT_EQ(parse_duration("0ms"), milliseconds(0));
}

TEST(Duration, AnythingElseIsRefused) {
  for (const char* text :
       {"", "5", "ms", "1.5s", "-1s", "+1s", "1 s", "1s ", "1m30s", "1d", "1S", "99999999999s", "0x1s"})
    EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(Duration, IsWrittenInTheLargestUnitThatLosesNothing) {
  EXPECT_EQ(to_duration_text(milliseconds(200)), "200ms");
  EXPECT_EQ(to_duration_text(milliseconds(1500)), "1500ms");
  EXPECT_EQ(to_duration_text(seconds(2)), "2s");
  EXPECT_EQ(to_duration_text(seconds(90)), "90s");
  EXPECT_EQ(to_duration_text(seconds(120)), "2m");
  EXPECT_EQ(to_duration_text(seconds(3600)), "1h");
  EXPECT_EQ(to_duration_text(milliseconds(0)), "0ms");
}

}  // namespace
}  // namespace penstock
