#include "reconcilers/pipe/plan.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "reconcilers/pipe/rules.hpp"

namespace penstock::reconcile {
namespace {

using Rule = Verdict (*)(const View&);

/// The lifecycle, top to bottom: the first that applies decides.
constexpr Rule kRules[] = {
    release_when_deleted,
    adopt_before_touching_anything,
    wait_for_a_worker,
    finish_a_swap_begun,
    take_out_removed_tables,
    begin_a_resync,
    make_way_for_the_resync,
    stay_failed,
    honour_pause,
    take_down_what_setup_made_in_vain,
    set_up_before_loading,
    a_slot_before_the_first_row,
    declare_new_tables,
    declare_tables_anew,
    make_declared_tables,
    stop_what_runs_on_old_settings,
    swap_what_is_loaded,
    load_beside_the_stream,
    load_what_is_left,
    complete_a_load_without_a_stream,
    keep_streaming,
};

constexpr Millis kSecretEvery{2'000};

void wake_after(Millis time, Rest& rest) {
  rest.again = rest.again.count() == 0 ? time : std::min(rest.again, time);
}

/// A slot can be lost while nobody reads it: a pass that would rest looks at the source now and then.
void look_at_the_source_now_and_then(const View& view, Decision& decision) {
  auto* rest = std::get_if<Rest>(&decision.action);
  if (!rest || !is_looked_at(view) || view.pipe.deleting || decision.state == PipeState::Failed) return;
  if (view.probe_due && !view.credentials_missing) {
    decision.action = Probe{};
    return;
  }
  wake_after(kProbeEvery, *rest);
}

std::optional<Error> why_no_resync_begins(const View& view) {
  if (view.credentials_missing) return view.credentials_missing;
  const auto* retry = view.retry(Concern::Resync);
  return retry ? std::optional(retry->error) : std::nullopt;
}

/// What is tried again beside the pipe's life has no pass of its own: one that would rest for longer, or for
/// ever, ends in time for it.
void wake_for_what_waits_aside(const View& view, Decision& decision) {
  auto* rest = std::get_if<Rest>(&decision.action);
  if (!rest) return;
  if (decision.resync_blocked) {
    const auto* retry = view.retry(Concern::Resync);
    wake_after(view.credentials_missing || !retry ? kSecretEvery : time_left(view, *retry), *rest);
  }
  if (decision.state != PipeState::Completed) return;
  const auto& tables = view.pipe.status.tables;
  const bool any_to_make =
      tables.size() != view.pipe.spec.tables.size() ||
      std::any_of(tables.begin(), tables.end(), [](const auto& table) { return table.making; });
  if (view.credentials_missing && any_to_make) wake_after(kSecretEvery, *rest);
  for (const auto& [source, retry] : view.table_retries)
    wake_after(time_left(view, retry), *rest);
}

}  // namespace

namespace {

bool runs_on_former_settings(const View& view, const RunFacts& run, const std::string& present) {
  return run.active() && (!view.fingerprint.known() || run.fingerprint != present);
}

/// A spec that has changed is in force when nothing runs by the former one, and a stream by the new one has
/// been seen to run: its source and its destination answer.
bool is_taken_up(const View& view, const Decision& decision) {
  if (view.pipe.status.observed_generation == view.pipe.generation) return true;
  if (runs_on_former_settings(view, view.run.load, view.fingerprint.load) ||
      runs_on_former_settings(view, view.run.stream, view.fingerprint.stream))
    return false;
  return decision.state != PipeState::Running || view.run.stream.connected;
}

/// Says what is missing for the present spec while the former one goes on.
void tell_what_is_not_taken_up(const View& view, Decision& decision) {
  decision.taken_up = decision.aside || is_taken_up(view, decision);
  const bool goes_on = decision.state == PipeState::Running || decision.state == PipeState::Snapshot;
  if (decision.taken_up || decision.fault || !goes_on) return;
  if (!view.credentials_missing) {
    decision.message = "Taking up changed settings";
    return;
  }
  decision.fault = view.credentials_missing;
  decision.fault->message += fmt::format(
      "; the spec of generation {} is not in force, what ran before goes on", view.pipe.generation);
  decision.message = decision.fault->text();
}

}  // namespace

bool may_try(const View& view, const Retry& retry) {
  return view.now >= retry.next || retry.generation != view.pipe.generation ||
         (view.fingerprint.known() && retry.fingerprint != view.fingerprint.load);
}

bool may_try(const View& view, Concern concern) {
  const auto* retry = view.retry(concern);
  return !retry || may_try(view, *retry);
}

PipeState phase_of(const Pipe& pipe) {
  if (!pipe.status.source) return PipeState::Setup;
  if (any_left_to_load(pipe)) return PipeState::Snapshot;
  return streams(pipe.spec) ? PipeState::Running : PipeState::Completed;
}

Decision plan(const View& view) {
  for (const auto rule : kRules) {
    auto verdict = rule(view);
    if (!verdict) continue;
    if (resync_wanted(view.pipe) && !view.pipe.deleting) verdict->resync_blocked = why_no_resync_begins(view);
    tell_what_is_not_taken_up(view, *verdict);
    wake_for_what_waits_aside(view, *verdict);
    look_at_the_source_now_and_then(view, *verdict);
    return *std::move(verdict);
  }
  return {};  // keep_streaming always decides
}

}  // namespace penstock::reconcile
