#pragma once

#include <optional>
#include <string>

namespace penstock::types {

__extension__ using Wide = __int128;

/// Microseconds since 1970-01-01 of a date or timestamp that PostgreSQL or ClickHouse prints in UTC; far
/// beyond every target for an infinity. None: it is no such text.
[[nodiscard]] std::optional<Wide> micros_of_moment(const std::string& text);
/// Picoseconds since midnight, of HH:MM:SS with any fraction.
[[nodiscard]] std::optional<Wide> picos_of_time(const std::string& text);

/// The text of a target's time type, of either nature, in its ticks.
struct Ticks {
  Wide value = 0;
  bool clamped = false;
};
/// As a Date, Date32, DateTime or DateTime64 has it.
[[nodiscard]] Ticks ticks_of(const std::string& target, Wide micros);

/// As many digits of a second's fraction as the type has: DateTime64(3, 'UTC'), Time64(6).
[[nodiscard]] int fraction_digits(const std::string& target);
[[nodiscard]] Wide power_of_ten(int exponent);
[[nodiscard]] std::string text_of(Wide number);

}  // namespace penstock::types
