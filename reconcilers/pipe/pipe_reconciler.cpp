#include "reconcilers/pipe/pipe_reconciler.hpp"

#include <fmt/format.h>

#include "core/log.hpp"
#include "reconcilers/pipe/act.hpp"
#include "reconcilers/pipe/record.hpp"

namespace penstock::reconcile {
namespace {

/// Steps that follow one another without waiting, in one call; more means the pipe goes in circles.
constexpr int kStepsPerPass = 12;

/// A failure that goes on is counted up on its event about every ten minutes, before Kubernetes forgets it;
/// more often would use up what one object may write (controller/runtime/event_correlator.hpp).
constexpr int kFailuresPerEvent = 20;

Result<Credentials> read_credentials(const Pipe& pipe, PipeApi& api) {
  Credentials out;
  const auto& source = pipe.spec.source;
  const auto& destination = pipe.spec.destination;
  for (const auto* ref : {&source.password, &source.tls.ca, &source.tls.client_certificate,
                          &source.tls.client_key, &destination.password, &destination.ca}) {
    if (!*ref) continue;
    PENSTOCK_ASSIGN(auto secret, api.read_secret(pipe.ns, **ref));
    out[(*ref)->name + "/" + (*ref)->key] = std::move(secret);
  }
  return out;
}

/// Recording the decision has moved the resourceVersion that its verb holds to.
void hold_to(const std::string& resource_version, Action& action) {
  std::visit(
      [&](auto& verb) {
        if constexpr (requires { verb.resource_version; }) verb.resource_version = resource_version;
      },
      action);
}

}  // namespace

PipeReconciler::PipeReconciler(PipeApi& api, Dataplane& dataplane, const Clock& clock, std::string worker)
    : api_(api), dataplane_(dataplane), clock_(clock), worker_(std::move(worker)) {}

std::optional<Retry> PipeReconciler::retry_of(const std::string& uid) {
  const std::lock_guard lock(mutex_);
  const auto at = retries_.find(uid);
  return at == retries_.end() ? std::nullopt : std::optional(at->second);
}

void PipeReconciler::set_retry(const std::string& uid, std::optional<Retry> retry) {
  const std::lock_guard lock(mutex_);
  if (retry)
    retries_[uid] = *std::move(retry);
  else
    retries_.erase(uid);
}

View PipeReconciler::observe(const Pipe& pipe, Credentials& credentials) {
  View view;
  view.pipe = pipe;
  view.now = clock_.now();
  view.run = dataplane_.observe(pipe);
  view.retry = retry_of(pipe.uid);
  auto read = credentials_of(pipe);
  if (read) {
    credentials = *std::move(read);
    view.fingerprint = dataplane_.fingerprint(pipe, credentials);
  } else {
    view.credentials_missing = read.error();
  }
  return view;
}

Result<Credentials> PipeReconciler::credentials_of(const Pipe& pipe) {
  auto read = read_credentials(pipe, api_);
  const std::lock_guard lock(mutex_);
  if (read) {
    credentials_[pipe.uid] = *read;
  } else if (const auto known = credentials_.find(pipe.uid); pipe.deleting && known != credentials_.end()) {
    return known->second;
  }
  return read;
}

/// A run that failed becomes a retry, once: the ended run is forgotten. One that gets on ends the retry.
void PipeReconciler::note_run(const Pipe& pipe, View& view) {
  if (view.run.ended && view.run.error) {
    // The failure of a run on other settings says nothing of the present ones.
    if (view.fingerprint.empty() || view.run.fingerprint == view.fingerprint) {
      view.retry = after_failure(view.retry, *view.run.error, view);
      set_retry(pipe.uid, view.retry);
    }
    dataplane_.stop(pipe);
    view.run = dataplane_.observe(pipe);
  } else if (view.retry && has_moved(pipe.status, view.run)) {
    view.retry.reset();
    set_retry(pipe.uid, std::nullopt);
  }
}

Status PipeReconciler::record(Pipe& pipe, PipeStatus status, const Decision& decision) {
  if (status == pipe.status) return {};
  PENSTOCK_ASSIGN(pipe.resource_version, api_.write_status(pipe, status));
  for (const auto& note : events_between(pipe.status, status, decision)) {
    api_.event(pipe, note.warning, note.reason, note.message);
    log::write(note.warning ? log::Level::Warn : log::Level::Info, "pipe",
               fmt::format("{}/{}: {}: {}", pipe.ns, pipe.name, note.reason, note.message));
  }
  pipe.status = std::move(status);
  return {};
}

/// The next decision tells of the failure, if it is news.
void PipeReconciler::note_failure(const Pipe& pipe, const View& view, const Decision& decision,
                                  const Error& error) {
  const auto retry = after_failure(view.retry, error, view);
  set_retry(pipe.uid, retry);
  log::debug("pipe", "{}/{}: {}: {}", pipe.ns, pipe.name, name_of(decision.action), error.text());
  if (decision.fault == error && retry.failures % kFailuresPerEvent == 0)
    api_.event(pipe, true, error.reason, error.text());
}

Result<Millis> PipeReconciler::reconcile(Pipe pipe) {
  if (!pipe.status.worker.empty() && pipe.status.worker != worker_) return Millis{0};
  for (int step = 0; step < kStepsPerPass; ++step) {
    Credentials credentials;
    View view = observe(pipe, credentials);
    view.pipe.status = absorb(view.pipe, view.run);
    note_run(pipe, view);
    if (!pipe.status.state) view.pipe.status = first_status(view.pipe);
    Decision decision = plan(view);
    PENSTOCK_TRY(record(pipe, with_decision(pipe, view.pipe.status, decision, view.now), decision));
    view.pipe = pipe;
    if (const auto* rest = std::get_if<Rest>(&decision.action)) return rest->again;
    hold_to(pipe.resource_version, decision.action);
    auto learnt = act(decision.action, view, credentials, api_, dataplane_);
    if (!learnt) {
      const bool of_the_api = std::holds_alternative<AddFinalizer>(decision.action) ||
                              std::holds_alternative<RemoveFinalizer>(decision.action);
      if (of_the_api || learnt.error().reason == "Conflict") return fail(learnt.error());
      note_failure(pipe, view, decision, learnt.error());
      continue;
    }
    const bool run_started = std::holds_alternative<StartLoad>(decision.action) ||
                             std::holds_alternative<StartStream>(decision.action);
    if (!run_started) set_retry(pipe.uid, std::nullopt);
    if (std::holds_alternative<AddFinalizer>(decision.action) ||
        std::holds_alternative<Release>(decision.action) ||
        std::holds_alternative<RemoveFinalizer>(decision.action))
      return Millis{0};  // the metadata changed: the next pass sees the new object
    if (*learnt) PENSTOCK_TRY(record(pipe, **std::move(learnt), decision));
  }
  return Millis{1000};
}

void PipeReconciler::forget(const std::string& uid) {
  dataplane_.forget(uid);
  const std::lock_guard lock(mutex_);
  retries_.erase(uid);
  credentials_.erase(uid);
}

}  // namespace penstock::reconcile
