#include "tests/chaos/watched_pipes.hpp"

#include <optional>
#include <stdexcept>

#include "controller/kube/kube_config.hpp"
#include "controller/kube/resource.hpp"

namespace penstock::chaos {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kBetweenLooks{100};

template <typename T>
T value_of(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().text());
  return *std::move(result);
}

const nlohmann::json* condition_of(const nlohmann::json& pipe, const std::string& type) {
  const auto status = pipe.find("status");
  if (status == pipe.end() || !status->contains("conditions")) return nullptr;
  for (const auto& one : status->at("conditions"))
    if (one.at("type") == type) return &one;
  return nullptr;
}

}  // namespace

WatchedPipes::WatchedPipes(const std::string& kubeconfig)
    : client_(value_of(kube::KubeClient::make(value_of(kube::load_kubeconfig(kubeconfig))))),
      thread_([this](const std::stop_token& stop) { look(stop); }) {}

WatchedPipes::~WatchedPipes() = default;

void WatchedPipes::look(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    kube::ListOptions options;
    options.ns = client_->default_namespace();
    options.resource_version = "";
    if (const auto all = client_->list(kube::pipes(), options)) {
      std::map<std::string, nlohmann::json> found;
      for (const auto& object : all->items)
        found.emplace(runtime::key_of(*object).name, *object);
      const std::lock_guard lock(mutex_);
      pipes_ = std::move(found);
    }
    std::this_thread::sleep_for(kBetweenLooks);
  }
}

void WatchedPipes::create(const nlohmann::json& pipe) {
  const bool secret = pipe.at("kind") == "Secret";
  (void)value_of(client_->create(secret ? kube::secrets() : kube::pipes(), pipe));
}

void WatchedPipes::patch_spec(const std::string& name, const nlohmann::json& spec) {
  (void)value_of(client_->merge_patch(kube::pipes(), {client_->default_namespace(), name}, {{"spec", spec}}));
}

void WatchedPipes::remove(const std::string& name) {
  const auto done = client_->remove(kube::pipes(), {client_->default_namespace(), name});
  if (!done) throw std::runtime_error(done.error().text());
}

nlohmann::json WatchedPipes::get(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto at = pipes_.find(name);
  return at == pipes_.end() ? nlohmann::json() : at->second;
}

std::optional<std::chrono::milliseconds> WatchedPipes::wait(
    const std::string& name, const std::function<bool(const nlohmann::json&)>& holds,
    std::chrono::milliseconds limit) const {
  const auto begun = Clock::now();
  while (true) {
    const bool is_so = holds(get(name));
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begun);
    if (is_so) return took;
    if (took >= limit) return std::nullopt;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

std::string state_of(const nlohmann::json& pipe) {
  const auto status = pipe.find("status");
  return status == pipe.end() ? "" : status->value("state", "");
}

std::string ready_of(const nlohmann::json& pipe) {
  const auto* ready = condition_of(pipe, "Ready");
  return ready ? ready->value("status", "") + ": " + ready->value("reason", "") : "";
}

bool is_ready(const nlohmann::json& pipe) {
  const auto* ready = condition_of(pipe, "Ready");
  return ready && ready->value("status", "") == "True";
}

}  // namespace penstock::chaos
