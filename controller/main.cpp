#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <string>

#include "controller/cli/dev.hpp"
#include "controller/cli/engine.hpp"
#include "controller/cli/logging.hpp"
#include "controller/cli/plan.hpp"
#include "controller/cli/usage.hpp"
#include "core/memory.hpp"

namespace {

constexpr const char* kVersion = "penstock " PENSTOCK_VERSION;

}  // namespace

int main(int argc, char** argv) {
  penstock::give_large_buffers_their_own_pages();
  CLI::App app("Penstock: PostgreSQL to ClickHouse replication, declared by Pipe resources.", "penstock");
  app.require_subcommand(0, 1);  // one that is unknown is to be named, and not taken for none
  app.set_version_flag("--version", std::string(kVersion), "Print the version");
  app.footer(
      "Examples:\n"
      "  penstock dev                                    an API for kubectl, and the pipes\n"
      "  kubectl --kubeconfig .penstock/kubeconfig apply -f pipe.yaml\n"
      "  penstock plan -f pipe.yaml                      what applying it would do\n"
      "  penstock dev --log-level debug --log-format json\n"
      "\n"
      "`penstock help SUBCOMMAND` has the flags of each. Exit codes: 0 done, 1 failed or refused, 2 a "
      "command\n"
      "line that cannot be understood.");
  std::string format = "text";
  std::string level = "info";
  app.add_option("--log-format", format, "How log lines are written to stderr: text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  app.add_option("--log-level", level, "The least important lines to write: debug, info, warn or error")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
      ->capture_default_str();
  app.fallthrough();  // options may stand behind the subcommand, too
  app.parse_complete_callback([&] { penstock::cli::start_logging(format, level); });
  app.add_subcommand("version", "Print the version")
      ->callback([] { fmt::print("{}\n", kVersion); })
      ->footer("Example:\n  penstock version");
  penstock::cli::add_dev_command(app);
  penstock::cli::add_engine_command(app);
  penstock::cli::add_plan_command(app);
  penstock::cli::add_help_command(app);
  try {
    app.parse(argc, argv);
    if (app.get_subcommands().empty()) throw CLI::RequiredError("A subcommand");
    return 0;
  } catch (const CLI::ParseError& error) {
    return penstock::cli::end_with(app, error);
  }
}
