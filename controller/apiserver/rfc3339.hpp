#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/clock.hpp"

namespace penstock::apiserver {

/// 2024-05-06T07:08:09Z, as metav1.Time writes it (whole seconds, UTC).
[[nodiscard]] std::string rfc3339(WallTime time);
/// Reads RFC 3339, with fractions and offsets.
[[nodiscard]] std::optional<WallTime> parse_rfc3339(std::string_view text);
/// "5m", "3d4h": the AGE column, as kubectl's tables print durations. Negative ones are "0s" up to two
/// seconds (clocks differ) and "<invalid>" beyond.
[[nodiscard]] std::string human_duration(std::chrono::seconds duration);

}  // namespace penstock::apiserver
