#include "controller/adapters/pipe_plan.hpp"

#include <nlohmann/json.hpp>

#include "controller/adapters/kube_pipe_api.hpp"
#include "controller/adapters/other_pipes.hpp"
#include "controller/adapters/pipe_job.hpp"
#include "controller/adapters/run_facts.hpp"
#include "dataplane/pipeline/setup.hpp"
#include "reconcilers/pipe/credentials.hpp"

namespace penstock::adapters {
namespace {

using nlohmann::json;

/// The Pipe as it would be stored.
Result<json> dry_run(kube::KubeClient& client, const json& manifest, const json* stored) {
  if (!stored) return client.create(kube::pipes(), manifest, kube::Write::DryRun);
  json wanted = *stored;
  wanted["spec"] = manifest.value("spec", json::object());
  return client.update(kube::pipes(), wanted, kube::Part::Object, kube::Write::DryRun);
}

/// As far as they may be listed.
std::vector<Pipe> pipes_of(kube::KubeClient& client) {
  std::vector<Pipe> out;
  const auto list = client.list(kube::pipes());
  if (!list) return out;
  for (const auto& object : list->items)
    if (auto pipe = read_pipe(*object)) out.push_back(*std::move(pipe));
  return out;
}

reconcile::LiveLook look_with(kube::KubeClient& client) {
  return [&client](const Pipe& pipe,
                   const std::vector<std::string>& sources) -> Result<reconcile::SetupFacts> {
    PENSTOCK_ASSIGN(const auto credentials,
                    reconcile::read_credentials(
                        pipe, [&](const auto& ns, const auto& ref) { return read_secret(client, ns, ref); }));
    auto job = job_of(pipe, credentials, sources);
    add_others(pipe, pipes_of(client), job);
    PENSTOCK_ASSIGN(const auto report, pipeline::set_up(job, false));
    return facts_of(report);
  };
}

}  // namespace

Result<PipePlan> plan_manifest(kube::KubeClient& client, const json& manifest, WallTime now) {
  if (!manifest.is_object() || manifest.value("kind", "") != "Pipe")
    return fail(ErrorKind::NeedsUser, "NotAPipe", "the manifest's kind is not Pipe",
                "Give a manifest of apiVersion penstock.dev/v1alpha1, kind Pipe");
  auto key = runtime::key_of(manifest);
  if (key.ns.empty()) key.ns = client.default_namespace();
  auto stored = client.get(kube::pipes(), key);
  if (!stored && stored.error().reason != "NotFound") return fail(stored.error());
  PENSTOCK_ASSIGN(const auto object, dry_run(client, manifest, stored ? &*stored : nullptr));
  PipePlan out;
  PENSTOCK_ASSIGN(out.pipe, read_pipe(object));
  out.is_new = !stored;
  out.unchanged = stored && (*stored)["spec"] == object["spec"];
  out.forecast = reconcile::forecast(out.pipe, now, look_with(client));
  return out;
}

}  // namespace penstock::adapters
