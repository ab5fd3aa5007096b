#include "dataplane/columns/value_text.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "tests/unit/columns/decoding.hpp"

namespace penstock {
namespace {

using namespace test;
using namespace std::string_literals;

constexpr std::int64_t kDay = 86'400'000'000;

struct Case {
  PgType type;
  std::string bytes;
  std::string text;
};

TEST(ValueText, IsWhatTheOutputFunctionPrints) {
  constexpr auto kMin = std::numeric_limits<std::int64_t>::min(),
                 kMax = std::numeric_limits<std::int64_t>::max();
  for (const Case& c :
       {Case{kBool, "\x01", "t"},
        {kInt2, big_endian(-5, 2), "-5"},
        {kInt8, big_endian(kMin, 8), "-9223372036854775808"},
        {kOid, "\xff\xff\xff\xff", "4294967295"},
        {kFloat8, binary_float(-2.5), "-2.5"},
        {kText, "Zoë", "Zoë"},
        {enum_type(), "sad", "sad"},
        {kBytea, "\0\xff"s, "\\x00ff"},
        {kUuid, "\0\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff"s,
         "00112233-4455-6677-8899-aabbccddeeff"},
        {kDate, big_endian(0, 4), "2000-01-01"},
        {kDate, big_endian(59, 4), "2000-02-29"},
        {kDate, big_endian(-1, 4), "1999-12-31"},
        {kDate, big_endian(-730'119, 4), "0001-01-01"},
        {kDate, big_endian(-730'120, 4), "0001-12-31 BC"},
        {kDate, big_endian(-2'451'507, 4), "4713-01-01 BC"},
        {kDate, big_endian(2'145'031'948, 4), "5874897-12-31"},
        {kDate, big_endian(std::numeric_limits<std::int32_t>::max(), 4), "infinity"},
        {kTimestamp, big_endian(-1, 8), "1999-12-31 23:59:59.999999"},
        {kTimestamp, big_endian(-730'120 * kDay + kDay / 2 + 500'000, 8), "0001-12-31 12:00:00.5 BC"},
        {kTimestamptz, big_endian(0, 8), "2000-01-01 00:00:00+00"},
        {kTimestamptz, big_endian(kMin, 8), "-infinity"},
        {kTimestamp, big_endian(kMax, 8), "infinity"},
        {kTime, big_endian(kDay, 8), "24:00:00"}}) {
    EXPECT_EQ(value_text(c.type, c.bytes), c.text);
  }
}

TEST(ValueText, OfANumberHasItsDecimals) {
  const std::string tiny = "0." + std::string(39, '0') + "1";
  for (const std::string text :
       {"0", "0.00", "-12.50", "10000", "100000000", "99990000.0001", "0.0001", "NaN", "Infinity",
        "-Infinity", tiny.c_str(), "123456789012345678901234567890.5"})
    EXPECT_EQ(value_text(kNumeric, binary_numeric(text)), text);
}

TEST(ValueText, IsNoneOfWhatIsMalformedOrOfManyParts) {
  EXPECT_EQ(value_text(array_type(kInt4), "anything"), std::nullopt);
  for (const auto& type : {kBool, kInt2, kInt4, kInt8, kFloat8, kNumeric, kUuid, kDate, kTimestamp, kTime})
    EXPECT_EQ(value_text(type, "abc"), std::nullopt);
}

}  // namespace
}  // namespace penstock
