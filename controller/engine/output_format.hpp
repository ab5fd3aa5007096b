#pragma once

#include <string>
#include <string_view>

namespace penstock::engine {

/// The Content-Type that ClickHouse gives an output format (each format's getContentType in
/// src/Processors/Formats).
[[nodiscard]] std::string content_type(std::string_view format);

}  // namespace penstock::engine
