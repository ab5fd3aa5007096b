#include "reconcilers/pipe/forecast.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "reconcilers/pipe/plan.hpp"
#include "reconcilers/pipe/record.hpp"
#include "reconcilers/pipe/rules.hpp"
#include "reconcilers/pipe/tables.hpp"

namespace penstock::reconcile {
namespace {

constexpr int kMostSteps = 500;
constexpr Lsn kFarEnough{1};

std::string stream_fingerprint(const PipeStatus& status) {
  std::string out = "stream";
  for (const auto& table : status.tables)
    if (table.state != TableState::Failed && !table.making)
      out += fmt::format(";{}/{}/{}", table.source, table.load_generation, table.staged);
  return out;
}

std::vector<std::string> sources_of(const PipeStatus& status) {
  std::vector<std::string> out;
  for (const auto& table : status.tables)
    out.push_back(table.source);
  return out;
}

/// A world in which every verb succeeds as soon as it is begun.
class World {
 public:
  World(const Pipe& pipe, WallTime now, const LiveLook& look) : look_(look) {
    view_.pipe = pipe;
    view_.wall = now;
    if (!pipe.status.state) view_.pipe.status = first_status(pipe);
    view_.pipe.has_finalizer = true;
    if (view_.pipe.status.worker.empty()) view_.pipe.status.worker = "any";
    const auto state = *view_.pipe.status.state;
    out_.states.push_back(state);
    const bool streams = state == PipeState::Running || state == PipeState::Modifying;
    if (streams && has_a_place(pipe)) start_stream();
  }

  Forecast run() {
    for (int step = 0; step < kMostSteps; ++step) {
      view_.fingerprint = {"load", stream_fingerprint(view_.pipe.status)};
      view_.pipe.status = absorb(view_.pipe, view_.run);
      const auto decision = plan(view_);
      if (!decision.aside) enter(decision.state);
      if (std::holds_alternative<Rest>(decision.action)) {
        out_.settles = true;
        break;
      }
      std::visit(*this, decision.action);
    }
    return std::move(out_);
  }

  void operator()(const Rest&) {}
  void operator()(const AddFinalizer&) {}
  void operator()(const Probe&) {}
  void operator()(const Release&) { view_.pipe.has_finalizer = false; }
  void operator()(const RemoveFinalizer&) { view_.pipe.has_finalizer = false; }

  void operator()(const SetUp&) {
    Pipe pipe = view_.pipe;
    pipe.status = with_declared_tables(view_.pipe);
    if (const auto facts = set_up(pipe, sources_of(pipe.status), Concern::Pipe)) {
      if (!out_.resync) note_loads(pipe, *facts, Forecast::Effect::Load);
      view_.pipe.status = with_tables_made(pipe.status, *facts);
    }
  }
  void operator()(const DeclareTables& verb) {
    Pipe pipe = view_.pipe;
    pipe.status = with_tables_to_load(view_.pipe, verb.sources);
    const auto free = check_targets_are_free(view_.pipe.status, pipe.status);
    const auto facts = free ? look(pipe, verb.sources) : fail(free.error());
    if (!facts) {
      for (const auto& source : verb.sources)
        view_.table_retries[source] = never_again(facts.error(), verb.sources.size() > 1);
      if (verb.sources.size() == 1) out_.refusals.push_back({verb.sources, facts.error()});
      return;
    }
    for (const auto& table : facts->tables)
      note_load(
          pipe, table,
          find_table(view_.pipe.status, table.source) ? Forecast::Effect::LoadAnew : Forecast::Effect::Load);
    view_.pipe.status = std::move(pipe.status);
  }
  void operator()(const MakeTables& verb) {
    const auto facts = look(view_.pipe, verb.sources);
    if (!facts) {
      for (const auto& source : verb.sources)
        view_.table_retries[source] = never_again(facts.error());
      out_.refusals.push_back({verb.sources, facts.error()});
      return;
    }
    for (const auto& table : facts->tables)
      if (!is_told(table.source))  // it was declared before
        note_load(view_.pipe, table, table.staged ? Forecast::Effect::LoadAnew : Forecast::Effect::Load);
    view_.pipe.status = with_tables_made(view_.pipe.status, *facts);
  }
  void operator()(const RemoveTables& verb) {
    for (const auto& source : verb.sources)
      out_.tables.push_back(
          {source, find_table(view_.pipe.status, source)->target, Forecast::Effect::Remove, false, 0});
    view_.pipe.status = without_tables(view_.pipe, verb.sources);
  }
  void operator()(const BeginResync&) {
    Pipe pipe = view_.pipe;
    pipe.status = with_resync_begun(view_.pipe, view_.wall);
    Pipe later = pipe;
    later.status = with_tables_of_resync(pipe);
    const auto facts = set_up(later, sources_of(later.status), Concern::Resync);
    if (!facts) return;
    out_.resync = true;
    note_loads(later, *facts, Forecast::Effect::LoadAnew);
    view_.pipe.status = std::move(pipe.status);
    view_.retries.clear();
  }
  void operator()(const TakeDownFormer&) {
    view_.pipe.status = with_tables_of_resync(view_.pipe);
    view_.pipe.status.resync->step = ResyncStep::MakeTables;
  }
  void operator()(const CreateSlot&) { view_.pipe.status.replication.start_lsn = kFarEnough.text(); }
  void operator()(const StartLoad&) {
    view_.run.load = {};
    view_.run.load.there = view_.run.load.ended = true;
    view_.run.load.fingerprint = "load";
    for (const auto& table : view_.pipe.status.tables) {
      TableFacts facts;
      facts.source = table.source;
      facts.load_generation = table.load_generation;
      facts.load.layout = "whole";
      facts.load_finished = true;
      view_.run.load.tables.push_back(std::move(facts));
    }
  }
  void operator()(const StartStream&) { start_stream(); }
  void operator()(const StopRuns& verb) {
    if (verb.load) view_.run.load = {};
    if (verb.stream) view_.run.stream = {};
  }
  void operator()(const SwapTables& verb) {
    view_.pipe.status = with_tables_swapped(view_.pipe, verb.tables);
  }

