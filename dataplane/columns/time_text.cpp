#include "dataplane/columns/time_text.hpp"

#include <chrono>

namespace penstock {

namespace {

class Cursor {
 public:
  explicit Cursor(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  [[nodiscard]] bool done() const { return at_ == end_; }
  [[nodiscard]] char peek() const { return at_ == end_ ? '\0' : *at_; }
  /// Whether `first` is next and a digit behind it.
  [[nodiscard]] bool digit_follows(char first) const {
    return end_ - at_ > 1 && at_[0] == first && at_[1] >= '0' && at_[1] <= '9';
  }
  [[nodiscard]] bool take(char wanted) {
    if (at_ == end_ || *at_ != wanted) return false;
    ++at_;
    return true;
  }
  [[nodiscard]] bool take(std::string_view wanted) {
    if (std::string_view(at_, static_cast<std::size_t>(end_ - at_)).substr(0, wanted.size()) != wanted)
      return false;
    at_ += wanted.size();
    return true;
  }
  /// At least `least` digits and all that follow, up to `most`; -1 where there are fewer.
  [[nodiscard]] int number(int least, int most) {
    int value = 0;
    int count = 0;
    for (; at_ != end_ && *at_ >= '0' && *at_ <= '9' && count < most; ++at_, ++count) {
      value = value * 10 + (*at_ - '0');
    }
    return count < least ? -1 : value;
  }

 private:
  const char* at_;
  const char* end_;
};

constexpr std::string_view kBeforeChrist = " BC";

struct Date {
  int year = 0;
  int month = 0;
  int day = 0;
};

/// .5 is 500000 microseconds; -1 where there are no digits or more than six.
int read_fraction(Cursor& cursor) {
  int micros = 0;
  int digits = 0;
  for (; cursor.peek() >= '0' && cursor.peek() <= '9' && digits < 6; ++digits)
    micros = micros * 10 + cursor.number(1, 1);
  if (digits == 0) return -1;
  for (; digits < 6; ++digits)
    micros *= 10;
  return micros;
}

/// HH:MM:SS[.ffffff] in microseconds.
std::optional<std::int64_t> read_time(Cursor& cursor) {
  const int hour = cursor.number(2, 2);
  if (!cursor.take(':')) return std::nullopt;
  const int minute = cursor.number(2, 2);
  if (!cursor.take(':')) return std::nullopt;
  const int second = cursor.number(2, 2);
  const int micros = cursor.take('.') ? read_fraction(cursor) : 0;
  if (hour < 0 || hour > 24 || minute < 0 || minute > 59 || second < 0 || second > 59 || micros < 0)
    return {};
  const std::int64_t time = ((hour * 60LL + minute) * 60 + second) * 1'000'000 + micros;
  return time <= kMicrosPerDay ? std::optional(time) : std::nullopt;
}

/// +HH[:MM[:SS]] east of UTC, in seconds; nothing is 0.
std::optional<int> read_zone(Cursor& cursor) {
  const bool west = cursor.peek() == '-';
  if (!cursor.take('+') && !cursor.take('-')) return 0;
  const int hours = cursor.number(2, 2);
  const int minutes = cursor.take(':') ? cursor.number(2, 2) : 0;
  const int seconds = cursor.take(':') ? cursor.number(2, 2) : 0;
  if (hours < 0 || minutes < 0 || minutes > 59 || seconds < 0 || seconds > 59) return std::nullopt;
  const int offset = (hours * 60 + minutes) * 60 + seconds;
  return west ? -offset : offset;
}

/// " HH:MM:SS[.ffffff][+zone]" into `instant`, whose day is known.
bool read_clock(Cursor& cursor, Instant& instant) {
  if (!cursor.take(' ')) return false;
  const auto time = read_time(cursor);
  const auto zone = read_zone(cursor);
  if (!time || !zone) return false;
  instant.micros = *time - *zone * 1'000'000LL;
  while (instant.micros < 0)
    instant.micros += kMicrosPerDay, --instant.days;
  while (instant.micros >= kMicrosPerDay)
    instant.micros -= kMicrosPerDay, ++instant.days;
  return true;
}

/// False for a day that the calendar does not have.
bool read_day(const Date& date, bool before_christ, Instant& instant) {
  if (date.year < 1 || date.month < 1 || date.day < 1) return false;
  const int astronomical = before_christ ? 1 - date.year : date.year;
  // The calendar repeats after 400 years, and std::chrono ends after some 30,000.
  const int year = 2000 + (astronomical % 400 + 400) % 400;
  const std::chrono::year_month_day day{std::chrono::year{year},
                                        std::chrono::month{static_cast<unsigned>(date.month)},
                                        std::chrono::day{static_cast<unsigned>(date.day)}};
  if (!day.ok()) return false;
  constexpr std::int64_t kDaysPer400Years = 146'097;
  const std::int64_t cycles = (astronomical - year) / 400;
  instant.days = std::chrono::sys_days{day}.time_since_epoch().count() + cycles * kDaysPer400Years;
  return true;
}

}  // namespace

std::optional<Instant> parse_instant(std::string_view text) {
  if (text == "infinity") return Instant{.side = Instant::Side::Future};
  if (text == "-infinity") return Instant{.side = Instant::Side::Past};
  Cursor cursor(text);
  Date date;
  date.year = cursor.number(4, 7);
  if (!cursor.take('-')) return std::nullopt;
  date.month = cursor.number(2, 2);
  if (!cursor.take('-')) return std::nullopt;
  date.day = cursor.number(2, 2);
  const bool before_christ = text.ends_with(kBeforeChrist);
  Instant instant;
  if (!read_day(date, before_christ, instant)) return std::nullopt;
  if (cursor.digit_follows(' ') && !read_clock(cursor, instant)) return std::nullopt;
  if (before_christ && !cursor.take(kBeforeChrist)) return std::nullopt;
  return cursor.done() ? std::optional(instant) : std::nullopt;
}

std::optional<std::int64_t> parse_time(std::string_view text) {
  Cursor cursor(text);
  const auto time = read_time(cursor);
  return cursor.done() ? time : std::nullopt;
}

}  // namespace penstock
