#include "reconcilers/pipe/plan.hpp"

#include <algorithm>

#include "core/error_policy.hpp"

namespace penstock::reconcile {
namespace {

using Verdict = std::optional<Decision>;
using Activity = RunFacts::Activity;

constexpr Millis kLoadProgressEvery{1000};
constexpr Millis kStreamProgressEvery{2000};

bool streams(const PipeSpec& spec) {
  return spec.mode != Mode::SnapshotOnly;
}
bool loads(const PipeSpec& spec) {
  return spec.mode != Mode::CdcOnly;
}

bool loaded(const TableStatus& table) {
  return table.state == TableState::CatchingUp || table.state == TableState::Streaming ||
         table.state == TableState::Completed;
}

bool active(const RunFacts& run) {
  return run.activity != Activity::Idle && !run.ended;
}

/// The spec or the credentials are others than those that failed.
bool was_changed(const Retry& retry, const View& view) {
  return retry.generation != view.pipe.generation ||
         (!view.fingerprint.empty() && retry.fingerprint != view.fingerprint);
}

/// "Waiting for …" while an error is waited out or a person is waited for; the state stays.
Decision waiting(const View& view, PipeState state, const Error& error, const char* rule) {
  Decision out{state, error.text(), error, Rest{}, rule};
  const auto left = view.retry && view.retry->next > view.now
                        ? std::chrono::ceil<Millis>(view.retry->next - view.now)
                        : kLoadProgressEvery;
  out.action = Rest{policy(error.kind).probes_credentials ? std::min(left, Millis(2000)) : left};
  return out;
}

/// What failed before, while nothing of it was changed.
std::optional<Error> standing_fault(const View& view) {
  if (!view.retry || was_changed(*view.retry, view)) return std::nullopt;
  return view.retry->error;
}

/// A step that needs the source or the destination: taken when the Secrets are there and it is time. Trying
/// again does not take back what is said of the failure, so that conditions do not flap; succeeding does.
Decision step(const View& view, PipeState state, std::string message, Action action, const char* rule) {
  if (view.credentials_missing) return waiting(view, state, *view.credentials_missing, rule);
  if (!may_try(view)) return waiting(view, state, view.retry->error, rule);
  auto fault = standing_fault(view);
  if (fault) message = fault->text();
  return {state, std::move(message), std::move(fault), std::move(action), rule};
}

/// What is said of a stream that does not run yet: that it failed, until it is connected. Once what failed
/// was changed, nobody has to mend it any more: it is being tried.
std::optional<Error> doubt(const View& view) {
  if (!view.retry || view.run.connected) return std::nullopt;
  auto out = std::optional(view.retry->error);
  if (was_changed(*view.retry, view)) out->kind = ErrorKind::Transient;
  return out;
}

Decision with_doubt(const View& view, Decision decision) {
  if (decision.fault || decision.state != PipeState::Running) return decision;
  decision.fault = doubt(view);
  if (decision.fault) decision.message = decision.fault->text();
  return decision;
}

// ---- the rules, in order ----

Verdict release_when_deleted(const View& view) {
  const char* rule = "release_when_deleted";
  if (!view.pipe.deleting) return std::nullopt;
  const auto state = view.pipe.status.state.value_or(PipeState::Provisioning);
  if (!view.pipe.has_finalizer) return Decision{state, "Deleted", std::nullopt, Rest{}, rule};
  const auto& replication = view.pipe.status.replication;
  ReleaseWish wish{replication.owns_slot, replication.owns_publication, {}};
  if (view.pipe.spec.deletion_policy == DeletionPolicy::Delete)
    for (const auto& table : view.pipe.spec.tables)
      wish.targets.push_back(target_of(table));
  const bool tables_may_be_there =
      state == PipeState::Setup && view.pipe.spec.deletion_policy == DeletionPolicy::Delete;
  const bool nothing_there =
      !view.pipe.status.source && replication.start_lsn.empty() && !tables_may_be_there;
  if (nothing_there && !active(view.run))
    return Decision{state, "Being deleted", std::nullopt, RemoveFinalizer{}, rule};
  const auto& problem = view.credentials_missing ? view.credentials_missing
                        : view.retry             ? std::optional(view.retry->error)
                                                 : std::nullopt;
  if (problem && view.now - view.pipe.deleting_since > kReleasePatience)
    return Decision{state, "Being deleted", std::nullopt, RemoveFinalizer{problem->text()}, rule};
  return step(view, state, "Being deleted: releasing the source", Release{std::move(wish)}, rule);
}

Verdict adopt_before_touching_anything(const View& view) {
  if (view.pipe.has_finalizer) return std::nullopt;
  return Decision{PipeState::Provisioning, "Taken over by a controller", std::nullopt, AddFinalizer{},
                  "adopt_before_touching_anything"};
}

Verdict wait_for_a_worker(const View& view) {
  if (!view.pipe.status.worker.empty()) return std::nullopt;
  return Decision{PipeState::Provisioning, "Waiting for a worker", std::nullopt, Rest{}, "wait_for_a_worker"};
}

/// A run that was started with other settings or credentials finishes what is in flight and is started anew.
Verdict stop_what_runs_on_old_settings(const View& view) {
  const char* rule = "stop_what_runs_on_old_settings";
  if (!active(view.run) || view.fingerprint.empty() || view.run.fingerprint == view.fingerprint)
    return std::nullopt;
  const auto state = view.pipe.status.state.value_or(PipeState::Running);
  return with_doubt(view, {state, "Taking up changed settings", std::nullopt,
                           view.run.stopping ? Action(Rest{Millis(100)}) : Action(StopRun{}), rule});
}

Verdict honour_pause(const View& view) {
  const char* rule = "honour_pause";
  if (!view.pipe.spec.paused) return std::nullopt;
  const auto phase = phase_of(view.pipe);
  const auto recorded = view.pipe.status.state.value_or(PipeState::Provisioning);
  if (recorded == PipeState::Failed || phase == PipeState::Completed) return std::nullopt;
  if (active(view.run)) {
    const char* what = view.run.activity == Activity::Loading ? "Finishing the partitions in flight"
                                                              : "Finishing what is in flight";
    return Decision{PipeState::Pausing, what, std::nullopt,
                    view.run.stopping ? Action(Rest{Millis(100)}) : Action(StopRun{}), rule};
  }
  // Where the table states come from is the ended run: they have been recorded by now, so it may be
  // forgotten.
  const Action rest = view.run.activity == Activity::Idle ? Action(Rest{}) : Action(StopRun{});
  const char* message =
      view.pipe.status.replication.start_lsn.empty() ? "Paused" : "Paused; the slot keeps its place";
  return Decision{PipeState::Paused, message, std::nullopt, rest, rule};
}

/// What no waiting cures stays Failed until the spec is changed.
Verdict stay_failed(const View& view) {
  const char* rule = "stay_failed";
  const auto& status = view.pipe.status;
  if (view.retry && policy(view.retry->error.kind).fails_the_pipe && !may_try(view))
    return Decision{PipeState::Failed, view.retry->error.text(), view.retry->error, Rest{}, rule};
  if (status.state != PipeState::Failed || status.observed_generation != view.pipe.generation || view.retry)
    return std::nullopt;
  // After a restart: the recorded condition still says why.
  const auto* stalled = find_condition(status.conditions, "Stalled");
  const Error error{ErrorKind::Terminal, stalled ? stalled->reason : "Failed", status.message, ""};
  return Decision{PipeState::Failed, status.message, error, Rest{}, rule};
}

Verdict set_up_before_loading(const View& view) {
  if (view.pipe.status.source) return std::nullopt;
  return step(view, PipeState::Setup, "Validating source and destination, creating target tables", SetUp{},
              "set_up_before_loading");
}

/// The slot exists before the first row is read, so that nothing is missed; its publication before it, so
/// that the slot's first change can be decoded.
Verdict a_slot_before_the_first_row(const View& view) {
  const char* rule = "a_slot_before_the_first_row";
  const auto& replication = view.pipe.status.replication;
  if (!streams(view.pipe.spec) || !replication.start_lsn.empty() || !replication.owns_slot)
    return std::nullopt;
  const auto state = loads(view.pipe.spec) ? PipeState::Snapshot : PipeState::Setup;
  if (view.run.activity != Activity::Idle)
    return Decision{state, "Ending a former run", std::nullopt, StopRun{}, rule};
  return step(view, state, "Creating the publication and the replication slot",
              CreateSlot{view.pipe.resource_version}, rule);
}

Verdict load_what_is_left(const View& view) {
  const char* rule = "load_what_is_left";
  if (phase_of(view.pipe) != PipeState::Snapshot) return std::nullopt;
  if (view.run.activity == Activity::Loading && !view.run.ended) {
    Decision out{PipeState::Snapshot, "Loading", view.run.retrying, Rest{kLoadProgressEvery}, rule};
    if (out.fault) out.message = out.fault->text();
    return out;
  }
  return step(view, PipeState::Snapshot, "Loading", StartLoad{view.pipe.resource_version}, rule);
}

Verdict complete_a_load_without_a_stream(const View& view) {
  const char* rule = "complete_a_load_without_a_stream";
  if (phase_of(view.pipe) != PipeState::Completed) return std::nullopt;
  const Action rest = view.run.activity == Activity::Idle ? Action(Rest{}) : Action(StopRun{});
  return Decision{PipeState::Completed, "Every table is loaded", std::nullopt, rest, rule};
}

Verdict keep_streaming(const View& view) {
  const char* rule = "keep_streaming";
  if (view.run.activity == Activity::Streaming && !view.run.ended) {
    Decision out{PipeState::Running, "Replicating", view.run.retrying, Rest{kStreamProgressEvery}, rule};
    if (out.fault) out.message = out.fault->text();
    if (!view.run.connected) out.action = Rest{Millis(200)};
    return with_doubt(view, std::move(out));
  }
  return with_doubt(
      view, step(view, PipeState::Running, "Replicating", StartStream{view.pipe.resource_version}, rule));
}

using Rule = Verdict (*)(const View&);
constexpr Rule kRules[] = {
    release_when_deleted,  adopt_before_touching_anything,
    wait_for_a_worker,     stop_what_runs_on_old_settings,
    honour_pause,          stay_failed,
    set_up_before_loading, a_slot_before_the_first_row,
    load_what_is_left,     complete_a_load_without_a_stream,
    keep_streaming,
};

}  // namespace

bool may_try(const View& view) {
  return !view.retry || view.now >= view.retry->next || was_changed(*view.retry, view);
}

PipeState phase_of(const Pipe& pipe) {
  if (!pipe.status.source) return PipeState::Setup;
  const auto& tables = pipe.status.tables;
  if (loads(pipe.spec) && !std::all_of(tables.begin(), tables.end(), loaded)) return PipeState::Snapshot;
  return streams(pipe.spec) ? PipeState::Running : PipeState::Completed;
}

Decision plan(const View& view) {
  for (const auto rule : kRules)
    if (auto verdict = rule(view)) return *std::move(verdict);
  return {PipeState::Running, "", std::nullopt, Rest{}, "rest"};
}

}  // namespace penstock::reconcile