 private:
  void start_stream() {
    auto& stream = view_.run.stream;
    stream = {};
    stream.there = stream.connected = true;
    stream.confirmed = kFarEnough;
    stream.fingerprint = stream_fingerprint(view_.pipe.status);
    for (const auto& table : view_.pipe.status.tables) {
      TableFacts facts;
      facts.source = table.source;
      facts.load_generation = table.load_generation;
      facts.rows_streamed = table.rows_streamed;
      stream.tables.push_back(std::move(facts));
    }
  }

  void enter(PipeState state) {
    view_.pipe.status.state = state;
    if (out_.states.back() != state) out_.states.push_back(state);
  }

  [[nodiscard]] Retry never_again(const Error& error, bool alone_once_more = false) const {
    return {1, error, alone_once_more ? view_.now : SteadyTime::max(), view_.pipe.generation,
            view_.fingerprint.load};
  }

  [[nodiscard]] Result<SetupFacts> look(const Pipe& pipe, const std::vector<std::string>& sources) const {
    if (look_) return look_(pipe, sources);
    SetupFacts out;
    out.source = pipe.status.source.value_or(SourceIdentity{"any", 1, pipe.spec.source.database});
    for (const auto& source : sources) {
      const auto* table = find_table(pipe.status, source);
      out.tables.push_back(
          {source, table->rows_estimated, std::max<std::int64_t>(table->load_generation, 1), table->staged});
    }
    return out;
  }

  /// A refusal ends what it is about: there is no waiting here.
  Result<SetupFacts> set_up(const Pipe& pipe, const std::vector<std::string>& sources, Concern concern) {
    auto facts = look(pipe, sources);
    if (!facts) {
      out_.refusals.push_back({{}, facts.error()});
      view_.retries[concern] = never_again(facts.error());
    }
    return facts;
  }

  [[nodiscard]] bool is_told(const std::string& source) const {
    return std::any_of(out_.tables.begin(), out_.tables.end(), [&](const auto& table) {
      return table.source == source && table.effect != Forecast::Effect::Remove;
    });
  }
  void note_load(const Pipe& pipe, const SetupFacts::Table& table, Forecast::Effect effect) {
    const auto* entry = find_table(pipe.status, table.source);
    out_.tables.push_back({table.source, entry->target, effect, table.staged, table.rows_estimated,
                           table.lost, table.published});
  }
  void note_loads(const Pipe& pipe, const SetupFacts& facts, Forecast::Effect effect) {
    if (pipe.spec.mode == Mode::CdcOnly) return;
    for (const auto& table : facts.tables)
      note_load(pipe, table, effect);
  }

  const LiveLook& look_;
  View view_;
  Forecast out_;
};

}  // namespace

Forecast forecast(const Pipe& pipe, WallTime now, const LiveLook& look) {
  return World(pipe, now, look).run();
}

}  // namespace penstock::reconcile
