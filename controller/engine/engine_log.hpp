#pragma once

#include <string>
#include <string_view>

#include "core/log.hpp"

namespace penstock::engine {

// What a supervised engine tells its parent on stderr: lines that begin with a letter and a blank, D I W E
// for a log line of that level, R once it serves, followed by its URL. Other lines are the library's own.

struct EngineLine {
  bool ready = false;
  log::Level level = log::Level::Warn;
  std::string_view text;  ///< a view into the line; the URL when ready

  bool operator==(const EngineLine&) const = default;
};

[[nodiscard]] EngineLine decode_line(std::string_view line);

/// Writes the process's log in that form from now on.
void log_to_parent();
/// Tells the parent that the engine serves at `url`.
void tell_ready(std::string_view url);

}  // namespace penstock::engine
