#include "controller/adapters/kube_pipe_api.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/base64.hpp"
#include "core/shown_text.hpp"
#include "core/utf8.hpp"

namespace penstock::adapters {
namespace {

using nlohmann::json;

runtime::ObjectKey key_of(const Pipe& pipe) {
  return {pipe.ns, pipe.name};
}

/// Of a status or the finalizers, each right after what is stored was read.
constexpr int kWrites = 20;

Error conflict(const Pipe& pipe) {
  return {ErrorKind::Transient, "Conflict",
          fmt::format("pipe {}/{} was changed by somebody else meanwhile", pipe.ns, pipe.name), ""};
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

Result<std::optional<Pipe>> KubePipeApi::read(const std::string& ns, const std::string& name) {
  auto stored = client_.get(kube::pipes(), {ns, name});
  if (!stored && stored.error().reason == "NotFound") return std::nullopt;
  if (!stored) return fail(std::move(stored).error());
  PENSTOCK_ASSIGN(auto pipe, read_pipe(*stored));
  return pipe;
}

/// The API server compares the resourceVersion, which anybody's annotation moves. When it does not hold, what
/// matters is compared here, and the write is tried again with the version that was compared.
Result<json> KubePipeApi::patch(const Pipe& seen, kube::Part part, const MakePatch& make_patch) {
  Pipe stored = seen;
  for (int attempt = 1;; ++attempt) {
    auto answer =
        client_.merge_patch(kube::pipes(), key_of(seen), make_patch(stored), part, stored.resource_version);
    if (answer || answer.error().reason != "Conflict") return answer;
    if (attempt == kWrites) return fail(conflict(seen));
    PENSTOCK_ASSIGN(auto now, read(seen.ns, seen.name));
    if (!now || !reconcile::same_in_what_matters(seen, *now)) return fail(conflict(seen));
    stored = *std::move(now);
  }
}

Result<std::string> KubePipeApi::write_status(const Pipe& pipe, const PipeStatus& status) {
  const auto after = ::penstock::write_status(status);
  auto difference = merge_patch_between(::penstock::write_status(pipe.status), after);
  // Of a Pipe that nobody has seen yet nothing is stored, so zeros and empty texts are news as well.
  if (!pipe.status.state) difference.update(after);
  if (difference.empty()) return pipe.resource_version;
  PENSTOCK_ASSIGN(const auto answer, patch(pipe, kube::Part::Status, [&](const Pipe&) {
                    return json{{"status", difference}};
                  }));
  return runtime::resource_version_of(answer);
}

Status KubePipeApi::confirm_unchanged(const Pipe& pipe) {
  PENSTOCK_ASSIGN(const auto stored, client_.get(kube::pipes(), key_of(pipe)));
  const bool untouched =
      runtime::uid_of(stored) == pipe.uid && runtime::resource_version_of(stored) == pipe.resource_version;
  if (untouched) return {};
  PENSTOCK_ASSIGN(const auto now, read_pipe(stored));
  return reconcile::same_in_what_matters(pipe, now) ? Status{} : fail(conflict(pipe));
}

/// A merge patch replaces the whole list: others' finalizers are those of the version that it holds to.
Status KubePipeApi::patch_finalizers(const Pipe& pipe,
                                     const std::function<void(std::vector<std::string>&)>& change) {
  auto answer = patch(pipe, kube::Part::Object, [&](const Pipe& stored) {
    auto finalizers = stored.finalizers;
    change(finalizers);
    return json{{"metadata", {{"finalizers", finalizers}, {"uid", pipe.uid}}}};
  });
  if (answer || answer.error().reason == "NotFound") return {};
  return fail(std::move(answer).error());
}

Status KubePipeApi::add_finalizer(const Pipe& pipe) {
  return patch_finalizers(pipe, [](auto& finalizers) { finalizers.emplace_back(kPipeFinalizer); });
}

Status KubePipeApi::remove_finalizer(const Pipe& pipe) {
  return patch_finalizers(pipe, [](auto& finalizers) { std::erase(finalizers, kPipeFinalizer); });
}

void KubePipeApi::event(const Pipe& pipe, bool warning, const std::string& reason,
                        const std::string& message) {
  const runtime::ObjectReference about{std::string(kApiGroup) + "/" + kApiVersion, "Pipe", pipe.ns, pipe.name,
                                       pipe.uid};
  if (warning && meter_) meter_->note_warning(pipe.uid, reason);
  if (warning) return events_.record(about, runtime::EventType::Warning, reason, shown(message));
  // The generation tells which manifest is honoured, and keeps a transition from being counted up on an
  // earlier one like it: each has an event of its own.
  events_.record(about, runtime::EventType::Normal, reason,
                 fmt::format("{} (generation {})", shown(message), pipe.generation));
}

namespace {

// Through standard input: other users of the machine see command lines, and the shell keeps them.

std::string how_to_create(const std::string& ns, const SecretKeyRef& ref) {
  return fmt::format(
      "Create it: printf %s \"$VALUE\" | kubectl -n {} create secret generic {} --from-file={}=/dev/stdin",
      ns, ref.name, ref.key);
}

std::string how_to_add(const std::string& ns, const SecretKeyRef& ref) {
  return fmt::format(
      "Add it: printf '{{\"data\":{{\"{}\":\"%s\"}}}}' \"$(printf %s \"$VALUE\" | base64 -w0)\" | "
      "kubectl -n {} patch secret {} --patch-file=/dev/stdin",
      ref.key, ns, ref.name);
}

}  // namespace

Result<Secret> KubePipeApi::read_secret(const std::string& ns, const SecretKeyRef& ref) {
  return adapters::read_secret(client_, ns, ref);
}

Result<Secret> read_secret(kube::KubeClient& client, const std::string& ns, const SecretKeyRef& ref) {
  auto stored = client.get(kube::secrets(), {ns, ref.name});
  if (!stored && stored.error().reason == "NotFound")
    return fail(ErrorKind::NeedsUser, "SecretMissing",
                fmt::format("Secret {}/{} does not exist", ns, ref.name), how_to_create(ns, ref));
  if (!stored) return fail(stored.error());
  const auto data = stored->find("data");
  if (data == stored->end() || !data->is_object() || !data->contains(ref.key) ||
      !(*data)[ref.key].is_string())
    return fail(ErrorKind::NeedsUser, "SecretKeyMissing",
                fmt::format("Secret {}/{} has no key \"{}\"", ns, ref.name, ref.key), how_to_add(ns, ref));
  auto value = base64_decode((*data)[ref.key].get_ref<const std::string&>());
  if (!value)
    return fail(ErrorKind::NeedsUser, "SecretKeyMissing",
                fmt::format("key \"{}\" of Secret {}/{} is not base64", ref.key, ns, ref.name),
                how_to_add(ns, ref));
  return Secret(*std::move(value));
}

}  // namespace penstock::adapters
