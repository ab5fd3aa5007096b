#include "controller/cli/dev.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "controller/adapters/metrics/metrics.hpp"
#include "controller/adapters/metrics/metrics_server.hpp"
#include "controller/adapters/pipe_controller.hpp"
#include "controller/apiserver/server.hpp"
#include "controller/cli/listen_address.hpp"
#include "controller/engine/engine_process.hpp"
#include "controller/kube/kube_config.hpp"
#include "core/log.hpp"
#include "core/thread.hpp"
#include "crds/crd.hpp"
#include "crds/time_text.hpp"

namespace penstock::cli {
namespace {

constexpr std::chrono::seconds kStopLimit{9};

struct DevOptions {
  std::string data_dir = ".penstock";
  std::string api = "127.0.0.1:6443";
  std::string clickhouse;
  std::string clickhouse_password_file;
  bool clickhouse_allow_sources = false;
  std::string metrics;
  std::string library;
  std::string table_patience = "5m";
};

/// SIGTERM and SIGINT, blocked in every thread started from now on and waited for in this one.
class StopSignals {
 public:
  StopSignals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGTERM);
    sigaddset(&set_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }
  int wait() const {
    int number = 0;
    sigwait(&set_, &number);
    return number;
  }

 private:
  sigset_t set_{};
};

/// Everything that is made from now on, the engine's data too, is for this user alone; and a file that may
/// not grow any more is an error of whoever writes it, not the end of the process.
void keep_files_private() {
  ::umask(S_IRWXG | S_IRWXO);
  (void)std::signal(SIGXFSZ, SIG_IGN);
}

/// A server that does not answer may hold a pass up for longer than anybody wants to wait: then the process
/// ends as it is, which loses nothing, because every step may be cut off anywhere.
void end_after(std::chrono::seconds limit) {
  auto thread = start_thread("the end of the process", [limit] {
    std::this_thread::sleep_for(limit);
    log::warn("dev", "not everything has stopped within {} s; ending all the same", limit.count());
    std::_Exit(0);
  });
  if (thread)
    thread->detach();
  else
    log::warn("dev", "{}", thread.error().text());
}

Result<std::unique_ptr<engine::EngineProcess>> start_engine(const DevOptions& options) {
  if (options.clickhouse.empty()) return std::unique_ptr<engine::EngineProcess>{};
  engine::EngineProcessOptions wanted;
  wanted.path = (std::filesystem::path(options.data_dir) / "clickhouse").string();
  wanted.listen = options.clickhouse;
  wanted.library = options.library;
  wanted.password_file = options.clickhouse_password_file;
  wanted.allow_sources = options.clickhouse_allow_sources;
  return engine::EngineProcess::start(wanted);
}

Result<std::unique_ptr<apiserver::ApiServer>> start_api(const DevOptions& options) {
  PENSTOCK_ASSIGN(const auto address, parse_listen_address("--api", options.api));
  apiserver::ApiServerOptions wanted;
  wanted.data_dir = options.data_dir;
  wanted.host = address.host;
  wanted.port = address.port;
  wanted.kinds.push_back({&crd_json(), validate_pipe});
  return apiserver::ApiServer::start(wanted);
}

Result<std::unique_ptr<adapters::MetricsServer>> start_metrics(const DevOptions& options,
                                                               const adapters::Metrics& metrics) {
  if (options.metrics.empty()) return std::unique_ptr<adapters::MetricsServer>{};
  PENSTOCK_ASSIGN(const auto address, parse_listen_address("--metrics", options.metrics));
  PENSTOCK_ASSIGN(auto server, adapters::MetricsServer::start(metrics, address.host, address.port));
  log::info("dev", "serving metrics at {}", server->url());
  return server;
}

Status run(const DevOptions& options, const StopSignals& signals) {
  adapters::Metrics metrics(PENSTOCK_VERSION);
  PENSTOCK_ASSIGN(const auto api, start_api(options));
  PENSTOCK_ASSIGN(const auto engine, start_engine(options));
  PENSTOCK_ASSIGN(const auto config, kube::load_kubeconfig(api->kubeconfig_path()));
  kube::KubeClientOptions client_options;
  client_options.metrics = &metrics.controller();
  PENSTOCK_ASSIGN(const auto client, kube::KubeClient::make(config, client_options));
  PENSTOCK_ASSIGN(auto metrics_server, start_metrics(options, metrics));
  const SystemClock clock;
  adapters::PipeControllerOptions controller_options{.worker = "dev", .metrics = &metrics};
  controller_options.table_patience.time = parse_duration(options.table_patience).value();
  adapters::PipeController controller(*client, clock, controller_options);
  PENSTOCK_TRY(controller.start());
  log::info("dev", "serving the Kubernetes API at {}; kubectl --kubeconfig {} get pipes", api->url(),
            api->kubeconfig_path());
  const int number = signals.wait();
  end_after(kStopLimit);
  log::info("dev", "{}: stopping", number == SIGINT ? "interrupted" : "asked to end");
  metrics_server.reset();
  controller.stop();
  client->stop();
  if (engine) engine->stop();
  api->stop();
  return {};
}

}  // namespace

