#include "dataplane/columns/value_text.hpp"

#include <fmt/format.h>

#include <chrono>
#include <limits>

#include "dataplane/columns/number_text.hpp"
#include "dataplane/columns/scaled_number.hpp"
#include "dataplane/columns/source_number.hpp"
#include "dataplane/columns/time_text.hpp"
#include "dataplane/columns/type_family.hpp"

namespace penstock {
namespace {

using Text = std::optional<std::string>;

template <typename Source>
Text integer(std::string_view bytes) {
  std::int64_t value = 0;
  return read_integer<Source>(bytes, value) ? Text(std::to_string(value)) : std::nullopt;
}

template <typename Source>
Text floating(std::string_view bytes) {
  Source value = 0;
  if (!read_float(bytes, value)) return std::nullopt;
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  return fmt::format("{}", value);
}

/// Digits of base 10,000 on both sides of the point, and as many decimals as the value was declared with.
Text numeric(std::string_view bytes) {
  NumericBinary number;
  if (!number.read(bytes)) return std::nullopt;
  using Sign = NumericBinary::Sign;
  if (number.sign() == Sign::NaN) return "NaN";
  if (!number.finite()) return number.sign() == Sign::Infinity ? "Infinity" : "-Infinity";
  const int decimals = load_big_endian<std::int16_t>(bytes.data() + 6);
  const auto group = [&](int exponent) -> int {
    const int at = (number.exponent(0) - exponent) / 4;
    return exponent <= number.exponent(0) && at < number.count() ? number.digit(at) : 0;
  };
  std::string whole, fraction;
  for (int exponent = number.count() > 0 ? std::max(number.exponent(0), 0) : 0; exponent >= 0; exponent -= 4)
    whole += fmt::format("{:04}", group(exponent));
  for (int exponent = -4; static_cast<int>(fraction.size()) < decimals; exponent -= 4)
    fraction += fmt::format("{:04}", group(exponent));
  fraction.resize(static_cast<std::size_t>(std::max(decimals, 0)));
  whole.erase(0, std::min(whole.find_first_not_of('0'), whole.size() - 1));
  return (number.sign() == Sign::Minus ? "-" : "") + whole + (fraction.empty() ? "" : "." + fraction);
}

std::string clock(std::int64_t micros) {
  const auto seconds = micros / 1'000'000;
  auto out = fmt::format("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
  if (micros % 1'000'000 == 0) return out;
  out += fmt::format(".{:06}", micros % 1'000'000);
  while (out.back() == '0')
    out.pop_back();
  return out;
}

/// Of a day since 2000-01-01, with what belongs between it and " BC".
std::string day(std::int64_t days, const std::string& behind) {
  constexpr std::int64_t kCycle = 146'097;  // of 400 years, after which the calendar repeats
  const std::int64_t cycles = days / kCycle - static_cast<std::int64_t>(days % kCycle < 0);
  constexpr std::chrono::sys_days kStart{std::chrono::year{2000} / 1 / 1};
  const std::chrono::year_month_day date{kStart + std::chrono::days(days - cycles * kCycle)};
  const std::int64_t year = static_cast<int>(date.year()) + cycles * 400;
  return fmt::format("{:04}-{:02}-{:02}{}{}", year > 0 ? year : 1 - year, static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()), behind, year > 0 ? "" : " BC");
}

Text date(std::string_view bytes) {
  std::int64_t days = 0;
  if (!read_integer<std::int32_t>(bytes, days)) return std::nullopt;
  if (days == std::numeric_limits<std::int32_t>::max()) return "infinity";
  if (days == std::numeric_limits<std::int32_t>::min()) return "-infinity";
  return day(days, "");
}

Text timestamp(std::string_view bytes, bool zone) {
  std::int64_t micros = 0;
  if (!read_integer<std::int64_t>(bytes, micros)) return std::nullopt;
  if (micros == std::numeric_limits<std::int64_t>::max()) return "infinity";
  if (micros == std::numeric_limits<std::int64_t>::min()) return "-infinity";
  const auto days = micros / kMicrosPerDay - static_cast<std::int64_t>(micros % kMicrosPerDay < 0);
  return day(days, " " + clock(micros - days * kMicrosPerDay) + (zone ? "+00" : ""));
}

Text time(std::string_view bytes) {
  std::int64_t micros = 0;
  const bool read = read_integer<std::int64_t>(bytes, micros) && micros >= 0;
  return read ? Text(clock(micros)) : std::nullopt;
}

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes)
    out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return out;
}

Text uuid(std::string_view bytes) {
  if (bytes.size() != 16) return std::nullopt;
  auto out = hex(bytes);
  for (const std::size_t at : {8, 13, 18, 23})
    out.insert(at, 1, '-');
  return out;
}

}  // namespace

std::optional<std::string> value_text(const PgType& type, std::string_view bytes) {
  constexpr std::uint32_t kTimestampTz = 1184;
  switch (family_of(type)) {
    case TypeFamily::Bool:
      return bytes.size() == 1 ? Text(bytes[0] == 0 ? "f" : "t") : std::nullopt;
    case TypeFamily::Int2:
      return integer<std::int16_t>(bytes);
    case TypeFamily::Int4:
      return integer<std::int32_t>(bytes);
    case TypeFamily::Int8:
      return integer<std::int64_t>(bytes);
    case TypeFamily::Oid:
      return integer<std::uint32_t>(bytes);
    case TypeFamily::Float4:
      return floating<float>(bytes);
    case TypeFamily::Float8:
      return floating<double>(bytes);
    case TypeFamily::Numeric:
      return numeric(bytes);
    case TypeFamily::Text:
      return std::string(bytes);
    case TypeFamily::Bytea:
      return "\\x" + hex(bytes);
    case TypeFamily::Uuid:
      return uuid(bytes);
    case TypeFamily::Date:
      return date(bytes);
    case TypeFamily::Timestamp:
      return timestamp(bytes, type.oid == kTimestampTz);
    case TypeFamily::Time:
      return time(bytes);
    default:
      return std::nullopt;
  }
}

}  // namespace penstock
