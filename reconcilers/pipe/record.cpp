#include "reconcilers/pipe/record.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/error_policy.hpp"
#include "core/shown_text.hpp"
#include "reconcilers/pipe/conditions.hpp"
#include "reconcilers/pipe/tables.hpp"

namespace penstock::reconcile {
namespace {

/// A table that cannot go on is set apart, with the reason.
bool absorb_failure(TableStatus& table, const TableFacts& facts) {
  if (!facts.error) return false;
  table.state = TableState::Failed;
  table.message = facts.error->text();
  table.load.reset();
  table.lag_seconds.reset();
  return true;
}

void absorb_load(TableStatus& table, const TableFacts& facts, const Pipe& pipe) {
  const bool still_to_load = table.state == TableState::Pending || table.state == TableState::Loading;
  if (!still_to_load || absorb_failure(table, facts) || facts.load.layout.empty()) return;
  table.rows_loaded = facts.rows_loaded;
  table.rows_estimated = facts.rows_estimated;
  table.partitions_loaded = facts.partitions_loaded;
  table.partitions_total = facts.partitions_total;
  table.load = facts.load;
  // From then on looks at the catalog go on from there. A table that is read at one snapshot may begin anew.
  const bool replaces = !table.settings || table.settings->engine == TableEngine::ReplacingMergeTree;
  if (table.state == TableState::Pending || !replaces || pipe.spec.mode == Mode::SnapshotOnly) {
    table.source_partitions = facts.source_partitions;
    table.source_definition = facts.source_definition;
  }
  table.former_definition.clear();
  table.newly_published = table.newly_published && !facts.load_finished;
  table.state = TableState::Loading;
  if (!facts.load_finished) return;
  const bool streams = pipe.spec.mode != Mode::SnapshotOnly;
  table.state = streams || table.staged ? TableState::CatchingUp : TableState::Completed;
  if (!streams) table.load.reset();
  if (!table.staged) table.message.clear();
}

/// Streaming once everything that the load's newest snapshot saw has come by in the stream. A table in
/// `_resync` is then ready to be exchanged.
void absorb_stream(TableStatus& table, const TableFacts& facts, const RunFacts& stream, const Pipe& pipe) {
  table.rows_streamed = facts.rows_streamed;
  if (stream.connected) table.lag_seconds = facts.lag_seconds;
  const bool without_load = pipe.spec.mode == Mode::CdcOnly && table.state == TableState::Pending;
  const bool live = takes_differences(pipe, table);
  if (live && absorb_failure(table, facts)) return;
  if (live) add_differences(table, facts.differences);
  if (!stream.connected || !(without_load || table.state == TableState::CatchingUp)) return;
  const auto snapshot = table.load ? Lsn::parse(table.load->snapshot_lsn) : Result<Lsn>(Lsn{});
  // What the source may be told is held back by tables that are left out; this one need not wait for them.
  if (snapshot && std::max(stream.confirmed, facts.written) < *snapshot) return;
  table.load.reset();
  if (!table.staged) table.state = TableState::Streaming;
}

void absorb_replication(ReplicationStatus& replication, const RunFacts& stream) {
  if (!stream.there) return;
  if (stream.confirmed) replication.confirmed_lsn = stream.confirmed.text();
  if (!stream.last_commit.empty()) replication.last_commit = stream.last_commit;
  replication.ended_lsn = stream.ended && stream.confirmed ? stream.confirmed.text() : "";
  if (!stream.connected) return;
  if (stream.received) replication.received_lsn = stream.received.text();
  replication.lag_bytes = stream.lag_bytes;
  replication.lag_seconds = stream.lag_seconds;
}

/// What stands beside the state: settings that wait, a resync that cannot begin.
void add_standing_conditions(const Pipe& pipe, const PipeStatus& status, const Decision& decision,
                             std::vector<Condition>& out) {
  Pipe now = pipe;
  now.status = status;
  const auto waits = what_waits_for_a_resync(now);
  const auto differs = tables_that_differ(status);
  if (!differs.empty())
    out.push_back(
        {"ResyncRequired",
         true,
         "SourceDiffers",
         fmt::format("Rows may differ from the source's until these tables are resynced (raise their "
                     "resyncGeneration): {}{}",
                     differs, waits.empty() ? "" : fmt::format(". Pending too: {}", waits)),
         pipe.generation,
         {}});
  else if (!waits.empty())
    out.push_back({"ResyncRequired",
                   true,
                   "SettingsPending",
                   fmt::format("Taken up by the next resync (raise spec.resyncGeneration): {}", waits),
                   pipe.generation,
                   {}});
  if (decision.resync_blocked)
    out.push_back({"ResyncBlocked",
                   true,
                   decision.resync_blocked->reason,
                   decision.resync_blocked->text(),
                   pipe.generation,
                   {}});
}

/// Words of servers, names and values in it are bytes of theirs, and kubectl writes them to terminals: as the
/// API keeps it, so that what is recorded is no news on the next pass.
void make_fit_to_show(PipeStatus& status) {
  status.message = shown(status.message);
  for (auto& condition : status.conditions)
    condition.message = shown(condition.message);
  for (auto& table : status.tables) {
    table.message = shown(table.message);
    table.source_changes = shown(table.source_changes);
  }
}

/// What must be known of a step that is cut off: which tables may have been made, and which are half taken
/// out.
void record_what_is_begun(const Pipe& pipe, const Decision& decision, PipeStatus& status) {
  const auto* set_up = std::get_if<SetUp>(&decision.action);
  if (set_up && set_up->make && !status.source) {
    Pipe now = pipe;
    now.status = std::move(status);
    status = with_declared_tables(now);
  }
  // From here on the slot may be told more than is recorded.
  if (std::holds_alternative<StartStream>(decision.action)) status.replication.ended_lsn.clear();
  if (const auto* verb = std::get_if<RemoveTables>(&decision.action))
    for (auto& table : status.tables)
      if (std::find(verb->sources.begin(), verb->sources.end(), table.source) != verb->sources.end())
        table.leaving = true;
}

/// The spec that `status` speaks of asks for less than was carried out: from when that spec is seen, or,
/// where it fell back during its resync, from the end of that.
bool is_lowered(const Pipe& pipe, const PipeStatus& status) {
  return status.observed_generation == pipe.generation &&
         pipe.spec.resync_generation < status.observed_resync_generation;
}

}  // namespace

PipeStatus first_status(const Pipe& pipe) {
  PipeStatus out = pipe.status;
  if (out.state) return out;
  out.state = PipeState::Provisioning;
  out.observed_resync_generation = pipe.spec.resync_generation;
  if (pipe.spec.mode == Mode::SnapshotOnly) return out;
  const auto& source = pipe.spec.source;
  const auto own = own_name(pipe.uid, pipe.spec.resync_generation);
  out.replication.owns_slot = source.replication_slot.empty();
  out.replication.owns_publication = source.publication.empty();
  out.replication.slot = out.replication.owns_slot ? own : source.replication_slot;
  out.replication.publication = out.replication.owns_publication ? own : source.publication;
  return out;
}

PipeStatus absorb(const Pipe& pipe, const Runs& run) {
  PipeStatus out = pipe.status;
  // Before the first Setup there is nothing to resync.
  if (out.state && !out.source && !out.resync &&
      pipe.spec.resync_generation > out.observed_resync_generation) {
    out.observed_resync_generation = pipe.spec.resync_generation;
    if (pipe.spec.mode != Mode::SnapshotOnly) name_replication(out, pipe, pipe.spec.resync_generation);
  }
  for (auto& table : out.tables) {
    if (table.making) continue;
    if (const auto* facts = facts_of(run.load, table)) absorb_load(table, *facts, pipe);
    if (const auto* facts = facts_of(run.stream, table)) absorb_stream(table, *facts, run.stream, pipe);
  }
  // A stream that a resync makes way for is of another slot.
  if (out.resync && out.resync->step != ResyncStep::Load) return out;
  absorb_replication(out.replication, run.stream);
  // A place is one of its timeline: after a failover both are new.
  const bool has_place = run.stream.connected || run.stream.confirmed;
  if (has_place && run.stream.timeline != 0 && out.source) out.source->timeline = run.stream.timeline;
  return out;
}

PipeStatus with_decision(const Pipe& pipe, PipeStatus status, const Decision& decision, WallTime now) {
  record_what_is_begun(pipe, decision, status);
  if (!decision.aside) {
    if (pipe.status.state != decision.state || !status.state_since)
      status.state_since = std::chrono::floor<std::chrono::seconds>(now);
    status.state = decision.state;
    status.message = decision.message;
    if (decision.taken_up) status.observed_generation = pipe.generation;
    auto conditions = conditions_of(decision, pipe.generation);
    add_standing_conditions(pipe, status, decision, conditions);
    for (auto& condition : conditions)
      condition.message = shown(condition.message);
    status.conditions = merge_conditions(status.conditions, std::move(conditions), now);
  }
  make_fit_to_show(status);
  summarize(status, pipe.spec);
  return status;
}

std::vector<EventNote> events_between(const Pipe& before, const PipeStatus& after, const Decision& decision) {
  std::vector<EventNote> out;
  const auto& former = before.status;
  if (former.state != after.state && after.state && !(decision.fault && *after.state == PipeState::Failed))
    out.push_back({false, to_text(*after.state), decision.fault ? "Held up" : after.message});
  if (is_lowered(before, after) && !is_lowered(before, former))
    out.push_back({true, "ResyncGenerationLowered",
                   fmt::format("spec.resyncGeneration is {}, and generation {} was carried out already: "
                               "nothing is done",
                               before.spec.resync_generation, after.observed_resync_generation)});
  if (decision.aside) return out;
  const auto* blocked = find_condition(former.conditions, "ResyncBlocked");
  const auto* still = find_condition(after.conditions, "ResyncBlocked");
  if (decision.resync_blocked && (!blocked || !still || blocked->message != still->message))
    out.push_back({true, "ResyncBlocked", decision.resync_blocked->text()});
  if (!decision.fault) return out;
  const auto* ready = find_condition(former.conditions, "Ready");
  const bool known = ready && !ready->status && former.message == after.message;
  if (!known) out.push_back({true, decision.fault->reason, decision.fault->text()});
  return out;
}

Retry after_failure(const std::optional<Retry>& before, const Error& error, const View& view) {
  Retry out;
  const bool same =
      before && before->generation == view.pipe.generation && before->fingerprint == view.fingerprint.load;
  out.failures = same ? before->failures + 1 : 1;
  out.error = error;
  out.generation = view.pipe.generation;
  out.fingerprint = view.fingerprint.load;
  out.next =
      policy(error.kind).fails_the_pipe ? SteadyTime::max() : view.now + wait_after(error.kind, out.failures);
  return out;
}

bool load_has_moved(const PipeStatus& recorded, const RunFacts& load) {
  if (!load.active()) return false;
  return std::any_of(recorded.tables.begin(), recorded.tables.end(), [&](const TableStatus& table) {
    const auto* facts = facts_of(load, table);
    return facts && facts->partitions_loaded > table.partitions_loaded;
  });
}

}  // namespace penstock::reconcile
