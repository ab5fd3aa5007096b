#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace penstock {

inline constexpr std::int64_t kMicrosPerDay = 86'400'000'000;

/// A moment as days since 1970-01-01 UTC and microseconds into that day: wider than any one integer of
/// PostgreSQL.
struct Instant {
  enum class Side { Finite, Past, Future };  ///< Past, Future: -infinity and infinity
  Side side = Side::Finite;
  std::int64_t days = 0;
  std::int64_t micros = 0;
};

/// A date, timestamp or timestamptz as PostgreSQL prints it with DateStyle ISO: 2024-02-29,
/// 2024-02-29 13:00:00.5, 0044-03-15 BC, 2024-02-29 13:00:00+05:30, -infinity. None: malformed.
[[nodiscard]] std::optional<Instant> parse_instant(std::string_view text);

/// A time (without zone) in microseconds since midnight: 13:00:00.25; 24:00:00 is the last. None: malformed.
[[nodiscard]] std::optional<std::int64_t> parse_time(std::string_view text);

}  // namespace penstock
