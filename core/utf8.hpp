#pragma once

#include <string>
#include <string_view>

namespace penstock {

/// `text` with every byte that is not part of valid UTF-8 replaced by '?': a status, an Event and a metric
/// must be UTF-8, whatever bytes a server's words, a name or a value have.
[[nodiscard]] std::string valid_utf8(std::string_view text);

}  // namespace penstock
