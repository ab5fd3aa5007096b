#include "controller/cli/logging.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string_view>

#include "core/log.hpp"
#include "crds/time_text.hpp"

namespace penstock::cli {
namespace {

constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::debug, spdlog::level::info,
                                                 spdlog::level::warn, spdlog::level::err};
constexpr const char* kNames[] = {"debug", "info", "warn", "error"};

void write_text(log::Level level, std::string_view component, std::string_view message) {
  spdlog::log(kLevels[static_cast<int>(level)], "{}: {}", component, message);
}

void write_json(log::Level level, std::string_view component, std::string_view message) {
  const nlohmann::json line = {{"time", to_rfc3339_micro(SystemClock().now())},
                               {"level", kNames[static_cast<int>(level)]},
                               {"component", component},
                               {"message", message}};
  spdlog::log(kLevels[static_cast<int>(level)], "{}",
              line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace

void start_logging(const std::string& format, const std::string& level) {
  spdlog::set_default_logger(spdlog::stderr_color_mt("penstock"));
  spdlog::set_level(spdlog::level::from_str(level));
  spdlog::set_pattern(format == "json" ? "%v" : "%Y-%m-%dT%H:%M:%S.%e %^%l%$ %v");
  log::set_sink(format == "json" ? write_json : write_text);
}

}  // namespace penstock::cli
