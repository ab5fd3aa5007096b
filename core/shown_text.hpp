#pragma once

#include <string>
#include <string_view>

namespace penstock {

/// `text` as it may be written to a terminal or a log: one line of valid UTF-8 in which nothing moves the
/// cursor, changes colours or turns the direction of reading. Line breaks, control characters (C0, DEL, C1),
/// line and paragraph separators and bidirectional controls are written out: "\n", "\x1b", "\u202e". What is
/// written out stays as it is when it is written out again.
[[nodiscard]] std::string shown(std::string_view text);

}  // namespace penstock
