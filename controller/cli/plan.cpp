#include "controller/cli/plan.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>

#include "controller/adapters/pipe_plan.hpp"
#include "controller/kube/kube_config.hpp"
#include "crds/crd.hpp"

namespace penstock::cli {
namespace {

struct PlanOptions {
  std::string file;
  std::string kubeconfig;
  std::string ns;
};

Result<std::string> read_file(const std::string& path) {
  if (path == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  std::ifstream in(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(in), {});
  if (!in.is_open() || in.bad())
    return fail(ErrorKind::NeedsUser, "ManifestUnreadable", fmt::format("cannot read {}", path),
                "Name a file that is there, or - for standard input");
  return text;
}

/// Whether nothing was refused.
Result<bool> run(const PlanOptions& options) {
  PENSTOCK_ASSIGN(const auto text, read_file(options.file));
  PENSTOCK_ASSIGN(auto manifests, yaml_documents(text));
  if (manifests.empty())
    return fail(ErrorKind::NeedsUser, "ManifestEmpty", fmt::format("{} holds no manifest", options.file));
  PENSTOCK_ASSIGN(auto config, kube::find_kube_config(options.kubeconfig));
  if (!options.ns.empty()) config.default_namespace = options.ns;
  PENSTOCK_ASSIGN(const auto client, kube::KubeClient::make(config));
  bool well = true;
  for (const auto& manifest : manifests) {
    PENSTOCK_ASSIGN(const auto plan, adapters::plan_manifest(*client, manifest, SystemClock().now()));
    fmt::print("{}", to_text(plan));
    well = well && plan.forecast.refusals.empty();
  }
  return well;
}

}  // namespace

void add_plan_command(CLI::App& app) {
  auto options = std::make_shared<PlanOptions>();
  CLI::App* command =
      app.add_subcommand("plan", "Say what applying a manifest would do to the running pipe; change nothing");
  command->add_option("-f,--filename", options->file, "The manifest; - reads standard input")->required();
  command->add_option("--kubeconfig", options->kubeconfig,
                      "Where the API is (default: KUBECONFIG, the pod's account, ~/.kube/config)");
  command->add_option("-n,--namespace", options->ns, "Of manifests that name none");
  command->footer(
      "The manifest is checked by the API server (a dry run), source and destination are looked at, and the\n"
      "controller's own rules decide. Exit code 0: it can be applied; 1: something is refused.");
  command->callback([options] {
    const auto well = run(*options);
    if (!well) std::fputs(fmt::format("penstock plan: {}\n", well.error().text()).c_str(), stderr);
    throw CLI::RuntimeError(well && *well ? 0 : 1);
  });
}

}  // namespace penstock::cli
