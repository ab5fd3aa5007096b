#include "tests/types/moment_text.hpp"

#include <algorithm>
#include <cstdio>
#include <limits>

namespace penstock::types {
namespace {

constexpr Wide kSecond = 1'000'000, kDay = 86'400 * kSecond;

/// Days since 1970-01-01 in the calendar of today, for all years (a year 0 is 1 BC).
std::int64_t days_of(std::int64_t year, int month, int day) {
  year -= month <= 2;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t of_era = year - era * 400;
  const std::int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

Wide floored(Wide value, Wide by) {
  return value / by - (value % by < 0 ? 1 : 0);
}

}  // namespace

Wide power_of_ten(int exponent) {
  Wide out = 1;
  while (exponent-- > 0)
    out *= 10;
  return out;
}

std::string text_of(Wide number) {
  if (number < 0) return "-" + text_of(-number);
  std::string out(1, static_cast<char>('0' + static_cast<int>(number % 10)));
  return number < 10 ? out : text_of(number / 10) + out;
}

std::optional<Wide> picos_of_time(const std::string& text) {
  int hour = 0, minute = 0, second = 0, end = 0;
  if (std::sscanf(text.c_str(), "%2d:%2d:%2d%n", &hour, &minute, &second, &end) != 3) return std::nullopt;
  Wide out = (hour * 60 + minute) * 60 + second;
  auto fraction = text.substr(static_cast<std::size_t>(end));
  if (!fraction.empty() && fraction[0] != '.') return std::nullopt;
  fraction.resize(13, '0');
  for (int at = 1; at < 13; ++at) {
    const char c = fraction[static_cast<std::size_t>(at)];
    if (c < '0' || c > '9') return std::nullopt;
    out = out * 10 + (c - '0');
  }
  return out;
}

std::optional<Wide> micros_of_moment(const std::string& text) {
  constexpr Wide kBeyond = 1'000'000'000 * kDay;
  if (text == "infinity") return kBeyond;
  if (text == "-infinity") return -kBeyond;
  long long year = 0;
  int month = 0, day = 0, end = 0;
  if (std::sscanf(text.c_str(), "%lld-%2d-%2d%n", &year, &month, &day, &end) != 3) return std::nullopt;
  auto rest = text.substr(static_cast<std::size_t>(end));
  if (rest.ends_with(" BC")) {
    rest.resize(rest.size() - 3);
    year = 1 - year;
  }
  if (rest.ends_with("+00")) rest.resize(rest.size() - 3);
  const auto midnight = days_of(year, month, day) * kDay;
  if (rest.empty()) return midnight;
  const auto time = rest[0] == ' ' ? picos_of_time(rest.substr(1)) : std::nullopt;
  if (!time) return std::nullopt;
  return midnight + *time / 1'000'000;
}

int fraction_digits(const std::string& target) {
  const auto open = target.find('(');
  return open == std::string::npos ? 3 : std::atoi(target.c_str() + open + 1);
}

Ticks ticks_of(const std::string& target, Wide micros) {
  Wide low = -25'567 * kDay, high = 120'530 * kDay - 1, tick = kDay, factor = 1;
  if (target == "Date") {
    low = 0;
    high = 65'536 * kDay - 1;
  } else if (target.starts_with("DateTime64")) {
    const int digits = fraction_digits(target);
    tick = digits <= 6 ? power_of_ten(6 - digits) : 1;
    factor = digits > 6 ? power_of_ten(digits - 6) : 1;
    high = std::min(high, Wide{std::numeric_limits<std::int64_t>::max()} / factor);
  } else if (target.starts_with("DateTime")) {
    low = 0;
    high = (Wide{1} << 32) * kSecond - 1;
    tick = kSecond;
  }
  const auto inside = std::clamp(micros, low, high);
  return {floored(inside, tick) * factor, inside != micros};
}

}  // namespace penstock::types
