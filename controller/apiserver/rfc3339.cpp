#include "controller/apiserver/rfc3339.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace penstock::apiserver {

namespace {

using std::chrono::seconds;

std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
  if (at + count > text.size()) return std::nullopt;
  int value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

/// "Z", "+02:00": seconds to subtract.
std::optional<seconds> offset_of(std::string_view text) {
  if (text == "Z" || text == "z") return seconds(0);
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return std::nullopt;
  const auto hours = digits(text, 1, 2);
  const auto minutes = digits(text, 4, 2);
  if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  const seconds size{*hours * 3600 + *minutes * 60};
  return text[0] == '-' ? -size : size;
}

/// The fraction that starts at `at` in microseconds; moves `at` behind it.
std::optional<std::chrono::microseconds> fraction_of(std::string_view text, std::size_t& at) {
  if (at >= text.size() || text[at] != '.') return std::chrono::microseconds(0);
  const std::size_t start = ++at;
  int value = 0;
  int scale = 100000;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
    value += (text[at] - '0') * scale;
    scale /= 10;
  }
  if (at == start) return std::nullopt;
  return std::chrono::microseconds(value);
}

}  // namespace

std::string rfc3339(WallTime time) {
  const auto whole = std::chrono::floor<seconds>(time);
  const auto day = std::chrono::floor<std::chrono::days>(whole);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{whole - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

std::optional<WallTime> parse_rfc3339(std::string_view text) {
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != 't') ||
      text[13] != ':' || text[16] != ':') {
    return std::nullopt;
  }
  const std::array parts{digits(text, 0, 4),  digits(text, 5, 2),  digits(text, 8, 2),
                         digits(text, 11, 2), digits(text, 14, 2), digits(text, 17, 2)};
  for (const auto& part : parts) {
    if (!part) return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(*parts[0]),
                                         std::chrono::month(static_cast<unsigned>(*parts[1])),
                                         std::chrono::day(static_cast<unsigned>(*parts[2]))};
  if (!date.ok() || *parts[3] > 23 || *parts[4] > 59 || *parts[5] > 60) return std::nullopt;
  std::size_t at = 19;
  const auto fraction = fraction_of(text, at);
  const auto offset = offset_of(text.substr(at));
  if (!fraction || !offset) return std::nullopt;
  const auto whole =
      std::chrono::sys_days(date) + seconds(*parts[3] * 3600 + *parts[4] * 60 + *parts[5]) - *offset;
  // In UTC it needs four digits for its year, too.
  const std::chrono::year_month_day utc{std::chrono::floor<std::chrono::days>(whole)};
  if (utc.year() < std::chrono::year(0) || utc.year() > std::chrono::year(9999)) return std::nullopt;
  return WallTime(std::chrono::sys_time<seconds>(whole)) + *fraction;
}

std::string human_duration(seconds duration) {
  const auto total = duration.count();
  if (total < -1) return "<invalid>";
  if (total < 0) return "0s";
  const auto minutes = total / 60;
  const auto hours = minutes / 60;
  const auto days = hours / 24;
  const auto with_rest = [](auto big, const char* unit, auto rest, const char* rest_unit) {
    return rest == 0 ? fmt::format("{}{}", big, unit) : fmt::format("{}{}{}{}", big, unit, rest, rest_unit);
  };
  if (total < 120) return fmt::format("{}s", total);
  if (minutes < 10) return with_rest(minutes, "m", total % 60, "s");
  if (minutes < 180) return fmt::format("{}m", minutes);
  if (hours < 8) return with_rest(hours, "h", minutes % 60, "m");
  if (hours < 48) return fmt::format("{}h", hours);
  if (hours < 192) return with_rest(days, "d", hours % 24, "h");
  if (days < 730) return fmt::format("{}d", days);
  if (days < 365 * 8) return with_rest(days / 365, "y", days % 365, "d");
  return fmt::format("{}y", days / 365);
}

}  // namespace penstock::apiserver
