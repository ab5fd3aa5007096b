#include "reconcilers/pipe/pipe_reconciler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/error_policy.hpp"
#include "core/log.hpp"
#include "core/table_name.hpp"
#include "crds/status_limits.hpp"
#include "reconcilers/pipe/act.hpp"
#include "reconcilers/pipe/credentials.hpp"
#include "reconcilers/pipe/record.hpp"
#include "reconcilers/pipe/tables.hpp"

namespace penstock::reconcile {
namespace {

/// Steps that follow one another without waiting, in one call; more means the pipe goes in circles.
constexpr int kStepsPerPass = 12;

/// What else a pass finds to do when it has lasted for so long is left to the next one: a pause and a
/// deletion wait for it.
constexpr std::chrono::milliseconds kPassTime{1'000};
constexpr Millis kAgain{1};

/// A failure that goes on is counted up on its event about every ten minutes, before Kubernetes forgets it;
/// more often would use up what one object may write (controller/runtime/event_correlator.hpp).
constexpr int kFailuresPerEvent = 20;

/// A table that was set apart is tried again after this, and then after twice as long each time.
constexpr std::chrono::seconds kSetApartFirst{60};
constexpr std::chrono::seconds kSetApartLimit{1800};

/// A difference is told within 30 seconds, or that none would be seen.
constexpr std::chrono::seconds kUnseenFor{20};
/// How much later than it is due a probe may begin and still be the next one.
constexpr std::chrono::seconds kUnseenSlack{5};

/// Somebody else wrote what matters: the pass is run again at once with what is stored now, so many times,
/// then after a moment.
constexpr int kReadsPerPass = 5;
constexpr Millis kAMoment{100};

/// A deletion that was begun before the process is tried for as long at least, whatever the clock says.
constexpr std::chrono::seconds kAfterRestart{30};

/// Those that an action declares or makes, each with a retry of its own; null: it is another one.
const std::vector<std::string>* tables_of(const Action& action) {
  if (const auto* verb = std::get_if<DeclareTables>(&action)) return &verb->sources;
  if (const auto* verb = std::get_if<MakeTables>(&action)) return &verb->sources;
  return nullptr;
}

/// As it is read from an API server: what is equal there must be equal here.
PipeStatus as_stored(const PipeStatus& status) {
  return read_status(write_status(status)).value_or(status);
}

}  // namespace

PipeReconciler::PipeReconciler(PipeApi& api, Dataplane& dataplane, const Clock& clock, std::string worker)
    : api_(api), dataplane_(dataplane), clock_(clock), worker_(std::move(worker)) {}

void PipeReconciler::Lasting::note(const std::optional<Error>& now_wrong, SteadyTime begun, SteadyTime now) {
  // A server that hangs is silent since the last answer, not since the first question that timed out.
  const bool just_before = good && begun - *good <= kProbeEvery + kUnseenSlack;
  error = now_wrong;
  if (!now_wrong) {
    good = now;
    since.reset();
  } else if (!since) {
    since = just_before ? *good : begun;
  }
}

std::optional<Error> PipeReconciler::Lasting::at(SteadyTime now) const {
  return since && now - *since >= kUnseenFor ? error : std::nullopt;
}

std::shared_ptr<PipeReconciler::Memory> PipeReconciler::memory_of(const std::string& uid) {
  const std::lock_guard lock(mutex_);
  auto& memory = memories_[uid];
  if (!memory) memory = std::make_shared<Memory>();
  return memory;
}

Millis PipeReconciler::deleting_for(const Pipe& pipe, const View& view, Memory& memory) {
  if (!pipe.deleting) {
    memory.seen_alive = true;
    memory.deleting_since.reset();
    return Millis{0};
  }
  if (!memory.deleting_since) {
    const auto before =
        memory.seen_alive ? Millis{0} : std::chrono::duration_cast<Millis>(view.wall - pipe.deleting_since);
    memory.deleting_since =
        view.now - std::clamp(before, Millis{0}, Millis{kReleasePatience - kAfterRestart});
  }
  return std::chrono::duration_cast<Millis>(view.now - *memory.deleting_since);
}

View PipeReconciler::observe(const Pipe& pipe, Credentials& credentials) {
  const auto memory = memory_of(pipe.uid);
  View view;
  view.pipe = pipe;
  view.now = clock_.steady();
  view.wall = clock_.now();
  view.deleting_for = deleting_for(pipe, view, *memory);
  view.run = dataplane_.observe(pipe);
  view.retries = memory->retries;
  view.table_retries = memory->table_retries;
  view.probe_due = !view.run.probing && (!memory->probed || view.now - *memory->probed >= kProbeEvery);
  auto read = secrets_of(pipe, *memory);
  view.credentials_missing = read.missing();
  view.no_source = std::move(read.no_source);
  view.no_destination = std::move(read.no_destination);
  credentials = std::move(read.values);
  if (!view.credentials_missing) view.fingerprint = dataplane_.fingerprint(pipe, credentials);
  const bool nobody_looks = pipe.status.state == PipeState::Failed;  // until it is cured
  if (nobody_looks) memory->looks = {};
  memory->table_looks.note(nobody_looks ? std::nullopt : view.run.unseen, view.now, view.now);
  memory->secrets.note(view.credentials_missing, view.now, view.now);
  for (const auto* one : {&memory->secrets, &memory->looks, &memory->table_looks})
    if (!view.unseen) view.unseen = one->at(view.now);
  return view;
}

SecretValues PipeReconciler::secrets_of(const Pipe& pipe, Memory& memory) {
  auto read =
      read_secrets(pipe, [this](const auto& ns, const auto& ref) { return api_.read_secret(ns, ref); });
  if (!read.missing())
    memory.credentials = read.values;
  else if (pipe.deleting && memory.credentials)
    return {*memory.credentials, {}, {}};
  return read;
}

bool PipeReconciler::note_run(const Pipe& pipe, View& view, Concern concern, const RunFacts& run) {
  const bool is_load = concern == Concern::Load;
  if (run.ended && run.error) {
    // The failure of a run on other settings says nothing of the present ones.
    const auto& present = is_load ? view.fingerprint.load : view.fingerprint.stream;
    if (!view.fingerprint.known() || run.fingerprint == present) {
      const auto* before = view.retry(concern);
      view.retries[concern] = after_failure(before ? std::optional(*before) : std::nullopt, *run.error, view);
    }
    // Not looked at again: what a run has done since the look is not in the status that is decided on.
    (is_load ? view.run.load : view.run.stream) = {};
    return true;
  }
  if (is_load ? load_has_moved(pipe.status, run) : run.active() && run.connected) {
    // A run that goes on does not mend what a look at the source has found.
    const auto* known = view.retry(concern);
    if (known && (!policy(known->error.kind).fails_the_pipe || may_try(view, *known)))
      view.retries.erase(concern);
  }
  return false;
}

namespace {

/// Nothing is wrong with it, and nothing is asked for that may have failed.
bool is_well(const Pipe& pipe, const TableStatus& table) {
  const bool runs = table.state == TableState::Streaming || table.state == TableState::Completed;
  const auto spec = std::find_if(pipe.spec.tables.begin(), pipe.spec.tables.end(),
                                 [&](const TableSpec& one) { return one.source == table.source; });
  const bool asked = spec != pipe.spec.tables.end() && anew_is_asked_for(table, *spec);
  return runs && !asked && table.message.empty() && !table.staged;
}

}  // namespace

/// A table that the runs have set apart is tried again in a minute, then less often, or soon where its load
/// only has to begin again; one that is well is forgotten.
void PipeReconciler::note_tables(const Pipe& pipe, const Runs& run, View& view) {
  for (const auto& table : view.pipe.status.tables) {
    const auto* known = find_table(pipe.status, table.source);
    const auto retry = view.table_retries.find(table.source);
    if (table.state == TableState::Failed && known && known->state != TableState::Failed) {
      const auto* facts = facts_of(run.load, table);
      const bool soon = facts && facts->error && facts->error->kind == ErrorKind::Transient;
      Error error{soon ? ErrorKind::Transient : ErrorKind::BadData, "TablesFailed", table.message, ""};
      auto& next = view.table_retries[table.source];
      next =
          after_failure(retry == view.table_retries.end() ? std::nullopt : std::optional(next), error, view);
      if (!soon)
        next.next =
            view.now + std::min(kSetApartFirst * (1 << std::min(next.failures - 1, 5)), kSetApartLimit);
    } else if (retry != view.table_retries.end() && is_well(pipe, table)) {
      view.table_retries.erase(retry);
    }
  }
  std::erase_if(view.table_retries, [&](const auto& retry) {
    return std::none_of(pipe.spec.tables.begin(), pipe.spec.tables.end(),
                        [&](const TableSpec& table) { return table.source == retry.first; });
  });
}

void PipeReconciler::tell_of_clamped(const Pipe& pipe, const RunFacts& run) {
  const auto memory = memory_of(pipe.uid);
  for (const auto& table : run.tables)
    for (const auto& [column, count] : table.clamped)
      if (memory->clamped.emplace(table.source, column).second)
        api_.event(pipe, true, "ValuesClamped",
                   fmt::format("table {}, column {}: {} value{} beyond what the target's type holds so far, "
                               "moved to the edge of its range (or to NULL, where the manifest says so). "
                               "Override the column's type to String to keep them as they are",
                               table.source, column, count, count == 1 ? "" : "s"));
}

void PipeReconciler::tell_of_strangers(const Pipe& pipe, const std::vector<std::string>& strangers) {
  const auto memory = memory_of(pipe.uid);
  for (const auto& table : strangers)
    if (!memory->strangers.contains(table))
      api_.event(pipe, true, "PublicationHasOthers",
                 fmt::format("table {} is in publication {}, and none of spec.tables: its changes are read "
                             "and passed over. Name it there to replicate it, or run ALTER PUBLICATION {} "
                             "DROP TABLE {}",
                             table, pipe.status.replication.publication,
                             quote_identifier(pipe.status.replication.publication), table));
  memory->strangers = {strangers.begin(), strangers.end()};
}

StopRuns PipeReconciler::note_runs(const Pipe& pipe, View& view) {
  const auto run = view.run;
  StopRuns ended;
  ended.stream = note_run(pipe, view, Concern::Pipe, run.stream);
  ended.load = note_run(pipe, view, Concern::Load, run.load);
  note_tables(pipe, run, view);
  tell_of_clamped(pipe, run.load);
  tell_of_clamped(pipe, run.stream);
  tell_of_strangers(pipe, run.strangers);
  return ended;
}

void PipeReconciler::forget_ended(const View& view, const StopRuns& ended) {
  const auto memory = memory_of(view.pipe.uid);
  memory->retries = view.retries;
  memory->table_retries = view.table_retries;
  if (ended.load) dataplane_.stop_load(view.pipe);
  if (ended.stream) dataplane_.stop_stream(view.pipe);
}

Status PipeReconciler::record(Pipe& pipe, PipeStatus status, const Decision& decision) {
  keep_within_schema(status);
  status.revision = pipe.status.revision;
  if (status == pipe.status) return {};
  status.revision = fmt::format("{:08x}-{}", process_, ++writes_);
  PENSTOCK_ASSIGN(pipe.resource_version, api_.write_status(pipe, status));
  memory_of(pipe.uid)->recorded = as_stored(status);
  for (const auto& note : events_between(pipe, status, decision)) {
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
  log::debug("pipe", "{}/{}: {}: {}", pipe.ns, pipe.name, name_of(decision.action), error.text());
  const auto memory = memory_of(pipe.uid);
  if (const auto* sources = tables_of(decision.action)) {
    for (const auto& source : *sources) {
      auto& retry = memory->table_retries[source];
      retry = after_failure(retry.failures ? std::optional(retry) : std::nullopt, error, view);
      // They failed together: whose failure it is shows when each is tried by itself.
      if (sources->size() > 1) retry.next = view.now;
    }
    return;
  }
  // That the source cannot be looked at is the concern of whoever needs it.
  if (std::holds_alternative<Probe>(decision.action) && !policy(error.kind).fails_the_pipe) return;
  auto& retry = memory->retries[concern_of(decision.action)];
  retry = after_failure(retry.failures ? std::optional(retry) : std::nullopt, error, view);
  if (decision.fault == error && retry.failures % kFailuresPerEvent == 0)
    api_.event(pipe, true, error.reason, error.text());
}

void PipeReconciler::note_probe(const Pipe& pipe, const Learnt& learnt) {
  const auto memory = memory_of(pipe.uid);
  const auto now = clock_.steady();
  const auto begun = memory->probing.value_or(now);
  memory->probing = begun;
  if (learnt && !*learnt) return;  // it goes on beside
  // From its end: one that takes longer than the time between two would be due again in the same pass,
  // which would never see another spec.
  memory->probed = now;
  memory->probing.reset();
  memory->looks.note(learnt ? std::nullopt : std::optional(learnt.error()), begun, now);
}

void PipeReconciler::note_success(const Pipe& pipe, const Action& action) {
  const auto memory = memory_of(pipe.uid);
  if (std::holds_alternative<BeginResync>(action)) {
    memory->retries.clear();
    memory->table_retries.clear();
  } else if (std::holds_alternative<DeclareTables>(action)) {
    // They are well when they are made.
  } else if (const auto* made = std::get_if<MakeTables>(&action)) {
    // One that was set apart keeps count until it is well.
    for (const auto& source : made->sources)
      if (const auto* known = find_table(pipe.status, source); !known || known->message.empty())
        memory->table_retries.erase(source);
  } else if (!std::holds_alternative<StartLoad>(action) && !std::holds_alternative<StartStream>(action) &&
             !std::holds_alternative<StopRuns>(action) && !std::holds_alternative<Probe>(action)) {
    memory->retries.erase(concern_of(action));
  }
}

Result<Millis> PipeReconciler::reconcile(Pipe pipe) {
  const auto uid = pipe.uid;
  for (int reads = 0;; ++reads) {
    auto done = pass(pipe);
    if (done || done.error().reason != "Conflict") return done;
    log::debug("pipe", "{}/{}: {}", pipe.ns, pipe.name, done.error().text());
    if (reads == kReadsPerPass) return kAMoment;
    PENSTOCK_ASSIGN(auto stored, api_.read(pipe.ns, pipe.name));
    if (!stored || stored->uid != uid) return Millis{0};  // gone, or another, of which we are told
    pipe = *std::move(stored);
  }
}

Result<Millis> PipeReconciler::pass(Pipe pipe) {
  PENSTOCK_ASSIGN(const auto wait, mend(pipe));
  if (wait.count() > 0) return wait;
  if (!pipe.status.worker.empty() && pipe.status.worker != worker_) return Millis{0};
  dataplane_.tune(pipe);
  int refusals = 0;
  const auto begun = clock_.steady();
  for (int step = 0; step < kStepsPerPass; ++step) {
    Credentials credentials;
    View view = observe(pipe, credentials);
    view.refusals = refusals;
    view.pipe.status = absorb(view.pipe, view.run);
    const auto ended = note_runs(pipe, view);
    if (!pipe.status.state) view.pipe.status = first_status(view.pipe);
    Decision decision = plan(view);
    PENSTOCK_TRY(record(pipe, with_decision(pipe, view.pipe.status, decision, view.wall), decision));
    view.pipe = pipe;
    forget_ended(view, ended);
    if (const auto* rest = std::get_if<Rest>(&decision.action)) return rest->again;
    auto learnt = act(decision.action, view, credentials, api_, dataplane_);
    if (!learnt && learnt.error().kind == ErrorKind::Cancelled) return fail(learnt.error());
    if (std::holds_alternative<Probe>(decision.action)) note_probe(pipe, learnt);
    if (!learnt) {
      const bool of_the_api = std::holds_alternative<AddFinalizer>(decision.action) ||
                              std::holds_alternative<RemoveFinalizer>(decision.action);
      if (of_the_api || learnt.error().reason == "Conflict") return fail(learnt.error());
      note_failure(pipe, view, decision, learnt.error());
      const auto* sources = tables_of(decision.action);
      if (sources && sources->size() == 1) ++refusals;
      continue;
    }
    note_success(pipe, decision.action);
    if (std::holds_alternative<AddFinalizer>(decision.action) ||
        std::holds_alternative<Release>(decision.action) ||
        std::holds_alternative<RemoveFinalizer>(decision.action))
      return Millis{0};  // the metadata changed: the next pass sees the new object
    if (*learnt) PENSTOCK_TRY(record(pipe, **std::move(learnt), decision));
    if (clock_.steady() - begun >= kPassTime) return kAgain;
  }
  ++passes_cut_short_;
  log::info("pipe", "{}/{}: {} steps in one pass and no end; going on in a second", pipe.ns, pipe.name,
            kStepsPerPass);
  return Millis{1000};
}

void PipeReconciler::forget(const std::string& uid) {
  dataplane_.forget(uid);
  const std::lock_guard lock(mutex_);
  memories_.erase(uid);
}

}  // namespace penstock::reconcile
