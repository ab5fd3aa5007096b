#include "tests/types/values.hpp"

#include <fmt/format.h>

#include <cstring>
#include <limits>

namespace penstock::types {
namespace {

using Texts = std::vector<std::string>;

std::string digits(Random& random, int count) {
  std::string out;
  for (int at = 0; at < count; ++at)
    out += static_cast<char>('0' + random.number(0, 9));
  return out;
}

template <typename Float, typename Bits>
std::string any_float(Random& random, const Texts& edges) {
  if (random.chance(50)) return random.of(edges);
  if (random.chance(30)) return std::to_string(random.number(-100000, 100000));
  const auto bits = static_cast<Bits>(random.bits());
  Float value;
  std::memcpy(&value, &bits, sizeof value);
  return value != value ? "NaN" : fmt::format("{}", value);
}

std::string clock_of(Random& random, int fraction) {
  auto out =
      fmt::format("{:02}:{:02}:{:02}", random.number(0, 23), random.number(0, 59), random.number(0, 59));
  return fraction > 0 ? out + "." + digits(random, fraction) : out;
}

}  // namespace

std::string any_integer(Random& random, int bytes) {
  const auto high = static_cast<std::int64_t>((std::uint64_t{1} << (8 * bytes - 1)) - 1);
  if (random.chance(40)) {
    static const Texts kEdges{"0",    "1",   "-1",  "127",   "128",    "-128",
                              "-129", "255", "256", "32767", "-32768", "10000"};
    return random.of(kEdges);
  }
  if (random.chance(30)) return std::to_string(random.chance(50) ? high : -high - 1);
  if (bytes > 4 && random.chance(40)) {
    static const Texts kEdges{"2147483648", "-2147483649",      "4294967295",         "4294967296",
                              "16777217",   "9007199254740993", "1000000000000000000"};
    return random.of(kEdges);
  }
  const auto value = static_cast<std::int64_t>(random.bits()) >> (64 - 8 * bytes);
  return std::to_string(value >> random.number(0, 8 * bytes - 1));
}

std::string any_float4(Random& random) {
  static const Texts kEdges{"0",     "-0",       "NaN",           "Infinity",      "-Infinity",
                            "1e-45", "-1e-45",   "1.1754944e-38", "1.1754942e-38", "3.4028235e+38",
                            "0.1",   "33554448", "16777216",      "16777218",      "1e20",
                            "-2.5",  "3e9",      "0.3",           "1e-7"};
  return any_float<float, std::uint32_t>(random, kEdges);
}

std::string any_float8(Random& random) {
  static const Texts kEdges{"0",
                            "-0",
                            "NaN",
                            "Infinity",
                            "-Infinity",
                            "5e-324",
                            "-5e-324",
                            "2.2250738585072014e-308",
                            "2.225073858507201e-308",
                            "1.7976931348623157e+308",
                            "0.1",
                            "9007199254740993",
                            "1e22",
                            "1e23",
                            "-2.5",
                            "0.3",
                            "123456789012345678",
                            "1e-7",
                            "3.5"};
  return any_float<double, std::uint64_t>(random, kEdges);
}

std::string any_decimal(Random& random, int whole, int fraction) {
  const auto join = [&](const std::string& before, const std::string& behind) {
    const std::string sign = random.chance(50) ? "-" : "";
    return sign + (before.empty() ? "0" : before) + (behind.empty() ? "" : "." + behind);
  };
  switch (random.number(0, 6)) {
    case 0:
      return "0";
    case 1:  // all there is room for
      return join(std::string(static_cast<std::size_t>(whole), '9'),
                  std::string(static_cast<std::size_t>(fraction), '9'));
    case 2:  // the smallest
      if (fraction == 0) return whole == 0 ? "0" : join("1", "");
      return join("", std::string(static_cast<std::size_t>(fraction) - 1, '0') + "1");
    case 3:  // one digit and zeros, which the source stores without
      return whole == 0
                 ? "0"
                 : join("1" + std::string(static_cast<std::size_t>(random.number(0, whole - 1)), '0'), "");
    case 4:
      return random.chance(30) ? "NaN" : join(digits(random, static_cast<int>(random.number(0, whole))), "");
    default:
      return join(digits(random, static_cast<int>(random.number(0, whole))),
                  digits(random, static_cast<int>(random.number(0, fraction))));
  }
}

std::string any_unbounded(Random& random) {
  if (random.chance(75)) return any_decimal(random, 38, 38);
  static const Texts kEdges{"Infinity",
                            "-Infinity",
                            "NaN",
                            "1e38",
                            "-1e38",
                            "1e-38",
                            "1e-39",
                            "1e1000",
                            "1e-1000",
                            "1.500000",
                            "0.000",
                            "-0.00",
                            "12.3400000000000000000000000000000000000000000000"};
  return random.chance(70) ? random.of(kEdges) : any_decimal(random, 60, 60);
}

std::string any_text(Random& random, int most) {
  static const Texts kEdges{"",     " ",    "NULL",     "null",         "\\N",  "\\",    "'",    "\"",
                            "a,b",  "{}",   "a\tb",     "a\nb",         "\r\n", "Zoë",   "漢字", "👋🏽",
                            "\x01", "\x7f", "\xc2\x80", "\xef\xbb\xbf", " x ",  "(1,2)", "%s",   "ﬁ"};
  static const Texts kCharacters{"a", "Z", "0",  " ",  "'", "\"", "\\", ",",
                                 "{", "}", "\n", "\t", "é", "漢", "👋",  ";"};
  if (random.chance(40)) {
    const auto& edge = random.of(kEdges);
    if (static_cast<int>(edge.size()) <= most) return edge;
  }
  std::string out;
  for (auto left = random.number(0, std::min(most, 24)); left > 0; --left)
    out += random.of(kCharacters);
  // Large enough to be stored out of line, and left out of an update that does not change it.
  if (most > 4000 && random.chance(15))
    for (auto left = random.number(2500, 4000); left > 0; --left)
      out += static_cast<char>(random.number('!', '~'));
  return out;
}

std::string any_foreign_text(Random& random) {
  switch (random.number(0, 8)) {
    case 0:
      return any_integer(random, static_cast<int>(random.number(1, 2) * 4));
    case 1:
      return any_decimal(random, 12, 6);
    case 2:
      return any_date(random);
    case 3:
      return any_timestamp(random);
    case 4:
      return any_uuid(random);
    case 5:
      return random.chance(50) ? "true" : "f";
    case 6:
      return random.chance(50) ? "{a,NULL,\"b c\"}" : "{}";
    case 7:
      return random.of(
          Texts{"1e3", "-1.5e-3", "+1", " 1", "1 ", "0x10", "1.", ".5", "Infinity", "12:00:00", "24:00:00"});
    default:
      return any_text(random, 20);
  }
}

std::string any_bytea(Random& random) {
  std::string out = "\\x";
  auto size = random.chance(20) ? 0 : random.number(1, 40);
  if (random.chance(10)) size = random.number(2200, 3000);
  for (; size > 0; --size)
    out += fmt::format("{:02x}", random.chance(20) ? 0 : random.bits() & 0xff);
  return out;
}

std::string any_uuid(Random& random) {
  static const Texts kEdges{"00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
                            "00112233-4455-6677-8899-aabbccddeeff"};
  if (random.chance(30)) return random.of(kEdges);
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", random.bits() & 0xffffffff,
                     random.bits() & 0xffff, random.bits() & 0xffff, random.bits() & 0xffff,
                     random.bits() & 0xffffffffffff);
}

