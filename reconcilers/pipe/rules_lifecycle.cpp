// Taking over and letting go, pause, failure, Setup and the slot.

#include <algorithm>
#include <set>
#include <tuple>

#include "core/error_policy.hpp"
#include "reconcilers/pipe/rules.hpp"

namespace penstock::reconcile {
namespace {

/// Of the status's tables, which may have left the spec meanwhile, and of the spec's, which may have other
/// targets by now.
ReleaseWish release_wish(const View& view) {
  const auto& pipe = view.pipe;
  const auto& replication = pipe.status.replication;
  const bool set_up = pipe.status.source.has_value();
  ReleaseWish wish{set_up && replication.owns_slot, set_up && replication.owns_publication, {}, {}, {}};
  wish.no_source = view.no_source;
  wish.no_destination = view.no_destination;
  std::set<std::string> targets;
  for (const auto& table : pipe.status.tables)
    targets.insert(table.target);
  for (const auto& table : pipe.spec.tables)
    targets.insert(target_of(table));
  wish.staging.assign(targets.begin(), targets.end());
  const bool go = pipe.spec.deletion_policy == DeletionPolicy::Delete;
  (go ? wish.targets : wish.give_back) = wish.staging;
  return wish;
}

/// Setup's checks came through for the tables as the spec has them now.
bool tables_are_declared(const Pipe& pipe) {
  const auto& wanted = pipe.spec.tables;
  return pipe.status.tables.size() == wanted.size() &&
         std::all_of(wanted.begin(), wanted.end(), [&](const TableSpec& table) {
           const auto* known = find_table(pipe.status, table.source);
           return known && (known->load_generation > 0 || known->target == target_of(table));
         });
}

}  // namespace

Verdict release_when_deleted(const View& view) {
  const char* rule = "release_when_deleted";
  if (!view.pipe.deleting) return std::nullopt;
  const auto& status = view.pipe.status;
  const auto state = status.state.value_or(PipeState::Provisioning);
  if (!view.pipe.has_finalizer) return Decision{state, "Deleted", std::nullopt, Rest{}, rule};
  // Setup that got through its checks and was cut off may have made tables, whatever came after it; it has
  // recorded them as Pending. Nothing else is begun before the source is recorded. Tables that may stay are
  // given back in one try.
  const bool to_go = view.pipe.spec.deletion_policy == DeletionPolicy::Delete;
  const bool tried = view.no_destination || view.retry(Concern::Release);
  const bool nothing_there = !status.source && (status.tables.empty() || (tried && !to_go));
  if (nothing_there && !view.run.any_active())
    return Decision{state, "Being deleted", std::nullopt, RemoveFinalizer{}, rule};
  // What failed before the deletion is not waited for; nor is a Secret, for what can be done without it.
  const auto* retry = view.retry(Concern::Release);
  if (retry && view.deleting_for > kReleasePatience)
    return Decision{state, "Being deleted", std::nullopt, RemoveFinalizer{retry->error.text()}, rule};
  if (!may_try(view, Concern::Release)) return waiting(view, state, retry->error, Concern::Release, rule);
  const auto fault = standing_fault(view, Concern::Release);
  return Decision{state, fault ? fault->text() : "Being deleted: releasing the source", fault,
                  Release{release_wish(view)}, rule};
}

Verdict adopt_before_touching_anything(const View& view) {
  const char* rule = "adopt_before_touching_anything";
  const auto& status = view.pipe.status;
  if (view.pipe.has_finalizer) return std::nullopt;
  // Taken off a pipe that is on its way, as by kubectl replace.
  if (status.source || status.state.value_or(PipeState::Provisioning) != PipeState::Provisioning)
    return aside(view, AddFinalizer{}, rule);
  return Decision{PipeState::Provisioning, "Taken over by a controller", std::nullopt, AddFinalizer{}, rule};
}

Verdict wait_for_a_worker(const View& view) {
  if (!view.pipe.status.worker.empty()) return std::nullopt;
  return Decision{PipeState::Provisioning, "Waiting for a worker", std::nullopt, Rest{}, "wait_for_a_worker"};
}

/// Until then a pause waits for the swap of a resync, which runs to its end.
Verdict honour_pause(const View& view) {
  const char* rule = "honour_pause";
  const auto& status = view.pipe.status;
  if (!view.pipe.spec.paused || status.resync) return std::nullopt;
  if (phase_of(view.pipe) == PipeState::Completed) return std::nullopt;
  if (view.run.any_active()) {
    const char* what =
        view.run.load.active() ? "Finishing the partitions in flight" : "Finishing what is in flight";
    return stopping(view, PipeState::Pausing, what, {}, rule);
  }
  // Where the table states come from are the ended runs: they have been recorded by now, so they may be
  // forgotten.
  const bool ended = view.run.load.there || view.run.stream.there || view.run.slot_in_hand;
  const char* message = has_a_place(view.pipe) ? "Paused; the slot keeps its place" : "Paused";
  return Decision{PipeState::Paused, message, std::nullopt, ended ? Action(StopRuns{}) : Action(Rest{}),
                  rule};
}

/// A run that was started with other settings or credentials finishes what is in flight and is started anew.
Verdict stop_what_runs_on_old_settings(const View& view) {
  if (!view.fingerprint.known()) return std::nullopt;
  const auto& load = view.run.load;
  const auto& stream = view.run.stream;
  const StopRuns which{load.active() && load.fingerprint != view.fingerprint.load,
                       stream.active() && stream.fingerprint != view.fingerprint.stream};
  if (!which.load && !which.stream) return std::nullopt;
  const auto state = view.pipe.status.state.value_or(PipeState::Running);
  return with_doubt(
      view, stopping(view, state, "Taking up changed settings", which, "stop_what_runs_on_old_settings"));
}

/// What no waiting cures stays Failed until the spec is changed, or a resync begins.
Verdict stay_failed(const View& view) {
  const char* rule = "stay_failed";
  const auto& status = view.pipe.status;
  if (const auto* failed = terminal_failure(view)) {
    if (view.run.any_active()) {
      auto out = stopping(view, PipeState::Failed, failed->error.text(), {}, rule);
      out.fault = failed->error;
      return out;
    }
    return Decision{PipeState::Failed, failed->error.text(), failed->error, Rest{}, rule};
  }
  if (status.state != PipeState::Failed || status.observed_generation != view.pipe.generation ||
      view.retry(Concern::Pipe) || view.retry(Concern::Load))
    return std::nullopt;
  // After a restart: the recorded condition still says why. Without it nobody but a person has written that
  // state, and what else is recorded tells how to go on.
  const auto* stalled = find_condition(status.conditions, "Stalled");
  if (!stalled || !stalled->status || view.run.stream.connected) return std::nullopt;
  const Error error{ErrorKind::Terminal, stalled->reason, status.message, ""};
  return Decision{PipeState::Failed, status.message, error, Rest{}, rule};
}

/// A Setup that was cut off may have made targets that the spec does not name any more.
Verdict take_down_what_setup_made_in_vain(const View& view) {
  const auto& [spec, status] = std::tie(view.pipe.spec, view.pipe.status);
  if (status.source || spec.deletion_policy != DeletionPolicy::Delete) return std::nullopt;
  RemoveTables verb{{}, false};
  for (const auto& table : status.tables)
    if (std::none_of(spec.tables.begin(), spec.tables.end(), [&](const TableSpec& wanted) {
          return wanted.source == table.source && target_of(wanted) == table.target;
        }))
      verb.sources.push_back(table.source);
  if (verb.sources.empty()) return std::nullopt;
  return step(view, PipeState::Setup, "Taking down what is not wanted any more", std::move(verb),
              "take_down_what_setup_made_in_vain");
}

Verdict set_up_before_loading(const View& view) {
  const char* rule = "set_up_before_loading";
  if (view.pipe.status.source) return std::nullopt;
  if (view.run.load.there || view.run.stream.there)  // the status was lost
    return stopping(view, PipeState::Setup, "Ending a former run", {}, rule);
  const bool made = tables_are_declared(view.pipe);
  return step(view, PipeState::Setup, "Validating source and destination, creating target tables",
              SetUp{made}, rule);
}

/// The slot exists before the first row is read, so that nothing is missed; its publication before it, so
/// that the slot's first change can be decoded.
Verdict a_slot_before_the_first_row(const View& view) {
  const char* rule = "a_slot_before_the_first_row";
  const auto& replication = view.pipe.status.replication;
  if (!streams(view.pipe.spec) || !replication.start_lsn.empty() || !replication.owns_slot)
    return std::nullopt;
  const auto state = loads(view.pipe.spec) ? PipeState::Snapshot : PipeState::Setup;
  if (view.run.load.there || view.run.stream.there)
    return stopping(view, state, "Ending a former run", {}, rule);
  return step(view, state, "Creating the publication and the replication slot", CreateSlot{}, rule);
}

}  // namespace penstock::reconcile
