#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <string_view>

#include "controller/cli/dev.hpp"
#include "controller/cli/engine.hpp"
#include "core/log.hpp"

namespace {

void write_to_stderr(penstock::log::Level level, std::string_view component, std::string_view message) {
  constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::debug, spdlog::level::info, spdlog::level::warn,
                                                   spdlog::level::err};
  spdlog::log(kLevels[static_cast<int>(level)], "{}: {}", component, message);
}

}  // namespace

int main(int argc, char** argv) {
  spdlog::set_default_logger(spdlog::stderr_color_mt("penstock"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
  penstock::log::set_sink(write_to_stderr);

  CLI::App app("PostgreSQL to ClickHouse replication, declared by Pipe resources");
  app.require_subcommand(1);
  app.add_subcommand("version", "Print the version")->callback([] { fmt::print("penstock {}\n", PENSTOCK_VERSION); });
  penstock::cli::add_dev_command(app);
  penstock::cli::add_engine_command(app);
  CLI11_PARSE(app, argc, argv);
  return 0;
}
