#include "controller/cli/plan.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "controller/adapters/pipe_plan.hpp"
#include "controller/cli/manifests.hpp"
#include "controller/kube/kube_config.hpp"

namespace penstock::cli {
namespace {

struct PlanOptions {
  std::vector<std::string> files;
  std::string kubeconfig;
  std::string ns;
};

std::string kind_of(const nlohmann::json& object) {
  const auto found = object.is_object() ? object.find("kind") : object.end();
  return object.is_object() && found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

bool is_pipe(const Manifest& manifest) {
  return kind_of(manifest.object) == "Pipe";
}

/// Says of what is no Pipe that it is passed over: Secrets and Namespaces stand beside Pipes. Fails where
/// nothing is left.
Status drop_others(std::vector<Manifest>& manifests) {
  const auto first = std::find_if_not(manifests.begin(), manifests.end(), is_pipe);
  if (first == manifests.end()) return {};
  if (std::none_of(manifests.begin(), manifests.end(), is_pipe))
    return fail(ErrorKind::NeedsUser, "NotAPipe",
                fmt::format("-f {}: the manifest's kind is not Pipe", first->where),
                "Give a manifest of apiVersion penstock.dev/v1alpha1, kind Pipe");
  for (const auto& one : manifests)
    if (!is_pipe(one))
      fmt::print(stderr, "penstock plan: -f {}: passed over, its kind is {}, not Pipe\n", one.where,
                 kind_of(one.object).empty() ? "missing" : kind_of(one.object));
  std::erase_if(manifests, [](const Manifest& one) { return !is_pipe(one); });
  return {};
}

/// Whether nothing was refused; what is wrong with one manifest does not hide what there is to say of the
/// others.
Result<bool> run(const PlanOptions& options) {
  PENSTOCK_ASSIGN(auto manifests, read_manifests(options.files));
  PENSTOCK_TRY(drop_others(manifests));
  PENSTOCK_ASSIGN(auto config, kube::find_kube_config(options.kubeconfig));
  if (!options.ns.empty()) config.default_namespace = options.ns;
  PENSTOCK_ASSIGN(const auto client, kube::KubeClient::make(config));
  bool well = true;
  for (const auto& manifest : manifests) {
    const auto plan = adapters::plan_manifest(*client, manifest.object, SystemClock().now());
    if (plan) {
      fmt::print("{}", to_text(*plan));
    } else {
      fmt::print(stderr, "penstock plan: -f {}: {}\n", manifest.where, plan.error().text());
    }
    well = well && plan && plan->forecast.refusals.empty();
  }
  return well;
}

}  // namespace

void add_plan_command(CLI::App& app) {
  auto options = std::make_shared<PlanOptions>();
  CLI::App* command =
      app.add_subcommand("plan", "Say what applying a manifest would do to the running pipe; change nothing");
  command
      ->add_option("-f,--filename", options->files,
                   "A manifest, a directory of them (*.yaml, *.yml, *.json), or - for standard input; may be "
                   "given several times")
      ->required()
      ->allow_extra_args(false);
  command->add_option("--kubeconfig", options->kubeconfig,
                      "Where the API is (default: KUBECONFIG, the pod's account, ~/.kube/config)");
  command->add_option("-n,--namespace", options->ns, "Of manifests that name none");
  command->footer(
      "The manifest is checked by the API server (a dry run), source and destination are looked at, and the\n"
      "controller's own rules decide. Exit code 0: it can be applied; 1: something is refused.\n"
      "\n"
      "Examples:\n"
      "  penstock plan -f pipe.yaml --kubeconfig .penstock/kubeconfig\n"
      "  penstock plan --filename pipes/ --namespace analytics\n"
      "  kubectl kustomize overlays/prod | penstock plan -f -");
  command->callback([options] {
    const auto well = run(*options);
    if (!well) std::fputs(fmt::format("penstock plan: {}\n", well.error().text()).c_str(), stderr);
    throw CLI::RuntimeError(well && *well ? 0 : 1);
  });
}

}  // namespace penstock::cli
