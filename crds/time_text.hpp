#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "core/clock.hpp"
#include "core/result.hpp"

namespace penstock {

/// "2024-05-01T09:30:00Z": a metav1.Time (RFC 3339, UTC, whole seconds; fractions are cut off).
[[nodiscard]] std::string to_rfc3339(WallTime time);
/// "2024-05-01T09:30:00.123456Z": a metav1.MicroTime, as Leases and Events carry it.
[[nodiscard]] std::string to_rfc3339_micro(WallTime time);
/// Reads RFC 3339, with a fraction (cut to microseconds) and any offset. Reason "InvalidTime" on failure.
[[nodiscard]] Result<WallTime> parse_rfc3339(std::string_view text);

/// A duration as the spec writes it: a whole number with ms, s, m or h. to_duration_text picks the largest
/// unit that loses nothing: 200ms, 2s, 1h. Reason "InvalidDuration" on failure.
[[nodiscard]] std::string to_duration_text(std::chrono::milliseconds duration);
[[nodiscard]] Result<std::chrono::milliseconds> parse_duration(std::string_view text);

}  // namespace penstock