std::string any_date(Random& random) {
  static const Texts kEdges{"1900-01-01", "1899-12-31",    "2299-12-31",    "2300-01-01",    "1970-01-01",
                            "1969-12-31", "2149-06-06",    "2149-06-07",    "2000-02-29",    "2100-02-28",
                            "0001-01-01", "0044-03-15 BC", "4713-01-01 BC", "5874897-12-31", "infinity",
                            "-infinity",  "10000-01-01"};
  if (random.chance(50)) return random.of(kEdges);
  return fmt::format("{:04}-{:02}-{:02}", random.number(1880, 2320), random.number(1, 12),
                     random.number(1, 28));
}

std::string any_timestamp(Random& random, int digits_behind) {
  static const Texts kEdges{"1900-01-01 00:00:00",
                            "1899-12-31 23:59:59.999999",
                            "2299-12-31 23:59:59.999999",
                            "2300-01-01 00:00:00",
                            "1970-01-01 00:00:00",
                            "1969-12-31 23:59:59.999999",
                            "1969-12-31 23:59:59",
                            "2106-02-07 06:28:15.999999",
                            "2106-02-07 06:28:16",
                            "2262-04-11 23:47:16.854775",
                            "2262-04-11 23:47:16.854776",
                            "2149-06-06 23:59:59.999999",
                            "2149-06-07 00:00:00",
                            "4713-01-01 00:00:00 BC",
                            "0044-03-15 12:00:00.5 BC",
                            "0001-01-01 00:00:00",
                            "294276-12-31 23:59:59.999999",
                            "99999-01-01 00:00:00",
                            "infinity",
                            "-infinity",
                            "2024-02-29 13:07:09.5"};
  // Rounded up, the last moment that there is would be none.
  if (const auto& edge = random.of(kEdges);
      random.chance(50) && (digits_behind == 6 || edge[0] != '2' || edge.size() < 28))
    return edge;
  return fmt::format("{:04}-{:02}-{:02} {}", random.number(1880, 2320), random.number(1, 12),
                     random.number(1, 28),
                     clock_of(random, static_cast<int>(random.number(0, digits_behind))));
}