void add_dev_command(CLI::App& app) {
  auto options = std::make_shared<DevOptions>();
  CLI::App* command = app.add_subcommand(
      "dev", "Run pipes without a cluster: an embedded Kubernetes API for kubectl, and the pipes");
  command
      ->add_option("--data-dir", options->data_dir,
                   "State, kubeconfig and the engine's data; made when absent")
      ->capture_default_str()
      ->check([](const std::string& path) { return path.empty() ? "names no directory" : ""; });
  command->add_option("--api", options->api, "HOST:PORT of the API, loopback only; port 0 takes any free one")
      ->capture_default_str()
      ->check(listen_address_fault);
  command
      ->add_option("--clickhouse", options->clickhouse,
                   "HOST:PORT to serve the embedded ClickHouse engine at (user default, no password unless "
                   "--clickhouse-password-file gives one, loopback only); without it none runs")
      ->check(listen_address_fault);
  command->add_option("--clickhouse-password-file", options->clickhouse_password_file,
                      "File that holds the password of the engine's user default");
  command->add_flag(
      "--clickhouse-allow-sources", options->clickhouse_allow_sources,
      "Let statements in the embedded engine read and write files of its data directory, and reach "
      "other servers (file, url, s3, remote, postgresql, ...)");
  command
      ->add_option("--metrics", options->metrics,
                   "HOST:PORT to serve Prometheus metrics at, under /metrics (plain HTTP, no password; "
                   "port 0 takes any free one); without it nothing is served")
      ->check(listen_address_fault);
  command
      ->add_option("--table-patience", options->table_patience,
                   "How long a table whose rows cannot be written is tried again, the source keeping WAL for "
                   "it, before it is set apart and the others go on without it")
      ->capture_default_str()
      ->check([](const std::string& text) {
        return parse_duration(text) ? "" : "must be a whole number with ms, s, m or h, such as 5m";
      });
  command->add_option("--lib", options->library,
                      "Path of libchdb.so (default: looked for where `make deps` puts it)");
  command->footer(
      "SIGTERM or Ctrl-C stops it; the same directory goes on where it was.\n"
      "\n"
      "Examples:\n"
      "  penstock dev\n"
      "  kubectl --kubeconfig .penstock/kubeconfig apply -f pipe.yaml\n"
      "  penstock dev --data-dir /var/lib/penstock --api 127.0.0.1:7443 --metrics 127.0.0.1:9464\n"
      "  penstock dev --clickhouse 127.0.0.1:8123 --lib ./libchdb.so\n"
      "  penstock dev --clickhouse 127.0.0.1:8123 --clickhouse-password-file ./password "
      "--clickhouse-allow-sources\n"
      "  penstock dev --table-patience 30m");
  command->callback([options] {
    keep_files_private();
    const StopSignals signals;
    const auto done = run(*options, signals);
    if (done) throw CLI::Success();
    std::fputs(fmt::format("penstock dev: {}\n", done.error().text()).c_str(), stderr);
    throw CLI::RuntimeError(1);
  });
}

}  // namespace penstock::cli
