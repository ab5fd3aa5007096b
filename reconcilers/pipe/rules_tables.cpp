// Tables that come and go, resyncs, and the swap.

#include <fmt/format.h>

#include <algorithm>

#include "core/listing.hpp"
#include "reconcilers/pipe/rules.hpp"
#include "reconcilers/pipe/tables.hpp"

namespace penstock::reconcile {
namespace {

const TableSpec* in_spec(const Pipe& pipe, const std::string& source) {
  const auto at = std::find_if(pipe.spec.tables.begin(), pipe.spec.tables.end(),
                               [&](const TableSpec& table) { return table.source == source; });
  return at == pipe.spec.tables.end() ? nullptr : &*at;
}

/// Of tables, in one pass: the pipe's life goes on though some hundred are refused.
constexpr int kRefusalsPerPass = 3;

bool failed(const View& view) {
  return view.pipe.status.state == PipeState::Failed;
}

/// Those of `wanted` that may be tried now: all that never failed together, then each that did by itself, so
/// that one that cannot be prepared does not hold up the others.
std::vector<std::string> next_to_prepare(const View& view, const std::vector<std::string>& wanted) {
  std::vector<std::string> untried;
  for (const auto& source : wanted)
    if (!view.table_retries.contains(source)) untried.push_back(source);
  if (!untried.empty() || view.refusals >= kRefusalsPerPass) return untried;
  for (const auto& source : wanted)
    if (may_try(view, view.table_retries.at(source))) return {source};
  return {};
}

/// A load that has not begun tells of no tables yet.
bool may_be_in_the_load(const View& view, const std::string& source) {
  const auto& load = view.run.load;
  if (!load.there || !find_table(view.pipe.status, source)) return false;
  return load.tables.empty() || std::any_of(load.tables.begin(), load.tables.end(),
                                            [&](const auto& facts) { return facts.source == source; });
}

bool is_streamed(const View& view, const std::string& source) {
  const auto& tables = view.run.stream.tables;
  return view.run.stream.there &&
         std::any_of(tables.begin(), tables.end(), [&](const auto& facts) { return facts.source == source; });
}

/// Set apart by the load that is under way, which has let go of it. The stream does not wait for its
/// snapshot.
bool has_left_the_load(const View& view, const std::string& source) {
  const auto& tables = view.run.load.tables;
  const bool replaces = in_spec(view.pipe, source)->engine == TableEngine::ReplacingMergeTree;
  if (streams(view.pipe.spec) && !replaces) return false;
  return std::any_of(tables.begin(), tables.end(),
                     [&](const auto& facts) { return facts.source == source && facts.error; });
}

/// Whether the load, stopped now, would begin some table again from its first row: one that is read at one
/// snapshot, without a stream or into a log of changes.
bool stopping_costs_a_load(const View& view) {
  const auto& tables = view.pipe.status.tables;
  return std::any_of(tables.begin(), tables.end(), [&](const TableStatus& table) {
    const bool replaces = !table.settings || table.settings->engine == TableEngine::ReplacingMergeTree;
    return left_to_load(table) && !(streams(view.pipe.spec) && replaces);
  });
}

/// The stream of all waits for the snapshot of a table that keeps every change: such a table does not join
/// while a load that goes on without it would keep everyone waiting.
bool would_hold_up_the_stream(const View& view, const std::string& source) {
  const auto* spec = in_spec(view.pipe, source);
  return view.run.load.active() && !may_be_in_the_load(view, source) && streams(view.pipe.spec) && spec &&
         spec->engine != TableEngine::ReplacingMergeTree;
}

/// Those of `wanted` that are to be declared, or made, now.
std::vector<std::string> due(const View& view, std::vector<std::string> wanted) {
  if (view.credentials_missing) return {};
  std::erase_if(wanted, [&](const auto& source) { return would_hold_up_the_stream(view, source); });
  return wanted.empty() ? wanted : next_to_prepare(view, wanted);
}

bool tables_may_change(const View& view) {
  return !view.pipe.status.resync && !view.pipe.spec.paused;
}

Verdict declare(const View& view, std::vector<std::string> sources, const char* rule) {
  if (sources.empty()) return std::nullopt;
  return aside(view, DeclareTables{std::move(sources)}, rule);
}

/// Its `_resync` table goes when it gets another target.
bool leaves_staging(const View& view, const std::string& source) {
  const auto* known = find_table(view.pipe.status, source);
  return known && known->staged && known->target != target_of(*in_spec(view.pipe, source));
}

/// It is on its way and was refused with this spec already: what runs is not stopped for it again. One that
/// is set apart goes no way of its own.
bool was_refused(const View& view, const std::string& source) {
  const auto retry = view.table_retries.find(source);
  return retry != view.table_retries.end() && retry->second.generation == view.pipe.generation &&
         find_table(view.pipe.status, source)->state != TableState::Failed;
}

/// That was asked for, or it is not made yet and is to become another one; or the table is set apart and what
/// failed may be cured: its settings were changed, or it is time to see.
bool to_be_loaded_anew(const View& view, const TableStatus& table, const TableSpec& spec) {
  if (anew_is_asked_for(table, spec)) return true;
  if (table.making) return table.target != target_of(spec) || table.settings != settings_of(spec);
  if (table.state != TableState::Failed) return false;
  if (table.settings != settings_of(spec)) return true;
  const auto retry = view.table_retries.find(table.source);
  return retry == view.table_retries.end() || may_try(view, retry->second);
}

std::vector<SwapWish> swaps(const Pipe& pipe) {
  std::vector<SwapWish> out;
  for (const auto& table : pipe.status.tables)
    if (ready_to_swap(pipe, table)) out.push_back({table.source, table.target, table.load_generation});
  return out;
}

Decision swap(const View& view, const char* rule) {
  const auto& load = view.run.load;
  const auto& stream = view.run.stream;
  const StopRuns which{view.pipe.status.resync && load.there, stream.there};
  auto wishes = swaps(view.pipe);
  const auto message = fmt::format("Exchanging {} table{} with what was loaded anew", wishes.size(),
                                   wishes.size() == 1 ? "" : "s");
  if (which.load || which.stream) return stopping(view, PipeState::Resync, message, which, rule);
  return step(view, PipeState::Resync, message, SwapTables{std::move(wishes)}, rule);
}

}  // namespace

/// Some of the tables may have been exchanged already: nothing else comes first.
Verdict finish_a_swap_begun(const View& view) {
  const auto& status = view.pipe.status;
  const bool another_began = status.resync && status.resync->step != ResyncStep::Load;
  if (status.state != PipeState::Resync || another_began || swaps(view.pipe).empty() ||
      terminal_failure(view))
    return std::nullopt;
  return swap(view, "finish_a_swap_begun");
}

Verdict take_out_removed_tables(const View& view) {
  const char* rule = "take_out_removed_tables";
  const auto& pipe = view.pipe;
  const bool anew = resync_wanted(pipe);
  const bool rests = (pipe.spec.paused && !pipe.status.resync) || failed(view) || terminal_failure(view);
  if (!pipe.status.source || (rests && !anew)) return std::nullopt;
  RemoveTables verb{{}, !anew};
  for (const auto& table : pipe.status.tables)
    if (table.leaving || !in_spec(pipe, table.source)) verb.sources.push_back(table.source);
  if (verb.sources.empty()) return std::nullopt;
  const auto message = fmt::format("Taking {} out", first_few(verb.sources));
  if (view.run.load.there || view.run.stream.there)
    return stopping(view, PipeState::Modifying, message, {}, rule);
  return step(view, PipeState::Modifying, message, std::move(verb), rule);
}

/// Validated first, with nothing touched: where that fails the pipe goes on as it was.
Verdict begin_a_resync(const View& view) {
  if (!resync_wanted(view.pipe) || view.credentials_missing || !may_try(view, Concern::Resync))
    return std::nullopt;
  return aside(view, BeginResync{}, "begin_a_resync");
}

Verdict make_way_for_the_resync(const View& view) {
  const char* rule = "make_way_for_the_resync";
  const auto& resync = view.pipe.status.resync;
  if (!resync || resync->step == ResyncStep::Load) return std::nullopt;
  if (view.run.load.there || view.run.stream.there)
    return stopping(view, PipeState::Setup, "Resync: stopping the former stream", {}, rule);
  if (resync->step == ResyncStep::TakeDown)
    return step(view, PipeState::Setup, "Resync: taking down the former slot and publication",
                TakeDownFormer{}, rule);
  return step(view, PipeState::Setup, "Resync: reading the source's tables anew, creating tables", SetUp{},
              rule);
}

Verdict declare_new_tables(const View& view) {
  if (!tables_may_change(view)) return std::nullopt;
  std::vector<std::string> wanted;
  for (const auto& table : view.pipe.spec.tables)
    if (!find_table(view.pipe.status, table.source)) wanted.push_back(table.source);
  return declare(view, due(view, std::move(wanted)), "declare_new_tables");
}

Verdict declare_tables_anew(const View& view) {
  const char* rule = "declare_tables_anew";
  if (!tables_may_change(view)) return std::nullopt;
  std::vector<std::string> wanted;
  for (const auto& table : view.pipe.status.tables) {
    if (!loads(view.pipe.spec) && !table.making) continue;
    if (const auto* spec = in_spec(view.pipe, table.source); spec && to_be_loaded_anew(view, table, *spec))
      wanted.push_back(table.source);
  }
  wanted = due(view, std::move(wanted));
  if (view.run.any_active())
    std::erase_if(wanted, [&](const auto& source) {
      return leaves_staging(view, source) && was_refused(view, source);
    });
  const bool drops = std::any_of(wanted.begin(), wanted.end(),
                                 [&](const auto& source) { return leaves_staging(view, source); });
  if (drops && (view.run.load.there || view.run.stream.there))
    return stopping(view, PipeState::Snapshot, "Beginning a load again", {}, rule);
  return declare(view, std::move(wanted), rule);
}

/// What was declared is made before anything else: a crash in between has left no more than the status tells.
Verdict make_declared_tables(const View& view) {
  const char* rule = "make_declared_tables";
  if (!tables_may_change(view)) return std::nullopt;
  std::vector<std::string> declared;
  for (const auto& table : view.pipe.status.tables)
    if (table.making && in_spec(view.pipe, table.source)) declared.push_back(table.source);
  declared = due(view, std::move(declared));
  if (declared.empty()) return std::nullopt;
  const bool dear = stopping_costs_a_load(view);
  const bool being_loaded = std::any_of(declared.begin(), declared.end(), [&](const auto& source) {
    return may_be_in_the_load(view, source) && !(dear && has_left_the_load(view, source));
  });
  if (being_loaded) return stopping(view, PipeState::Snapshot, "Beginning a load again", {true, false}, rule);
  // A stream that still writes to the table which has its name by now would leave a gap behind its rows.
  const bool replaced = std::any_of(declared.begin(), declared.end(), [&](const auto& source) {
    return find_table(view.pipe.status, source)->staged && is_streamed(view, source);
  });
  if (replaced)
    return stopping(view, PipeState::Snapshot, fmt::format("Making {} anew", first_few(declared)),
                    {false, true}, rule);
  // No load brings what a stream that goes on without them, and tells the source so, would miss.
  if (!loads(view.pipe.spec) && view.run.stream.there)
    return stopping(view, PipeState::Running, "Taking tables in", {false, true}, rule);
  return aside(view, MakeTables{std::move(declared)}, rule);
}

Verdict swap_what_is_loaded(const View& view) {
  const char* rule = "swap_what_is_loaded";
  const auto& status = view.pipe.status;
  if (status.resync && any_left_to_load(view.pipe)) return std::nullopt;
  const bool all_ready = std::all_of(status.tables.begin(), status.tables.end(), [&](const auto& table) {
    return !table.staged || table.state == TableState::Failed || ready_to_swap(view.pipe, table);
  });
  if (status.resync ? !all_ready : swaps(view.pipe).empty()) return std::nullopt;
  return swap(view, rule);
}

}  // namespace penstock::reconcile
