#include <fmt/format.h>

#include <algorithm>

#include "core/error_policy.hpp"
#include "core/listing.hpp"
#include "reconcilers/pipe/rules.hpp"
#include "reconcilers/pipe/tables.hpp"

namespace penstock::reconcile {
namespace {

/// What is said of a stream that does not run yet: that it failed, until it is connected. Once what failed
/// was changed, nobody has to mend it any more: it is being tried.
std::optional<Error> doubt_of_the_stream(const View& view) {
  const auto* retry = view.retry(Concern::Pipe);
  if (!retry || view.run.stream.connected) return std::nullopt;
  auto out = retry->error;
  if (!standing_fault(view, Concern::Pipe)) out.kind = ErrorKind::Transient;
  return out;
}

/// Tables whose rows may differ from the source's.
std::optional<Error> doubt_of_rows(const View& view) {
  const auto differs = tables_that_differ(view.pipe.status);
  if (differs.empty()) return std::nullopt;
  return Error{ErrorKind::BadData, "SourceDiffers", "rows may differ from the source's: " + differs,
               "Raise resyncGeneration of the table, or set onDifference: Resync for it"};
}

/// Tables that are set apart, and tables that could not be added.
std::optional<Error> failed_tables(const View& view) {
  std::vector<std::string> messages;
  bool stalls = false;
  for (const auto& table : view.pipe.status.tables) {
    if (table.message.empty()) continue;
    messages.push_back(table.source + ": " + table.message);
    stalls = true;
  }
  for (const auto& table : view.pipe.spec.tables) {
    const auto retry = view.table_retries.find(table.source);
    const auto* known = find_table(view.pipe.status, table.source);
    if (retry == view.table_retries.end() || (known && !known->message.empty())) continue;
    messages.push_back(table.source + ": " + retry->second.error.text());
    stalls = stalls || policy(retry->second.error.kind).stalls;
  }
  if (messages.empty()) return std::nullopt;
  return Error{stalls ? ErrorKind::BadData : ErrorKind::Transient, "TablesFailed",
               first_few_of("tables", messages, "; "), ""};
}

}  // namespace

bool streams(const PipeSpec& spec) {
  return spec.mode != Mode::SnapshotOnly;
}
bool loads(const PipeSpec& spec) {
  return spec.mode != Mode::CdcOnly;
}

bool has_a_place(const Pipe& pipe) {
  const auto& status = pipe.status;
  if (!streams(pipe.spec)) return false;
  return status.replication.owns_slot ? !status.replication.start_lsn.empty() : status.source.has_value();
}

bool is_looked_at(const View& view) {
  return has_a_place(view.pipe) || view.run.load.active();
}

bool left_to_load(const TableStatus& table) {
  return !table.making && (table.state == TableState::Pending || table.state == TableState::Loading);
}

bool any_left_to_load(const Pipe& pipe) {
  const auto& tables = pipe.status.tables;
  return loads(pipe.spec) && std::any_of(tables.begin(), tables.end(), left_to_load);
}

bool ready_to_swap(const Pipe& pipe, const TableStatus& table) {
  return table.staged && table.state == TableState::CatchingUp && (!table.load || !streams(pipe.spec));
}

bool resync_wanted(const Pipe& pipe) {
  const auto& status = pipe.status;
  const auto wanted = pipe.spec.resync_generation;
  return status.source && wanted > status.observed_resync_generation &&
         (!status.resync || wanted > status.resync->target_generation);
}

Millis time_left(const View& view, const Retry& retry) {
  if (retry.next <= view.now) return kLoadProgressEvery;
  if (retry.next - view.now > kLongestWait) return kLongestWait;  // for ever is more than a timer can hold
  return std::chrono::ceil<Millis>(retry.next - view.now);
}

std::optional<Error> standing_fault(const View& view, Concern concern) {
  const auto* retry = view.retry(concern);
  const bool changed = retry && (retry->generation != view.pipe.generation ||
                                 (view.fingerprint.known() && retry->fingerprint != view.fingerprint.load));
  return retry && !changed ? std::optional(retry->error) : std::nullopt;
}

const Retry* terminal_failure(const View& view) {
  for (const auto& [concern, retry] : view.retries)
    if (concern != Concern::Resync && policy(retry.error.kind).fails_the_pipe && !may_try(view, retry))
      return &retry;
  return nullptr;
}

const TableFacts* facts_of(const RunFacts& run, const TableStatus& table) {
  const auto at = std::find_if(run.tables.begin(), run.tables.end(), [&](const TableFacts& facts) {
    return facts.source == table.source && facts.load_generation == table.load_generation;
  });
  return at == run.tables.end() ? nullptr : &*at;
}

Decision waiting(const View& view, PipeState state, const Error& error, Concern concern, const char* rule) {
  Decision out{state, error.text(), error, Rest{}, rule};
  const auto* retry = view.retry(concern);
  const auto left = retry ? time_left(view, *retry) : kLoadProgressEvery;
  out.action = Rest{policy(error.kind).probes_credentials ? std::min(left, Millis(2000)) : left};
  return out;
}

Decision step(const View& view, PipeState state, std::string message, Action action, const char* rule) {
  const auto concern = concern_of(action);
  if (view.credentials_missing) return waiting(view, state, *view.credentials_missing, concern, rule);
  if (!may_try(view, concern)) return waiting(view, state, view.retry(concern)->error, concern, rule);
  auto fault = standing_fault(view, concern);
  if (fault) message = fault->text();
  return {state, std::move(message), std::move(fault), std::move(action), rule};
}

Decision aside(const View& view, Action action, const char* rule) {
  Decision out{view.pipe.status.state.value_or(PipeState::Provisioning), view.pipe.status.message,
               std::nullopt, std::move(action), rule};
  out.aside = true;
  return out;
}

Decision stopping(const View& view, PipeState state, std::string message, StopRuns which, const char* rule) {
  const auto& load = view.run.load;
  const auto& stream = view.run.stream;
  which.load = which.load && load.there;
  which.stream = which.stream && stream.there;
  const bool waits = (!which.load || load.active()) && (!which.stream || stream.active());
  const bool asked = (!which.load || load.stopping) && (!which.stream || stream.stopping);
  return {state, std::move(message), std::nullopt, waits && asked ? Action(Rest{Millis(100)}) : Action(which),
          rule};
}

Decision with_doubt(const View& view, Decision decision) {
  const auto failed = failed_tables(view);
  if (!decision.fault && decision.state == PipeState::Running) decision.fault = doubt_of_the_stream(view);
  if (decision.fault && failed)  // what is waited for does not hide what has failed
    decision.fault->message += "; " + failed->message;
  if (!decision.fault) decision.fault = failed ? failed : doubt_of_rows(view);
  if (!decision.fault && is_looked_at(view)) decision.fault = view.unseen;
  if (decision.fault) decision.message = decision.fault->text();
  return decision;
}

}  // namespace penstock::reconcile
