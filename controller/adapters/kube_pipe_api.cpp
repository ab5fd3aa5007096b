#include "controller/adapters/kube_pipe_api.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/base64.hpp"
#include "core/utf8.hpp"

namespace penstock::adapters {
namespace {

using nlohmann::json;

runtime::ObjectKey key_of(const Pipe& pipe) {
  return {pipe.ns, pipe.name};
}

Error conflict(const Error& error) {
  return {ErrorKind::Transient, "Conflict", error.message, error.cure};
}

/// The same with nothing in it that is not UTF-8: JSON is.
json with_valid_texts(json value) {
  if (value.is_string()) return valid_utf8(value.get_ref<const std::string&>());
  for (auto& part : value)
    if (part.is_structured() || part.is_string()) part = with_valid_texts(std::move(part));
  return value;
}

}  // namespace

json merge_patch_between(const json& before, const json& after) {
  if (!before.is_object() || !after.is_object()) return after;
  json patch = json::object();
  for (const auto& [name, value] : after.items()) {
    const auto old = before.find(name);
    if (old == before.end())
      patch[name] = value;
    else if (*old != value)
      patch[name] = merge_patch_between(*old, value);
  }
  for (const auto& [name, value] : before.items())
    if (!after.contains(name)) patch[name] = nullptr;
  return patch;
}

Result<std::string> KubePipeApi::write_status(const Pipe& pipe, const PipeStatus& status) {
  // Of a Pipe that nobody has seen yet nothing is stored, so zeros and empty texts are news as well.
  const auto before = pipe.status.state ? ::penstock::write_status(pipe.status) : json::object();
  const auto patch = merge_patch_between(before, with_valid_texts(::penstock::write_status(status)));
  if (patch.empty()) return pipe.resource_version;
  auto answer = client_.merge_patch(kube::pipes(), key_of(pipe), {{"status", patch}}, kube::Part::Status,
                                    pipe.resource_version);
  if (!answer) return fail(answer.error().reason == "Conflict" ? conflict(answer.error()) : answer.error());
  return runtime::resource_version_of(*answer);
}

Status KubePipeApi::confirm_unchanged(const Pipe& pipe, const std::string& resource_version) {
  PENSTOCK_ASSIGN(const auto stored, client_.get(kube::pipes(), key_of(pipe)));
  if (runtime::uid_of(stored) == pipe.uid && runtime::resource_version_of(stored) == resource_version)
    return {};
  return fail(ErrorKind::Transient, "Conflict",
              fmt::format("pipe {}/{} was changed by somebody else meanwhile", pipe.ns, pipe.name));
}

Status KubePipeApi::patch_finalizers(const Pipe& pipe, const std::vector<std::string>& finalizers) {
  const json patch = {{"metadata", {{"finalizers", finalizers}, {"uid", pipe.uid}}}};
  auto answer =
      client_.merge_patch(kube::pipes(), key_of(pipe), patch, kube::Part::Object, pipe.resource_version);
  if (answer || answer.error().reason == "NotFound") return {};
  return fail(answer.error().reason == "Conflict" ? conflict(answer.error()) : answer.error());
}

Status KubePipeApi::add_finalizer(const Pipe& pipe) {
  auto finalizers = pipe.finalizers;
  finalizers.emplace_back(kPipeFinalizer);
  return patch_finalizers(pipe, finalizers);
}

Status KubePipeApi::remove_finalizer(const Pipe& pipe) {
  auto finalizers = pipe.finalizers;
  std::erase(finalizers, kPipeFinalizer);
  return patch_finalizers(pipe, finalizers);
}

void KubePipeApi::event(const Pipe& pipe, bool warning, const std::string& reason,
                        const std::string& message) {
  const runtime::ObjectReference about{std::string(kApiGroup) + "/" + kApiVersion, "Pipe", pipe.ns, pipe.name,
                                       pipe.uid};
  if (warning && meter_) meter_->note_warning(pipe.uid, reason);
  if (warning) return events_.record(about, runtime::EventType::Warning, reason, valid_utf8(message));
  // The generation tells which manifest is honoured, and keeps a transition from being counted up on an
  // earlier one like it: each has an event of its own.
  events_.record(about, runtime::EventType::Normal, reason,
                 fmt::format("{} (generation {})", valid_utf8(message), pipe.generation));
}

Result<Secret> KubePipeApi::read_secret(const std::string& ns, const SecretKeyRef& ref) {
  return adapters::read_secret(client_, ns, ref);
}

Result<Secret> read_secret(kube::KubeClient& client, const std::string& ns, const SecretKeyRef& ref) {
  const auto cure = fmt::format("Create it: kubectl -n {} create secret generic {} --from-literal={}=…", ns,
                                ref.name, ref.key);
  auto stored = client.get(kube::secrets(), {ns, ref.name});
  if (!stored && stored.error().reason == "NotFound")
    return fail(ErrorKind::NeedsUser, "SecretMissing",
                fmt::format("Secret {}/{} does not exist", ns, ref.name), cure);
  if (!stored) return fail(stored.error());
  const auto data = stored->find("data");
  if (data == stored->end() || !data->is_object() || !data->contains(ref.key) ||
      !(*data)[ref.key].is_string())
    return fail(ErrorKind::NeedsUser, "SecretKeyMissing",
                fmt::format("Secret {}/{} has no key \"{}\"", ns, ref.name, ref.key), cure);
  auto value = base64_decode((*data)[ref.key].get_ref<const std::string&>());
  if (!value)
    return fail(ErrorKind::NeedsUser, "SecretKeyMissing",
                fmt::format("key \"{}\" of Secret {}/{} is not base64", ref.key, ns, ref.name), cure);
  return Secret(*std::move(value));
}

}  // namespace penstock::adapters
