#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

namespace penstock::log {

enum class Level { Debug, Info, Warn, Error };

/// Where lines go; set once by main before threads start (to spdlog). Without one, nothing is written. What
/// it is given is one line, fit for a terminal (shown_text.hpp), whatever names and servers' words are in it.
using Sink = void (*)(Level level, std::string_view component, std::string_view message);
void set_sink(Sink sink);
void write(Level level, std::string_view component, std::string_view message);

/// `log::info("stream", "pipe {} resumed at {}", name, lsn.text())`. Any thread. Secrets have no formatter.
template <typename... Args>
void debug(std::string_view component, fmt::format_string<Args...> format, Args&&... args) {
  write(Level::Debug, component, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void info(std::string_view component, fmt::format_string<Args...> format, Args&&... args) {
  write(Level::Info, component, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void warn(std::string_view component, fmt::format_string<Args...> format, Args&&... args) {
  write(Level::Warn, component, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void error(std::string_view component, fmt::format_string<Args...> format, Args&&... args) {
  write(Level::Error, component, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace penstock::log
