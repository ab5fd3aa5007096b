#include "controller/cli/engine.hpp"

#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "controller/engine/engine_main.hpp"

namespace penstock::cli {

void add_engine_command(CLI::App& app) {
  auto options = std::make_shared<engine::EngineOptions>();
  CLI::App* command =
      app.add_subcommand("engine", "Serve the embedded ClickHouse engine over HTTP, for this machine only");
  command->add_option("--path", options->path, "Data directory, made when absent")->required();
  command->add_option("--listen", options->listen, "HOST:PORT, a loopback address")->capture_default_str();
  command->add_option("--lib", options->library,
                      "Path of libchdb.so (default: PENSTOCK_LIBCHDB, else looked for)");
  command->add_option("--password-file", options->password_file,
                      "File that holds the password of user default; without it there is none");
  command->add_flag(
      "--allow-sources", options->allow_sources,
      "Let statements read and write files of the data directory, and reach other servers (file, url, "
      "s3, remote, postgresql, ...)");
  command->add_option("--max-statements", options->max_statements, "Statements at once; more requests wait")
      ->capture_default_str()
      ->check(CLI::Range(1, 256));
  // For tests: another user with the same password, whose settings profile has this.
  command->add_option("--profile", options->profiles, "USER:SETTING=VALUE")->group("");
  // For the process that supervises it: end when this descriptor does.
  command->add_option("--held-fd", options->held_descriptor)->group("");
  command->footer(
      "Examples:\n"
      "  penstock engine --path ./clickhouse --listen 127.0.0.1:8123\n"
      "  penstock engine --path ./clickhouse --lib ./libchdb.so --max-statements 8\n"
      "  penstock engine --path ./clickhouse --password-file ./password --allow-sources");
  command->callback([options] {
    ::umask(S_IRWXG | S_IRWXO);  // its data is for this user alone
    throw CLI::RuntimeError(engine::run_engine(*options));
  });
}

}  // namespace penstock::cli
