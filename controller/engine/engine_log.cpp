#include "controller/engine/engine_log.hpp"

#include <unistd.h>

#include <algorithm>

namespace penstock::engine {
namespace {

constexpr std::string_view kLetters = "DIWE";  // in the order of log::Level
constexpr char kReady = 'R';

void write_line(char letter, std::string_view text) {
  std::string line{letter, ' '};
  line += text;
  std::replace(line.begin(), line.end(), '\n', ' ');
  line += '\n';
  // One write: lines of several threads do not mix.
  if (::write(STDERR_FILENO, line.data(), line.size()) < 0) return;
}

}  // namespace

EngineLine decode_line(std::string_view line) {
  if (line.size() < 2 || line[1] != ' ') return {false, log::Level::Warn, line};
  if (line[0] == kReady) return {true, log::Level::Info, line.substr(2)};
  const auto level = kLetters.find(line[0]);
  if (level == std::string_view::npos) return {false, log::Level::Warn, line};
  return {false, static_cast<log::Level>(level), line.substr(2)};
}

void log_to_parent() {
  log::set_sink([](log::Level level, std::string_view, std::string_view message) {
    write_line(kLetters[static_cast<std::size_t>(level)], message);
  });
}

void tell_ready(std::string_view url) {
  write_line(kReady, url);
}

}  // namespace penstock::engine
