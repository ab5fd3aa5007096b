#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace penstock {

/// `text` with every byte that is not part of valid UTF-8 replaced by '?': a status, an Event and a metric
/// must be UTF-8, whatever bytes a server's words, a name or a value have.
[[nodiscard]] std::string valid_utf8(std::string_view text);

/// Valid UTF-8 of no more than `limit` bytes (which is at least 64): what is longer ends in how much was left
/// out.
[[nodiscard]] std::string shortened(std::string_view text, std::size_t limit);

}  // namespace penstock
