#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace penstock::apiserver {

/// RFC 4648, the standard alphabet with padding.
[[nodiscard]] std::string base64_encode(std::string_view bytes);
/// Nothing when the text is not base64; line breaks are skipped, as Kubernetes does.
[[nodiscard]] std::optional<std::string> base64_decode(std::string_view text);

}  // namespace penstock::apiserver
