#pragma once

#include <string>

namespace penstock::cli {

/// Sends core/log to stderr: lines of text, or one JSON object a line. `level` is debug, info, warn or error.
void start_logging(const std::string& format, const std::string& level);

}  // namespace penstock::cli
