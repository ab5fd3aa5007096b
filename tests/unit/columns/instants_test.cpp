#include <gtest/gtest.h>

#include "tests/unit/columns/decoding.hpp"

namespace penstock {
namespace {

using namespace test;
using namespace std::string_literals;

constexpr std::int64_t kDay = 86'400'000'000;
constexpr std::int64_t kDaysTo2000 = 10'957;
constexpr std::int64_t kFirstDay = -25'567;  // 1900-01-01
constexpr std::int64_t kLastDay = 120'529;   // 2299-12-31

const Decoded kMalformed = refused(FieldOutcome::Malformed);
const std::string kFirstMicro = little_endian(kFirstDay * kDay, 8);
const std::string kLastMicro = little_endian((kLastDay + 1) * kDay - 1, 8);

std::string binary_date(std::int64_t days_since_1970) {
  return big_endian(days_since_1970 - kDaysTo2000, 4);
}
std::string binary_micros(std::int64_t micros_since_1970) {
  return big_endian(micros_since_1970 - kDaysTo2000 * kDay, 8);
}
const std::string kPastDate = big_endian(INT32_MIN, 4);
const std::string kFutureDate = big_endian(INT32_MAX, 4);
const std::string kPast = big_endian(INT64_MIN, 8);
const std::string kFuture = big_endian(INT64_MAX, 8);

TEST(Dates, AreDaysSince1970) {
  for (const auto& [text, day] : std::vector<std::pair<std::string, std::int64_t>>{{"1970-01-01", 0},
                                                                                   {"1969-12-31", -1},
                                                                                   {"2000-01-01", 10957},
                                                                                   {"2000-02-29", 11016},
                                                                                   {"2024-02-29", 19782},
                                                                                   {"1900-01-01", kFirstDay},
                                                                                   {"2299-12-31", kLastDay},
                                                                                   {"2100-03-01", 47541}}) {
    expect_both(kDate, "Date32", text, binary_date(day), exact(little_endian(day, 4)));
    expect_both(kDate, "Nullable(Date32)", text, binary_date(day), exact("\0"s + little_endian(day, 4)));
  }
}

TEST(Dates, OutsideOfTheRangeMoveToItsEdge) {
  const Decoded first = clamped(little_endian(kFirstDay, 4));
  const Decoded last = clamped(little_endian(kLastDay, 4));
  expect_both(kDate, "Date32", "1899-12-31", binary_date(kFirstDay - 1), first);
  expect_both(kDate, "Date32", "2300-01-01", binary_date(kLastDay + 1), last);
  expect_both(kDate, "Date32", "-infinity", kPastDate, first);
  expect_both(kDate, "Date32", "infinity", kFutureDate, last);
  expect_both(kDate, "Date32", "0044-03-15 BC", binary_date(-735160), first);
  expect_both(kDate, "Date32", "4713-01-01 BC", big_endian(-2451507, 4), first);
  expect_both(kDate, "Date32", "5874897-12-31", big_endian(2145031948, 4), last);
  expect_both(kDate, "Date32", "0001-01-01", binary_date(-719162), first);
}

TEST(Dates, FollowANarrowerTargetsOwnRange) {
  expect_both(kDate, "Date", "2149-06-06", binary_date(65535), exact("\xff\xff"));
  expect_both(kDate, "Date", "2149-06-07", binary_date(65536), clamped("\xff\xff"));
  expect_both(kDate, "Date", "1969-12-31", binary_date(-1), clamped("\0\0"s));
  expect_both(kDate, "DateTime", "2106-02-07", binary_date(49710), exact(little_endian(49710LL * 86400, 4)));
  expect_both(kDate, "DateTime", "2106-02-08", binary_date(49711), clamped("\xff\xff\xff\xff"));
  expect_both(kDate, "DateTime64(6, 'UTC')", "2024-02-29", binary_date(19782),
              exact(little_endian(19782 * kDay, 8)));
  expect_both(kDate, "DateTime64(6, 'UTC')", "infinity", kFutureDate, clamped(kLastMicro));
  expect_both(kDate, "DateTime64(0, 'UTC')", "1970-01-02", binary_date(1), exact(little_endian(86400, 8)));
}

TEST(Dates, RefuseWhatIsNone) {
  for (const char* text : {"",           "2024",        "2024-02",        "2024-02-30",  "2023-02-29",
                           "2024-13-01", "2024-00-01",  "2024-01-00",     "0000-01-01",  "24-01-01",
                           "2024-1-01",  "2024-01-01x", "2024-01-01 BCE", "2024-01-01 ", "Infinity",
                           "02/29/2024", "20240-01",    "99999999-01-01", "-2024-01-01", "2024-01-01BC"}) {
    EXPECT_EQ(decode_text(kDate, "Date32", text), kMalformed) << text;
  }
  EXPECT_EQ(decode_binary(kDate, "Date32", ""), kMalformed);
  EXPECT_EQ(decode_binary(kDate, "Date32", std::string(3, '\0')), kMalformed);
  EXPECT_EQ(decode_binary(kDate, "Date32", std::string(8, '\0')), kMalformed);
}

TEST(Timestamps, AreMicrosecondsSince1970) {
  for (const auto& [text, micros] : std::vector<std::pair<std::string, std::int64_t>>{
           {"1970-01-01 00:00:00", 0},
           {"1970-01-01 00:00:00.000001", 1},
           {"1969-12-31 23:59:59.999999", -1},
           {"2000-01-01 00:00:00", kDaysTo2000 * kDay},
           {"2024-02-29 13:07:09.5", 19782 * kDay + 47'229'500'000},
           {"1900-01-01 00:00:00", kFirstDay * kDay},
           {"2299-12-31 23:59:59.999999", (kLastDay + 1) * kDay - 1}}) {
    for (const char* target : {"DateTime64(6, 'UTC')", "DateTime64(6)", "DateTime64(6, 'Asia/Tokyo')"}) {
      expect_both(kTimestamp, target, text, binary_micros(micros), exact(little_endian(micros, 8)));
      expect_both(kTimestamptz, target, text + "+00", binary_micros(micros), exact(little_endian(micros, 8)));
    }
  }
}

TEST(Timestamps, AreReadInTheZoneTheyName) {
  const std::string target = "DateTime64(6, 'UTC')";
  EXPECT_EQ(decode_text(kTimestamptz, target, "1970-01-01 05:30:00+05:30"), exact(little_endian(0, 8)));
  EXPECT_EQ(decode_text(kTimestamptz, target, "1969-12-31 16:00:00-08"), exact(little_endian(0, 8)));
  EXPECT_EQ(decode_text(kTimestamptz, target, "1970-01-01 00:19:32.1+00:19:32"),
            exact(little_endian(100'000, 8)));
  EXPECT_EQ(decode_text(kTimestamptz, target, "2300-01-01 00:30:00+01"),
            exact(little_endian((kLastDay + 1) * kDay - kDay / 48, 8)));
}

TEST(Timestamps, OutsideOfTheRangeMoveToItsEdge) {
  const std::string target = "DateTime64(6, 'UTC')";
  expect_both(kTimestamp, target, "1899-12-31 23:59:59.999999", binary_micros(kFirstDay * kDay - 1),
              clamped(kFirstMicro));
  expect_both(kTimestamp, target, "2300-01-01 00:00:00", binary_micros((kLastDay + 1) * kDay),
              clamped(kLastMicro));
  expect_both(kTimestamp, target, "-infinity", kPast, clamped(kFirstMicro));
  expect_both(kTimestamp, target, "infinity", kFuture, clamped(kLastMicro));
  expect_both(kTimestamp, target, "294276-12-31 23:59:59.999999", big_endian(9223371331199999999, 8),
              clamped(kLastMicro));
  expect_both(kTimestamp, target, "4713-01-01 00:00:00 BC", big_endian(-211810204800000000, 8),
              clamped(kFirstMicro));
  expect_both(kTimestamptz, target, "0044-03-15 12:00:00+00 BC", binary_micros(-735160 * kDay),
              clamped(kFirstMicro));
}

TEST(Timestamps, LoseTheFractionThatACoarserTargetHasNoPlaceFor) {
  const std::string text = "1969-12-31 23:59:59.123456";
  const std::string binary = binary_micros(-876'544);
  expect_both(kTimestamp, "DateTime64(3)", text, binary, exact(little_endian(-877, 8)));
  expect_both(kTimestamp, "DateTime64(0)", text, binary, exact(little_endian(-1, 8)));
  expect_both(kTimestamp, "DateTime64(9)", text, binary, exact(little_endian(-876'544'000, 8)));
  expect_both(kTimestamp, "DateTime", "1970-01-01 00:00:01.9", binary_micros(1'900'000),
              exact(little_endian(1, 4)));
  expect_both(kTimestamp, "DateTime", text, binary, clamped(little_endian(0, 4)));
  expect_both(kTimestamp, "DateTime", "2106-02-07 06:28:15.9", binary_micros(4294967295'900'000),
              exact("\xff\xff\xff\xff"));
  expect_both(kTimestamp, "DateTime", "2106-02-07 06:28:16", binary_micros(4294967296'000'000),
              clamped("\xff\xff\xff\xff"));
  expect_both(kTimestamp, "Date32", text, binary, exact(little_endian(-1, 4)));
  expect_both(kTimestamp, "Date", "infinity", kFuture, clamped("\xff\xff"));
}

TEST(Timestamps, InNanosecondsEndWithInt64) {
  const std::string edge = little_endian(9223372036854775000, 8);
  expect_both(kTimestamp, "DateTime64(9)", "2262-04-11 23:47:16.854775", binary_micros(9223372036854775),
              exact(edge));
  expect_both(kTimestamp, "DateTime64(9)", "2262-04-11 23:47:16.854776", binary_micros(9223372036854776),
              clamped(edge));
  expect_both(kTimestamp, "DateTime64(9)", "infinity", kFuture, clamped(edge));
  expect_both(kTimestamp, "DateTime64(7)", "infinity", kFuture,
              clamped(little_endian(((kLastDay + 1) * kDay - 1) * 10, 8)));
  expect_both(kTimestamp, "DateTime64(3)", "infinity", kFuture,
              clamped(little_endian(((kLastDay + 1) * kDay) / 1000 - 1, 8)));
}

TEST(Timestamps, RefuseWhatIsNone) {
  for (const char* text :
       {"", "2024-01-01 ", "2024-01-01 1:00:00", "2024-01-01 01:00", "2024-01-01 25:00:00",
        "2024-01-01 24:00:00.000001", "2024-01-01 00:60:00", "2024-01-01 00:00:60", "2024-01-01T00:00:00",
        "2024-01-01 00:00:00.", "2024-01-01 00:00:00.1234567", "2024-01-01 00:00:00+",
        "2024-01-01 00:00:00+1", "2024-01-01 00:00:00 UTC", "2024-01-01 00:00:00 BC ", "infinity "}) {
    EXPECT_EQ(decode_text(kTimestamptz, "DateTime64(6, 'UTC')", text), kMalformed) << text;
  }
  for (const char* target : {"DateTime64(6, 'UTC')", "DateTime64(3)"}) {
    for (const std::size_t size : {0, 4, 7, 9, 16}) {
      EXPECT_EQ(decode_binary(kTimestamp, target, std::string(size, '\0')), kMalformed) << size;
    }
  }
}

TEST(Times, AreMicrosecondsSinceMidnight) {
  for (const auto& [text, micros] :
       std::vector<std::pair<std::string, std::int64_t>>{{"00:00:00", 0},
                                                         {"13:07:09.5", 47'229'500'000},
                                                         {"23:59:59.999999", kDay - 1},
                                                         {"24:00:00", kDay}}) {
    expect_both(kTime, "Time64(6)", text, big_endian(micros, 8), exact(little_endian(micros, 8)));
    expect_both(kTime, "Time64(3)", text, big_endian(micros, 8), exact(little_endian(micros / 1000, 8)));
    expect_both(kTime, "Time64(9)", text, big_endian(micros, 8), exact(little_endian(micros * 1000, 8)));
  }
  for (const char* text : {"", "24:00:01", "1:00:00", "01:00", "01:00:00+02", "-01:00:00"}) {
    EXPECT_EQ(decode_text(kTime, "Time64(6)", text), kMalformed) << text;
  }
  EXPECT_EQ(decode_binary(kTime, "Time64(6)", big_endian(-1, 8)), kMalformed);
  EXPECT_EQ(decode_binary(kTime, "Time64(6)", big_endian(kDay + 1, 8)), kMalformed);
  EXPECT_EQ(decode_binary(kTime, "Time64(6)", ""), kMalformed);
}

TEST(Texts, BecomeInstantsWhereTheyHoldOne) {
  expect_both(kText, "DateTime64(6, 'UTC')", "1970-01-01 00:00:01", "1970-01-01 00:00:01",
              exact(little_endian(1'000'000, 8)));
  expect_both(kText, "Date32", "1970-01-02", "1970-01-02", exact(little_endian(1, 4)));
  expect_both(kText, "Date32", "tomorrow", "tomorrow", refused(FieldOutcome::Unrepresentable));
  EXPECT_EQ(decode_text(kTimetz, "Time64(6)", "13:00:00+02"), refused(FieldOutcome::Unrepresentable));
}

}  // namespace
}  // namespace penstock
