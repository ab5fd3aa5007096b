#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/unit/columns/decoding.hpp"

namespace penstock {
namespace {

using namespace test;
using namespace std::string_literals;

const Decoded kUnrepresentable = refused(FieldOutcome::Unrepresentable);
const Decoded kMalformed = refused(FieldOutcome::Malformed);

std::string float_body(float value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}
std::string float_body(double value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

TEST(Integers, AreTheSameInBothForms) {
  struct Case {
    PgType source;
    std::size_t size;
    std::string target;
    std::vector<std::int64_t> values;
  };
  constexpr auto kMin = std::numeric_limits<std::int64_t>::min();
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  for (const Case& c : {Case{kInt2, 2, "Int16", {0, 1, -1, -32768, 32767}},
                        Case{kInt4, 4, "Int32", {0, 1, -1, -2147483648LL, 2147483647}},
                        Case{kInt8, 8, "Int64", {0, 1, -1, kMin, kMax}}}) {
    for (const std::int64_t value : c.values) {
      expect_both(c.source, c.target, std::to_string(value), big_endian(value, c.size),
                  exact(little_endian(value, c.size)));
    }
  }
}

TEST(Integers, FitIntoWiderAndNarrowerTargetsOrAreRefused) {
  struct Case {
    std::string target;
    std::int64_t value;
    std::size_t size;  ///< 0: refused
  };
  for (const Case& c :
       {Case{"Int64", -5, 8}, Case{"UInt64", 5, 8}, Case{"UInt64", -1, 0}, Case{"Int8", -128, 1},
        Case{"Int8", -129, 0}, Case{"Int8", 127, 1}, Case{"Int8", 128, 0}, Case{"UInt8", 255, 1},
        Case{"UInt8", 256, 0}, Case{"UInt16", 65535, 2}, Case{"UInt16", 65536, 0},
        Case{"UInt32", 4294967295, 4}, Case{"UInt32", 4294967296, 0}, Case{"Bool", 1, 1}, Case{"Bool", 0, 1},
        Case{"Bool", 2, 0}, Case{"Bool", -1, 0}}) {
    expect_both(kInt8, c.target, std::to_string(c.value), big_endian(c.value, 8),
                c.size == 0 ? kUnrepresentable : exact(little_endian(c.value, c.size)));
  }
  expect_both(kOid, "UInt32", "4294967295", "\xff\xff\xff\xff", exact("\xff\xff\xff\xff"));
  expect_both(kOid, "Int64", "4294967295", "\xff\xff\xff\xff", exact(little_endian(4294967295, 8)));
}

TEST(Integers, BecomeDecimalsAndFloatsOnlyExactly) {
  expect_both(kInt4, "Decimal(9, 2)", "-1234567", big_endian(-1234567, 4),
              exact(decimal_bytes("-123456700", 4)));
  expect_both(kInt4, "Decimal(9, 2)", "12345678", big_endian(12345678, 4), kUnrepresentable);
  expect_both(kInt8, "Decimal(76, 38)", "-9223372036854775808",
              big_endian(std::numeric_limits<std::int64_t>::min(), 8),
              exact(decimal_bytes("-9223372036854775808" + std::string(38, '0'), 32)));
  expect_both(kInt8, "Float64", "9007199254740992", big_endian(9007199254740992, 8),
              exact(float_body(9007199254740992.0)));
  expect_both(kInt8, "Float64", "9007199254740993", big_endian(9007199254740993, 8), kUnrepresentable);
  expect_both(kInt8, "Float64", "9223372036854775807", big_endian(9223372036854775807, 8), kUnrepresentable);
  expect_both(kInt4, "Float32", "16777217", big_endian(16777217, 4), kUnrepresentable);
}

/// 1e23 lies halfway between two doubles, and PostgreSQL prints the one below as 9.999999999999999e+22; of
/// floats there are whole numbers among these, 33554448 for 3.355445e+07.
TEST(Floats, BecomeTheDecimalThatTheSourcePrintsWhereTwoAreAsShort) {
  expect_both(kFloat8, "Decimal(38, 10)", "9.999999999999999e+22", binary_float(9.999999999999999e+22),
              exact(decimal_bytes("99999999999999990000000" + std::string(10, '0'), 16)));
  expect_both(kFloat8, "Decimal(38, 10)", "1e+22", binary_float(1e22),
              exact(decimal_bytes("1" + std::string(32, '0'), 16)));
  expect_both(kFloat8, "Decimal(18, 4)", "0.1", binary_float(0.1), exact(decimal_bytes("1000", 8)));
  expect_both(kFloat4, "Decimal(38, 10)", "3.3554448e+07", binary_float(33554448.0F),
              exact(decimal_bytes("33554448" + std::string(10, '0'), 16)));
}

TEST(Floats, HoldAWholeNumberOrRefuseItWhereItsShortestTextIsAnother) {
  expect_both(kNumeric, "Float32", "33554448", binary_numeric("33554448"), exact(float_body(33554448.0F)));
  expect_both(kFloat8, "Float32", "33554448", binary_float(33554448.0), exact(float_body(33554448.0F)));
  expect_both(kNumeric, "Float32", "33554450", binary_numeric("33554450"), kUnrepresentable);
  expect_both(kFloat8, "Float32", "33554450", binary_float(33554450.0), kUnrepresentable);
}

TEST(Integers, OfManyBitsAreRefusedWhereTheServerWouldCutThem) {
  const auto text_of = [](const std::string& digits) {
    return exact(static_cast<char>(digits.size()) + digits);
  };
  const std::string most = "170141183460469231731687303715884105727";
  EXPECT_EQ(decode_text(kNumeric, "Int128", most), text_of(most));
  EXPECT_EQ(decode_text(kNumeric, "Int128", "-170141183460469231731687303715884105728"),
            text_of("-170141183460469231731687303715884105728"));
  for (const char* beyond : {"170141183460469231731687303715884105728",
                             "-170141183460469231731687303715884105729", "1e50", "1.5", "NaN", "Infinity"})
    EXPECT_EQ(decode_text(kNumeric, "Int128", beyond), kUnrepresentable) << beyond;
  EXPECT_EQ(decode_text(kNumeric, "UInt128", "-1"), kUnrepresentable);
  EXPECT_EQ(decode_text(kNumeric, "UInt256", "12.00"), text_of("12"));
  EXPECT_EQ(decode_text(kNumeric, "Int256", "1" + std::string(77, '0')), kUnrepresentable);
  EXPECT_EQ(decode_text(kInt8, "Int256", "0"), text_of("0"));
  EXPECT_EQ(decode_text(kFloat8, "Int128", "-1.5e+02"), text_of("-150"));
  EXPECT_FALSE(FieldDecoder::takes_binary(kNumeric, ColumnType::parse("Nullable(Int256)")));
}

TEST(Booleans, AreAByteAndTakeEitherSpelling) {
  for (const char* target : {"Bool", "UInt8", "Int8"}) {
    expect_both(kBool, target, "t", "\x01", exact("\x01"));
    expect_both(kBool, target, "f", "\0"s, exact("\0"s));
    EXPECT_EQ(decode_text(kBool, target, "true"), exact("\x01"));
    EXPECT_EQ(decode_text(kBool, target, "false"), exact("\0"s));
    for (const char* text : {"", "T", "tr", "2"})
      EXPECT_EQ(decode_text(kBool, target, text), kMalformed) << text;
    for (const std::string& bytes : {""s, "\x02"s, "\0\0"s})
      EXPECT_EQ(decode_binary(kBool, target, bytes), kMalformed);
  }
}

TEST(Decimals, AreStoredInTheWidthOfTheirPrecision) {
  for (const auto& [target, size] : std::vector<std::pair<std::string, std::size_t>>{
           {"Decimal(9, 2)", 4}, {"Decimal(18, 2)", 8}, {"Decimal(38, 2)", 16}, {"Decimal(76, 2)", 32}}) {
    for (const auto& [text, digits] :
         std::vector<std::pair<std::string, std::string>>{{"0", "0"},
                                                          {"0.00", "0"},
                                                          {"1", "100"},
                                                          {"-1", "-100"},
                                                          {"12.5", "1250"},
                                                          {"-0.01", "-1"},
                                                          {"1.500000", "150"},
                                                          {"10000", "1000000"},
                                                          {"99999.99", "9999999"},
                                                          {"-1234567.89", "-123456789"},
                                                          {"9999999.99", "999999999"},
                                                          {"100.10", "10010"}}) {
      expect_both(kNumeric, target, text, binary_numeric(text), exact(decimal_bytes(digits, size)));
    }
  }
}

TEST(Decimals, HoldTheirLastDigitAndNoMore) {
  for (const int precision : {1, 4, 5, 9, 10, 18, 19, 38, 39, 75, 76}) {
    for (const int scale : {0, 1, precision / 2, precision - 1, precision}) {
      if (scale > precision) continue;
      const std::string target = "Decimal(" + std::to_string(precision) + ", " + std::to_string(scale) + ")";
      const std::size_t size = precision <= 9 ? 4 : precision <= 18 ? 8 : precision <= 38 ? 16 : 32;
      const auto digits = static_cast<std::size_t>(precision);
      const std::string whole(static_cast<std::size_t>(precision - scale), '9');
      const std::string fraction(static_cast<std::size_t>(scale), '9');
      const std::string largest = (whole.empty() ? "0" : whole) + (scale > 0 ? "." + fraction : "");
      const std::string beyond = "1" + std::string(whole.size(), '0');
      expect_both(kNumeric, target, largest, binary_numeric(largest),
                  exact(decimal_bytes(std::string(digits, '9'), size)));
      expect_both(kNumeric, target, "-" + largest, binary_numeric("-" + largest),
                  exact(decimal_bytes("-" + std::string(digits, '9'), size)));
      expect_both(kNumeric, target, beyond, binary_numeric(beyond), kUnrepresentable);
      const std::string smallest = "0." + std::string(fraction.size(), '0') + "1";
      expect_both(kNumeric, target, smallest, binary_numeric(smallest), kUnrepresentable);
      const std::string zeros = "0." + std::string(fraction.size(), '0') + "000000";
      expect_both(kNumeric, target, zeros, binary_numeric(zeros), exact(decimal_bytes("0", size)));
    }
  }
}

TEST(Decimals, AreNeverRounded) {
  for (const char* text :
       {"0.001", "-12.345", "99999999.99", "1.005", "0.0000000000001", "NaN", "Infinity", "-Infinity",
        "100000000000000000000000000000000000000000000000000000000000000000000000000000"}) {
    expect_both(kNumeric, "Decimal(9, 2)", text, binary_numeric(text), kUnrepresentable);
    EXPECT_EQ(decode(kNumeric, "Nullable(Decimal(9, 2))", text, WireForm::Text, true),
              (Decoded{FieldOutcome::Nulled, "\x01"s + std::string(4, '\0')}));
    EXPECT_EQ(decode(kNumeric, "Nullable(Decimal(9, 2))", binary_numeric(text), WireForm::Binary, true),
              (Decoded{FieldOutcome::Nulled, "\x01"s + std::string(4, '\0')}));
    EXPECT_EQ(decode(kNumeric, "Decimal(9, 2)", text, WireForm::Text, true), kUnrepresentable)
        << "not Nullable";
  }
}

TEST(Decimals, RefuseBytesThatAreNoNumeric) {
  const std::string good = binary_numeric("12345.678");
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_EQ(decode_binary(kNumeric, "Decimal(18, 3)", good.substr(0, size)), kMalformed) << size;
  }
  EXPECT_EQ(decode_binary(kNumeric, "Decimal(18, 3)", good + "\0"s), kMalformed);
  EXPECT_EQ(decode_binary(kNumeric, "Decimal(18, 3)", "\0\1\0\0\0\0\0\0\x27\x10"s), kMalformed)
      << "digit 10000";
  EXPECT_EQ(decode_binary(kNumeric, "Decimal(18, 3)", "\xff\xff\0\0\0\0\0\0"s), kMalformed)
      << "digit count -1";
  EXPECT_EQ(decode_binary(kNumeric, "Decimal(18, 3)", "\0\0\0\0\x12\x34\0\0"s), kMalformed) << "sign";
  for (const char* text :
       {"", "-", ".", "1.2.3", "1e", "1e+", "e5", "12 ", " 12", "+1", "0x10", "1,5", "nan", "--1"}) {
    EXPECT_EQ(decode_text(kNumeric, "Decimal(18, 3)", text), kMalformed) << text;
  }
}

TEST(Decimals, ReadDigitsThatPostgresWouldHaveStripped) {
  // 0000 0012 . 5000 0000, weight 1
  const std::string padded = "\0\4\0\1\0\0\0\1"s + "\0\0\0\x0c\x13\x88\0\0"s;
  EXPECT_EQ(decode_binary(kNumeric, "Decimal(9, 1)", padded), exact(decimal_bytes("125", 4)));
}

TEST(Numerics, BecomeIntegersWhereTheyAreWhole) {
  expect_both(kNumeric, "Int64", "-9223372036854775808", binary_numeric("-9223372036854775808"),
              exact(little_endian(std::numeric_limits<std::int64_t>::min(), 8)));
  expect_both(kNumeric, "Int64", "9223372036854775808", binary_numeric("9223372036854775808"),
              kUnrepresentable);
  expect_both(kNumeric, "UInt64", "18446744073709551615", binary_numeric("18446744073709551615"),
              exact(std::string(8, '\xff')));
  expect_both(kNumeric, "UInt64", "18446744073709551616", binary_numeric("18446744073709551616"),
              kUnrepresentable);
  expect_both(kNumeric, "Int32", "12.00", binary_numeric("12.00"), exact(little_endian(12, 4)));
  expect_both(kNumeric, "Int32", "12.01", binary_numeric("12.01"), kUnrepresentable);
  expect_both(kNumeric, "Int32", "NaN", binary_numeric("NaN"), kUnrepresentable);
  EXPECT_EQ(decode_text(kInt4, "Int32", "12x"), kMalformed);
  EXPECT_EQ(decode_text(kInt4, "Int32", ""), kMalformed);
}

TEST(Numerics, BecomeFloatsThatGiveTheirDigitsBack) {
  const double infinity = std::numeric_limits<double>::infinity();
  for (const auto& [text, value] :
       std::vector<std::pair<std::string, double>>{{"0", 0.0},
                                                   {"0.1", 0.1},
                                                   {"-12345.6789", -12345.6789},
                                                   {"1" + std::string(30, '0'), 1e30},
                                                   {"0." + std::string(20, '0') + "123", 0.123e-20},
                                                   {"Infinity", infinity},
                                                   {"-Infinity", -infinity},
                                                   {"NaN", std::numeric_limits<double>::quiet_NaN()},
                                                   {"0.10000", 0.1}}) {
    expect_both(kNumeric, "Float64", text, binary_numeric(text), exact(float_body(value)));
  }
  for (const std::string text : {"0.1000000000000000055", "12345678901234567890.1", "9007199254740993"}) {
    expect_both(kNumeric, "Float64", text, binary_numeric(text), kUnrepresentable);
  }
  const std::string huge = "1" + std::string(400, '0');
  const std::string tiny = "0." + std::string(400, '0') + "1";
  expect_both(kNumeric, "Float64", huge, binary_numeric(huge), kUnrepresentable);
  expect_both(kNumeric, "Float64", tiny, binary_numeric(tiny), kUnrepresentable);
  expect_both(kNumeric, "Float32", "0.1", binary_numeric("0.1"), exact(float_body(0.1F)));
  expect_both(kNumeric, "Float32", "0.123456789", binary_numeric("0.123456789"), kUnrepresentable);
}

TEST(Floats, AreExactInBothForms) {
  const auto infinity = std::numeric_limits<double>::infinity();
  for (const auto& [text, value] : std::vector<std::pair<std::string, double>>{
           {"0", 0.0},
           {"-0", -0.0},
           {"1", 1.0},
           {"0.1", 0.1},
           {"-2.5e-10", -2.5e-10},
           {"1e+20", 1e20},
           {"1.7976931348623157e+308", std::numeric_limits<double>::max()},
           {"5e-324", 5e-324},
           {"2.2250738585072014e-308", std::numeric_limits<double>::min()},
           {"Infinity", infinity},
           {"-Infinity", -infinity},
           {"NaN", std::numeric_limits<double>::quiet_NaN()}}) {
    expect_both(kFloat8, "Float64", text, binary_float(value), exact(float_body(value)));
  }
  for (const auto& [text, value] :
       std::vector<std::pair<std::string, float>>{{"-0", -0.0F},
                                                  {"0.1", 0.1F},
                                                  {"3.4028235e+38", std::numeric_limits<float>::max()},
                                                  {"1e-45", 1e-45F},
                                                  {"Infinity", std::numeric_limits<float>::infinity()},
                                                  {"NaN", std::numeric_limits<float>::quiet_NaN()}}) {
    expect_both(kFloat4, "Float32", text, binary_float(value), exact(float_body(value)));
    expect_both(kFloat4, "Float64", text, binary_float(value), exact(float_body(static_cast<double>(value))));
  }
}

TEST(Floats, HaveOneNaN) {
  const double computed = std::copysign(std::numeric_limits<double>::quiet_NaN(), -1.0);
  EXPECT_EQ(decode_binary(kFloat8, "Float64", binary_float(computed)),
            decode_text(kFloat8, "Float64", "NaN"));
}

TEST(Floats, NarrowOnlyWithoutALoss) {
  expect_both(kFloat8, "Float32", "0.1", binary_float(0.1), exact(float_body(0.1F)));
  expect_both(kFloat8, "Float32", "-0", binary_float(-0.0), exact(float_body(-0.0F)));
  expect_both(kFloat8, "Float32", "Infinity", binary_float(std::numeric_limits<double>::infinity()),
              exact(float_body(std::numeric_limits<float>::infinity())));
  expect_both(kFloat8, "Float32", "3.141592653589793", binary_float(3.141592653589793), kUnrepresentable);
  expect_both(kFloat8, "Float32", "1e+300", binary_float(1e300), kUnrepresentable);
  expect_both(kFloat8, "Float32", "1e-300", binary_float(1e-300), kUnrepresentable);
}

TEST(Floats, BecomeIntegersAndDecimalsOnlyExactly) {
  expect_both(kFloat8, "Int32", "-3", binary_float(-3.0), exact(little_endian(-3, 4)));
  expect_both(kFloat8, "Int32", "3.5", binary_float(3.5), kUnrepresentable);
  expect_both(kFloat8, "Int64", "9.223372036854776e+18", binary_float(9223372036854775808.0),
              kUnrepresentable);
  expect_both(kFloat8, "UInt64", "9.223372036854776e+18", binary_float(9223372036854775808.0),
              exact("\0\0\0\0\0\0\0\x80"s));
  expect_both(kFloat8, "UInt64", "1e+30", binary_float(1e30), kUnrepresentable);
  expect_both(kFloat8, "Int64", "NaN", binary_float(std::nan("")), kUnrepresentable);
  expect_both(kFloat8, "Decimal(9, 2)", "0.1", binary_float(0.1), exact(decimal_bytes("10", 4)));
  expect_both(kFloat4, "Decimal(9, 2)", "0.1", binary_float(0.1F), exact(decimal_bytes("10", 4)));
  expect_both(kFloat8, "Decimal(9, 2)", "-0", binary_float(-0.0), exact(decimal_bytes("0", 4)));
  expect_both(kFloat8, "Decimal(9, 2)", "0.125", binary_float(0.125), kUnrepresentable);
  expect_both(kFloat8, "Decimal(9, 2)", "Infinity", binary_float(HUGE_VAL), kUnrepresentable);
  expect_both(kFloat8, "Decimal(38, 0)", "1e+20", binary_float(1e20),
              exact(decimal_bytes("1" + std::string(20, '0'), 16)));
}

TEST(Floats, RefuseBytesThatAreNoFloat) {
  for (const std::string& bytes : {""s, "\0\0\0"s, std::string(9, '\0')}) {
    EXPECT_EQ(decode_binary(kFloat8, "Float64", bytes), kMalformed);
    EXPECT_EQ(decode_binary(kFloat4, "Float32", bytes), kMalformed);
  }
  for (const char* text : {"", "abc", "1.5x", " 1", "1e", "-"}) {
    EXPECT_EQ(decode_text(kFloat8, "Float64", text), kMalformed) << text;
  }
}

TEST(Texts, BecomeNumbersWhereTheyHoldOne) {
  expect_both(kText, "Int32", "-17", "-17", exact(little_endian(-17, 4)));
  expect_both(kVarchar, "Decimal(9, 2)", "1.5", "1.5", exact(decimal_bytes("150", 4)));
  expect_both(kText, "Float64", "1e3", "1e3", exact(float_body(1000.0)));
  expect_both(kText, "Bool", "t", "t", exact("\x01"));
  expect_both(kText, "Bool", "1", "1", exact("\x01"));
  for (const char* target : {"Int32", "Decimal(9, 2)", "Float64", "Bool"}) {
    expect_both(kText, target, "seventeen", "seventeen", kUnrepresentable);
  }
  EXPECT_EQ(decode_text(kMoney, "Int32", "$5.00"), kUnrepresentable);
}

}  // namespace
}  // namespace penstock
