// Values and bytes that nobody chose: both forms must agree, and no bytes may do harm.

#include <gtest/gtest.h>

#include <array>
#include <charconv>
#include <cmath>
#include <random>

#include "tests/unit/columns/decoding.hpp"

namespace penstock {
namespace {

using namespace test;

class Dice {
 public:
  explicit Dice(unsigned seed) : engine_(seed) {}
  [[nodiscard]] int below(int limit) { return std::uniform_int_distribution<int>(0, limit - 1)(engine_); }
  [[nodiscard]] std::uint64_t bits() { return engine_(); }
  [[nodiscard]] std::string digits(int count) {
    std::string text;
    for (int i = 0; i < count; ++i)
      text.push_back(static_cast<char>('0' + (below(3) == 0 ? 0 : below(10))));
    return text;
  }

 private:
  std::mt19937_64 engine_;
};

std::string random_numeric(Dice& dice) {
  std::string whole = dice.digits(dice.below(44));
  whole.erase(0, std::min(whole.find_first_not_of('0'), whole.size()));
  const std::string fraction = dice.digits(dice.below(44));
  const std::string number = (whole.empty() ? "0" : whole) + (fraction.empty() ? "" : "." + fraction);
  const bool zero = number.find_first_not_of("0.") == std::string::npos;
  return (zero || dice.below(2) == 0 ? "" : "-") + number;
}

/// What a numeric becomes in Decimal(precision, scale), by its text alone; empty: refused.
std::string scaled_by_hand(std::string text, int precision, int scale) {
  const bool negative = text.starts_with('-');
  if (negative) text.erase(0, 1);
  const auto point = std::min(text.find('.'), text.size());
  std::string fraction = point < text.size() ? text.substr(point + 1) : "";
  while (fraction.ends_with('0'))
    fraction.pop_back();
  if (fraction.size() > static_cast<std::size_t>(scale)) return {};
  std::string digits =
      text.substr(0, point) + fraction + std::string(static_cast<std::size_t>(scale) - fraction.size(), '0');
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
  if (digits.size() > static_cast<std::size_t>(precision)) return {};
  return (negative ? "-" : "") + (digits.empty() ? "0" : digits);
}

TEST(RandomValues, NumericsAgreeInBothFormsAndWithLongMultiplication) {
  Dice dice(1);
  int fitted = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string text = random_numeric(dice);
    const int precision = 1 + dice.below(76);
    const int scale = dice.below(precision + 1);
    const std::size_t size = precision <= 9 ? 4 : precision <= 18 ? 8 : precision <= 38 ? 16 : 32;
    const std::string target = "Decimal(" + std::to_string(precision) + ", " + std::to_string(scale) + ")";
    const std::string digits = scaled_by_hand(text, precision, scale);
    fitted += static_cast<int>(!digits.empty());
    expect_both(kNumeric, target, text, binary_numeric(text),
                digits.empty() ? refused(FieldOutcome::Unrepresentable) : exact(decimal_bytes(digits, size)));
    if (HasFailure()) return;
  }
  EXPECT_GT(fitted, 1'000);
}

TEST(RandomValues, FloatsAgreeInBothForms) {
  Dice dice(2);
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t bits = dice.bits();
    double value = 0;
    std::memcpy(&value, &bits, sizeof value);
    if (!std::isfinite(value)) continue;
    std::array<char, 64> buffer;
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
    const std::string text(buffer.data(), end);
    for (const char* target : {"Float64", "Float32", "Decimal(76, 38)", "Int64"}) {
      EXPECT_EQ(decode_text(kFloat8, target, text), decode_binary(kFloat8, target, binary_float(value)))
          << text;
    }
    if (HasFailure()) return;
  }
}

/// "YYYY-MM-DD HH:MM:SS.ffffff" by a calendar that counts days one year and month at a time.
std::string timestamp_text(std::int64_t micros) {
  constexpr std::int64_t kDay = 86'400'000'000;
  std::int64_t day = micros / kDay;
  std::int64_t rest = micros % kDay;
  if (rest < 0) rest += kDay, --day;
  int year = 1970;
  const auto leap = [](int y) { return y % 4 == 0 && (y % 100 != 0 || y % 400 == 0); };
  while (day < 0)
    day += leap(--year) ? 366 : 365;
  while (day >= (leap(year) ? 366 : 365))
    day -= leap(year++) ? 366 : 365;
  std::array<int, 12> lengths{31, leap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  std::size_t month = 0;
  for (; day >= lengths[month]; ++month)
    day -= lengths[month];
  std::array<char, 64> text;
  const std::int64_t seconds = rest / 1'000'000;
  const int size = std::snprintf(text.data(), text.size(), "%04d-%02d-%02d %02d:%02d:%02d.%06d", year,
                                 static_cast<int>(month) + 1, static_cast<int>(day) + 1,
                                 static_cast<int>(seconds / 3600), static_cast<int>(seconds / 60 % 60),
                                 static_cast<int>(seconds % 60), static_cast<int>(rest % 1'000'000));
  return {text.data(), static_cast<std::size_t>(size)};
}

TEST(RandomValues, TimestampsAgreeInBothForms) {
  Dice dice(3);
  for (int i = 0; i < 20'000; ++i) {
    const std::int64_t micros =
        static_cast<std::int64_t>(dice.bits() % 18'000'000'000'000'000) - 4'000'000'000'000'000;
    const std::string text = timestamp_text(micros);
    const std::string binary = big_endian(micros - 946'684'800'000'000, 8);
    for (const char* target :
         {"DateTime64(6, 'UTC')", "DateTime64(3)", "DateTime64(9)", "DateTime", "Date", "Date32"}) {
      const Decoded decoded = decode_text(kTimestamp, target, text);
      EXPECT_EQ(decoded, decode_binary(kTimestamp, target, binary)) << text;
      if (decoded.outcome == FieldOutcome::Exact && target == std::string("DateTime64(6, 'UTC')")) {
        EXPECT_EQ(decoded.body, little_endian(micros, 8)) << text;
      }
    }
    if (HasFailure()) return;
  }
}

struct Seed {
  PgType source;
  std::vector<std::string> targets;
  std::string text;
  std::string binary;
};

std::vector<Seed> seeds() {
  const std::string element = "a\\b";
  const std::string number = binary_numeric("-1234567.89");
  const std::vector<std::string> numbers{"Int32", "UInt8", "Float32", "Decimal(12, 2)", "Decimal(76, 38)"};
  const std::vector<std::string> times{"DateTime64(6, 'UTC')", "DateTime64(9)", "DateTime", "Date", "Date32"};
  return {{kBool, {"Bool", "String"}, "true", "\x01"},
          {kInt4, numbers, "-123456", big_endian(-123456, 4)},
          {kFloat8, numbers, "-1.5e-05", binary_float(-1.5e-5)},
          {kNumeric, numbers, "-1234567.89", number},
          {kText, {"String", "Int32", "UUID", "Date32", "Array(Int32)"}, "12-{x}", "12-{x}"},
          {kJsonb, {"String", "JSON"}, "{}", "\x01{}"},
          {kBytea, {"String"}, "\\x00ff", "raw"},
          {kUuid, {"UUID"}, "00112233-4455-6677-8899-aabbccddeeff", "0123456789abcdef"},
          {kDate, times, "2024-02-29", big_endian(8825, 4)},
          {kTimestamptz, times, "2024-02-29 13:00:00.25+00", big_endian(762'526'800'250'000, 8)},
          {kTime, {"Time64(6)", "Time64(9)"}, "13:00:00.25", big_endian(46'800'250'000, 8)},
          {kInet, {"String"}, "::1", ""},
          {kVector, {"Array(Float32)"}, "[1,2.5,-3e-07]", ""},
          {array_type(kText),
           {"Array(Nullable(String))", "String"},
           R"([0:1]={"a\\b",NULL,c})",
           binary_array({&element, nullptr})},
          {array_type(kNumeric),
           {"Array(Nullable(Decimal(9, 2)))"},
           "{-1234567.89,1}",
           binary_array({&number, &number}, 1700)}};
}

std::string mutated(std::string bytes, Dice& dice) {
  for (int i = dice.below(4); i >= 0; --i) {
    const auto at = static_cast<std::size_t>(dice.below(static_cast<int>(bytes.size()) + 1));
    const char byte = dice.below(2) == 0 ? static_cast<char>(dice.below(256))
                                         : "0123456789-+.:eE{}[]\",\\x \xff"[dice.below(26)];
    switch (dice.below(4)) {
      case 0:
        bytes.insert(at, 1, byte);
        break;
      case 1:
        bytes.erase(at, static_cast<std::size_t>(dice.below(3)));
        break;
      case 2:
        bytes.resize(at);
        break;
      default:
        if (at < bytes.size()) bytes[at] = byte;
    }
  }
  return bytes;
}

TEST(HostileBytes, DoNoHarmInEitherForm) {
  Dice dice(4);
  for (const Seed& seed : seeds()) {
    for (const std::string& target : seed.targets) {
      for (int i = 0; i < 2'000; ++i) {
        for (const bool null : {false, true}) {
          (void)decode(seed.source, target, mutated(seed.text, dice), WireForm::Text, null);
          (void)decode(seed.source, target, mutated(seed.binary, dice), WireForm::Binary, null);
        }
      }
      ASSERT_FALSE(HasFailure()) << target;  // decode() holds the column to its rows
    }
  }
}

TEST(HostileBytes, InATypesNameAreReadAsSomeType) {
  Dice dice(5);
  const std::vector<std::string> names{"Array(LowCardinality(Nullable(String)))", "Decimal(76, 38)",
                                       "DateTime64(6, 'UTC')", "Enum8('a\\'' = 1, 'b' = 2)"};
  for (int i = 0; i < 20'000; ++i) {
    std::string name = names[static_cast<std::size_t>(dice.below(4))];
    const auto at = static_cast<std::size_t>(dice.below(static_cast<int>(name.size())));
    name[at] = "()',\\ 0N"[dice.below(8)];
    Column column(ColumnType::parse(name));
    column.append_null();
    EXPECT_EQ(column.rows(), 1u);
  }
}

}  // namespace
}  // namespace penstock
