#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <string>

#include "controller/cli/dev.hpp"
#include "controller/cli/engine.hpp"
#include "controller/cli/logging.hpp"
#include "controller/cli/plan.hpp"
#include "core/memory.hpp"

namespace {

std::string say_what_is_wrong(const CLI::App* /*app*/, const CLI::Error& error) {
  return fmt::format("penstock: {}\nSee `penstock --help`, or `penstock dev --help`.\n", error.what());
}

}  // namespace

int main(int argc, char** argv) {
  penstock::give_large_buffers_their_own_pages();
  CLI::App app(
      "Penstock: PostgreSQL to ClickHouse replication, declared by Pipe resources.\n"
      "Start with `penstock dev`, then kubectl apply a Pipe.");
  app.require_subcommand(0, 1);  // one that is unknown is to be named, and not taken for none
  app.failure_message(say_what_is_wrong);
  std::string format = "text";
  std::string level = "info";
  app.add_option("--log-format", format, "How log lines are written to stderr")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  app.add_option("--log-level", level, "The least important lines to write")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
      ->capture_default_str();
  app.fallthrough();  // options may stand behind the subcommand, too
  app.parse_complete_callback([&] { penstock::cli::start_logging(format, level); });
  app.add_subcommand("version", "Print the version")->callback([] {
    fmt::print("penstock {}\n", PENSTOCK_VERSION);
  });
  penstock::cli::add_dev_command(app);
  penstock::cli::add_engine_command(app);
  penstock::cli::add_plan_command(app);
  try {
    app.parse(argc, argv);
    if (app.get_subcommands().empty()) throw CLI::RequiredError("A subcommand");
    return 0;
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
}