std::string any_time(Random& random, int digits_behind) {
  static const Texts kEdges{"00:00:00", "24:00:00", "23:59:59.999999", "00:00:00.000001", "12:00:00.5"};
  if (random.chance(40)) return random.of(kEdges);
  return clock_of(random, static_cast<int>(random.number(0, digits_behind)));
}

std::string any_interval(Random& random) {
  static const Texts kEdges{"0",
                            "1 year -2 mons 3 days 04:05:06.7",
                            "-1 day",
                            "00:00:00.000001",
                            "178000000 years",
                            "-178000000 years",
                            "-1 mons +1 day",
                            "-00:00:01"};
  if (random.chance(50)) return random.of(kEdges);
  return fmt::format("{} mons {} days {}", random.number(-400, 400), random.number(-400, 400),
                     clock_of(random, 3));
}

std::string any_jsonb(Random& random) {
  static const Texts kEdges{"null",
                            "\"\"",
                            "{}",
                            "[]",
                            "true",
                            "0",
                            "-0.0",
                            "1e5",
                            "1.0",
                            "12345678901234567890123456789.10",
                            "{\"b\": 1.0, \"a\": null}",
                            "[1,  2]",
                            "\"tab\\tquote\\\"\"",
                            "{\"Zoë\": \"漢\"}",
                            "[[[[{}]]]]",
                            "{\"a\":{\"a\":[null]}}"};
  if (random.chance(70)) return random.of(kEdges);
  std::string out = "[\"";
  for (auto left = random.chance(20) ? random.number(2500, 3500) : random.number(0, 30); left > 0; --left)
    out += static_cast<char>(random.number('a', 'z'));
  return out + fmt::format("\", {}]", random.number(-1000, 1000));
}

std::string any_json(Random& random) {
  static const Texts kEdges{"{\"a\" : 1, \"a\":2}", " null ", "\"\\u0000\"", "{ }", "[1 ,\n2]", "1E400"};
  return random.chance(40) ? random.of(kEdges) : any_jsonb(random);
}

std::string any_inet(Random& random) {
  static const Texts kEdges{"10.0.0.1", "10.0.0.1/8",    "0.0.0.0/0",      "255.255.255.255", "::1",
                            "::",       "2001:db8::/32", "::ffff:1.2.3.4", "fe80::1/64"};
  if (random.chance(70)) return random.of(kEdges);
  return fmt::format("{}.{}.{}.{}/{}", random.number(0, 255), random.number(0, 255), random.number(0, 255),
                     random.number(0, 255), random.number(0, 32));
}

std::string any_bits(Random& random, int least, int most) {
  std::string out;
  for (auto left = random.number(least, most); left > 0; --left)
    out += random.chance(50) ? '1' : '0';
  return out;
}

}  // namespace penstock::types
