// Loading and streaming.

#include <fmt/format.h>

#include <algorithm>

#include "reconcilers/pipe/rules.hpp"

namespace penstock::reconcile {
namespace {

bool keeps_every_change(const TableStatus& table) {
  return table.settings && table.settings->engine != TableEngine::ReplacingMergeTree;
}

/// Some tables stream, or are set apart while the others did: the stream must go on.
bool others_stream(const Pipe& pipe) {
  const auto& tables = pipe.status.tables;
  return streams(pipe.spec) && !pipe.status.resync &&
         std::any_of(tables.begin(), tables.end(), [](const TableStatus& table) {
           return table.state == TableState::Streaming || table.state == TableState::Failed;
         });
}

std::string loading_text(const Pipe& pipe) {
  std::string names;
  int count = 0;
  for (const auto& table : pipe.status.tables) {
    if (!left_to_load(table)) continue;
    if (++count <= 3) names += (count == 1 ? "" : ", ") + table.source;
  }
  return count > 3 ? fmt::format("Loading {} and {} more", names, count - 3) : "Loading " + names;
}

Decision loading(const View& view, const char* rule) {
  Decision out{PipeState::Snapshot, loading_text(view.pipe), view.run.load.retrying, Rest{kLoadProgressEvery},
               rule};
  // Until it tells of its tables it has not begun, and what was said of its failure stands.
  if (!out.fault && view.run.load.tables.empty()) out.fault = standing_fault(view, Concern::Load);
  if (out.fault) out.message = out.fault->text();
  return with_doubt(view, std::move(out));
}

Decision start_load(const View& view, const char* rule) {
  return step(view, PipeState::Snapshot, loading_text(view.pipe), StartLoad{}, rule);
}

/// A log of changes takes those that its load's snapshot did not see, and no others: the stream may pass that
/// snapshot only when it is known. True while it is not.
bool snapshot_is_awaited(const View& view) {
  const auto& tables = view.pipe.status.tables;
  return std::any_of(tables.begin(), tables.end(), [&](const TableStatus& table) {
    if (!left_to_load(table) || !keeps_every_change(table)) return false;
    const auto* facts = facts_of(view.run.load, table);
    return !view.run.load.active() || !facts || facts->load.snapshot_lsn.empty();
  });
}

}  // namespace

Verdict load_beside_the_stream(const View& view) {
  const char* rule = "load_beside_the_stream";
  const auto& load = view.run.load;
  const auto& stream = view.run.stream;
  if (!any_left_to_load(view.pipe) || !others_stream(view.pipe)) return std::nullopt;
  if (snapshot_is_awaited(view)) {
    if (stream.there)
      return stopping(view, PipeState::Snapshot, loading_text(view.pipe), {false, true}, rule);
    if (!load.active()) return start_load(view, rule);
    auto out = loading(view, rule);
    out.action = Rest{Millis(100)};
    return out;
  }
  if (!stream.active()) return step(view, PipeState::Snapshot, loading_text(view.pipe), StartStream{}, rule);
  if (!load.active()) return start_load(view, rule);
  return loading(view, rule);
}

Verdict load_what_is_left(const View& view) {
  const char* rule = "load_what_is_left";
  if (!any_left_to_load(view.pipe)) return std::nullopt;
  return view.run.load.active() ? loading(view, rule) : start_load(view, rule);
}

Verdict complete_a_load_without_a_stream(const View& view) {
  const char* rule = "complete_a_load_without_a_stream";
  const char* message = "Every table is loaded";
  if (phase_of(view.pipe) != PipeState::Completed) return std::nullopt;
  if (view.run.load.there)
    return with_doubt(view, stopping(view, PipeState::Completed, message, {true, false}, rule));
  return with_doubt(view, {PipeState::Completed, message, std::nullopt, Rest{}, rule});
}

Verdict keep_streaming(const View& view) {
  const char* rule = "keep_streaming";
  const auto& stream = view.run.stream;
  const auto& tables = view.pipe.status.tables;
  const bool to_be_swapped = std::any_of(
      tables.begin(), tables.end(), [](const TableStatus& table) { return table.staged && !table.making; });
  const auto state = to_be_swapped ? PipeState::Snapshot : PipeState::Running;
  const char* message = to_be_swapped ? "Catching up with the source before the swap" : "Replicating";
  if (view.run.load.there && !view.run.load.active())
    return with_doubt(view, stopping(view, state, message, {true, false}, rule));
  if (!stream.active()) return with_doubt(view, step(view, state, message, StartStream{}, rule));
  Decision out{state, message, stream.retrying, Rest{kStreamProgressEvery}, rule};
  if (out.fault) out.message = out.fault->text();
  if (!stream.connected || to_be_swapped) out.action = Rest{Millis(200)};
  return with_doubt(view, std::move(out));
}

}  // namespace penstock::reconcile
