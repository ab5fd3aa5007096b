#include "crds/time_text.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>

namespace penstock {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::sys_days;

std::string date_and_time(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<seconds>(time) - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

/// Walks over a text; once something did not match, everything after it fails as well.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}

  int digits(std::size_t count, int low, int high) {
    int value = 0;
    if (rest_.size() < count) return failed();
    const auto [end, ec] = std::from_chars(rest_.data(), rest_.data() + count, value);
    if (ec != std::errc{} || end != rest_.data() + count || rest_.front() == '-' || value < low ||
        value > high)
      return failed();
    rest_.remove_prefix(count);
    return value;
  }
  char one_of(std::string_view choices) {
    if (rest_.empty() || choices.find(rest_.front()) == std::string_view::npos) {
      ok_ = false;
      return '\0';
    }
    const char found = rest_.front();
    rest_.remove_prefix(1);
    return found;
  }
  microseconds fraction() {
    if (rest_.empty() || rest_.front() != '.') return {};
    rest_.remove_prefix(1);
    std::int64_t value = 0;
    std::size_t count = 0;
    for (; !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; ++count, rest_.remove_prefix(1))
      if (count < 6) value = value * 10 + (rest_.front() - '0');
    ok_ = ok_ && count > 0;
    for (; count < 6; ++count)
      value *= 10;
    return microseconds(value);
  }
  [[nodiscard]] bool at_end() const { return ok_ && rest_.empty(); }

 private:
  int failed() {
    ok_ = false;
    return 0;
  }
  std::string_view rest_;
  bool ok_ = true;
};

minutes offset(Cursor& cursor) {
  const char sign = cursor.one_of("Zz+-");
  if (sign != '+' && sign != '-') return {};
  const int hours = cursor.digits(2, 0, 23);
  cursor.one_of(":");
  const minutes total(hours * 60 + cursor.digits(2, 0, 59));
  return sign == '-' ? -total : total;
}

struct Unit {
  std::string_view name;
  milliseconds length;
};
constexpr std::array<Unit, 4> kUnits{{{"h", std::chrono::hours(1)},
                                      {"m", std::chrono::minutes(1)},
                                      {"s", std::chrono::seconds(1)},
                                      {"ms", milliseconds(1)}}};

std::optional<milliseconds> unit_called(std::string_view name) {
  for (const Unit& unit : kUnits)
    if (unit.name == name) return unit.length;
  return std::nullopt;
}

}  // namespace

std::string to_rfc3339(WallTime time) {
  return date_and_time(time) + "Z";
}

std::string to_rfc3339_micro(WallTime time) {
  const auto fraction = time - std::chrono::floor<seconds>(time);
  return fmt::format("{}.{:06}Z", date_and_time(time), fraction.count());
}

Result<WallTime> parse_rfc3339(std::string_view text) {
  Cursor cursor(text);
  const int year = cursor.digits(4, 0, 9999);
  cursor.one_of("-");
  const int month = cursor.digits(2, 1, 12);
  cursor.one_of("-");
  const int day = cursor.digits(2, 1, 31);
  cursor.one_of("Tt ");
  const int hour = cursor.digits(2, 0, 23);
  cursor.one_of(":");
  const int minute = cursor.digits(2, 0, 59);
  cursor.one_of(":");
  const int second = cursor.digits(2, 0, 60);
  const microseconds fraction = cursor.fraction();
  const minutes zone = offset(cursor);
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  const auto invalid = fail(ErrorKind::Internal, "InvalidTime", "not a time such as 2024-05-01T09:30:00Z");
  if (!cursor.at_end() || !date.ok()) return invalid;
  const WallTime time = WallTime(sys_days(date)) + std::chrono::hours(hour) + minutes(minute) +
                        seconds(second) + fraction - zone;
  // In UTC it needs four digits for its year, too.
  const std::chrono::year_month_day utc{std::chrono::floor<std::chrono::days>(time)};
  if (utc.year() < std::chrono::year(0) || utc.year() > std::chrono::year(9999)) return invalid;
  return time;
}

std::string to_duration_text(milliseconds duration) {
  for (const Unit& unit : kUnits)
    if (duration.count() != 0 && duration % unit.length == milliseconds(0))
      return fmt::format("{}{}", duration / unit.length, unit.name);
  return fmt::format("{}ms", duration.count());
}

Result<milliseconds> parse_duration(std::string_view text) {
  std::uint32_t count = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), count);
  const auto unit = unit_called(text.substr(static_cast<std::size_t>(end - text.data())));
  if (ec != std::errc{} || !unit)
    return fail(ErrorKind::NeedsUser, "InvalidDuration",
                "not a duration: a whole number with ms, s, m or h, such as 200ms");
  return count * *unit;
}

}  // namespace penstock
