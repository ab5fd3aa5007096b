#include "reconcilers/pipe/act.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/listing.hpp"
#include "core/log.hpp"
#include "reconcilers/pipe/tables.hpp"

namespace penstock::reconcile {
namespace {

std::vector<std::string> sources_of(const PipeStatus& status) {
  std::vector<std::string> out;
  for (const auto& table : status.tables)
    out.push_back(table.source);
  return out;
}

/// One overload for each verb.
struct Executor {
  const View& view;
  const Credentials& credentials;
  PipeApi& api;
  Dataplane& dataplane;

  static Learnt only(const Status& done) {
    if (!done) return fail(done.error());
    return std::nullopt;
  }
  [[nodiscard]] Pipe with(PipeStatus status) const {
    Pipe out = view.pipe;
    out.status = std::move(status);
    return out;
  }

  /// Of targets that tables had before; `unwritten`: nothing writes to those any more.
  [[nodiscard]] Status drop_abandoned(const PipeStatus& after, bool unwritten) const {
    ReleaseWish wish;
    wish.staging = abandoned_staging(view.pipe.status, after);
    if (unwritten)
      for (const auto& target : wish.staging)
        if (std::none_of(after.tables.begin(), after.tables.end(),
                         [&](const TableStatus& table) { return table.target == target; }))
          wish.give_back.push_back(target);
    return wish.staging.empty() ? Status{} : dataplane.release(view.pipe, credentials, wish);
  }

  /// Targets that are made anew do not have what somebody added to the present ones.
  void tell_what_will_be_lost(const SetupFacts& facts) const {
    std::vector<std::string> all;
    for (const auto& table : facts.tables)
      if (!table.lost.empty())
        all.push_back(fmt::format("{}: {}", table.source, fmt::join(table.lost, ", ")));
    if (!all.empty())
      api.event(
          view.pipe, true, "AdditionsLost",
          fmt::format("the tables that will take the targets' places do not have: {}. Add it again after "
                      "the exchange",
                      first_few_of("tables", all, "; ")));
  }

  Learnt operator()(const Rest&) const { return std::nullopt; }
  Learnt operator()(const AddFinalizer&) const { return only(api.add_finalizer(view.pipe)); }

  Learnt operator()(const SetUp& verb) const {
    PENSTOCK_TRY(api.confirm_unchanged(view.pipe));
    const Pipe pipe = with(with_declared_tables(view.pipe));
    PENSTOCK_ASSIGN(const auto facts, dataplane.set_up(pipe, credentials, {tables_to_make(pipe), verb.make}));
    if (!verb.make) return pipe.status;
    if (!facts.complete) return with_tables_made(pipe.status, facts);
    // A status that was lost may have known of another slot than ours is to be.
    PENSTOCK_TRY(dataplane.take_down_former(pipe, credentials));
    return with_tables_made(pipe.status, facts);
  }

  Learnt operator()(const DeclareTables& verb) const {
    // On a stale view a table that is being filled would be made anew.
    PENSTOCK_TRY(api.confirm_unchanged(view.pipe));
    const Pipe pipe = with(with_tables_to_load(view.pipe, verb.sources));
    PENSTOCK_TRY(check_targets_are_free(view.pipe.status, pipe.status));
    PENSTOCK_ASSIGN(const auto facts, dataplane.set_up(pipe, credentials, {verb.sources, false}));
    PENSTOCK_TRY(drop_abandoned(pipe.status, false));
    tell_what_will_be_lost(facts);
    return pipe.status;
  }

  Learnt operator()(const MakeTables& verb) const {
    PENSTOCK_TRY(api.confirm_unchanged(view.pipe));
    PENSTOCK_ASSIGN(const auto facts, dataplane.set_up(view.pipe, credentials, {verb.sources, true}));
    if (view.pipe.status.replication.owns_publication)
      PENSTOCK_TRY(dataplane.ensure_publication(view.pipe, credentials));
    return with_tables_made(view.pipe.status, facts);
  }

  Learnt operator()(const RemoveTables& verb) const {
    PENSTOCK_TRY(api.confirm_unchanged(view.pipe));
    const auto status = without_tables(view.pipe, verb.sources);
    if (verb.publication && status.replication.owns_publication)
      PENSTOCK_TRY(dataplane.ensure_publication(with(status), credentials));
    ReleaseWish wish;
    for (const auto& table : view.pipe.status.tables) {
      if (std::find(verb.sources.begin(), verb.sources.end(), table.source) == verb.sources.end()) continue;
      wish.staging.push_back(table.target);
      const bool goes = view.pipe.spec.deletion_policy == DeletionPolicy::Delete;
      (goes ? wish.targets : wish.give_back).push_back(table.target);
    }
    PENSTOCK_TRY(dataplane.release(view.pipe, credentials, wish));
    return status;
  }

  Learnt operator()(const BeginResync&) const {
    const Pipe pipe = with(with_resync_begun(view.pipe, view.wall));
    const Pipe later = with(with_tables_of_resync(pipe));
    PENSTOCK_ASSIGN(const auto facts,
                    dataplane.set_up(later, credentials, {sources_of(later.status), false}));
    tell_what_will_be_lost(facts);
    if (pipe.spec.mode == Mode::CdcOnly)
      api.event(
          view.pipe, true, "ChangesMissing",
          fmt::format("a CDCOnly pipe has no load: changes between {} and the new slot do not reach the "
                      "targets",
                      view.pipe.status.replication.confirmed_lsn));
    return pipe.status;
  }

  Learnt operator()(const TakeDownFormer&) const {
    PENSTOCK_TRY(api.confirm_unchanged(view.pipe));
    PENSTOCK_TRY(dataplane.take_down_former(view.pipe, credentials));
    PipeStatus out = with_tables_of_resync(view.pipe);
    PENSTOCK_TRY(drop_abandoned(out, true));
    if (out.resync) out.resync->step = ResyncStep::MakeTables;
    return out;
  }

  Learnt operator()(const CreateSlot&) const {
    // A stale view might not know of a slot that is in use: the API server confirms what we saw before we
    // drop one.
    PENSTOCK_TRY(api.confirm_unchanged(view.pipe));
    if (view.pipe.status.replication.owns_publication)
      PENSTOCK_TRY(dataplane.ensure_publication(view.pipe, credentials));
    PENSTOCK_ASSIGN(const auto lsn, dataplane.create_slot(view.pipe, credentials));
    PipeStatus out = view.pipe.status;
    out.replication.start_lsn = lsn.text();
    return out;
  }

  Learnt operator()(const StartLoad&) const {
    PENSTOCK_TRY(api.confirm_unchanged(view.pipe));
    return only(dataplane.start_load(view.pipe, credentials));
  }
  Learnt operator()(const StartStream&) const {
    PENSTOCK_TRY(api.confirm_unchanged(view.pipe));
    return only(dataplane.start_stream(view.pipe, credentials));
  }
  Learnt operator()(const StopRuns& verb) const {
    if (verb.load) dataplane.stop_load(view.pipe);
    if (verb.stream) dataplane.stop_stream(view.pipe);
    return std::nullopt;
  }

  Learnt operator()(const SwapTables& verb) const {
    PENSTOCK_TRY(api.confirm_unchanged(view.pipe));
    PENSTOCK_ASSIGN(const auto facts, dataplane.swap(view.pipe, credentials, verb.tables));
    for (const auto& kept : facts.kept)
      api.event(view.pipe, false, "TableKept",
                fmt::format("a table that this Pipe did not make is kept: {}", kept));
    return with_tables_swapped(view.pipe, verb.tables);
  }

  Learnt operator()(const Probe&) const {
    PENSTOCK_ASSIGN(const auto facts, dataplane.probe(view.pipe, credentials));
    return facts ? Learnt(with_probe(view.pipe, *facts)) : std::nullopt;
  }

  Learnt operator()(const Release& verb) const {
    dataplane.forget(view.pipe.uid);
    PENSTOCK_TRY(dataplane.release(view.pipe, credentials, verb.wish));
    return only(api.remove_finalizer(view.pipe));
  }

  Learnt operator()(const RemoveFinalizer& verb) const {
    if (!verb.left_behind.empty()) {
      const auto text = fmt::format("deleted without taking everything down: {}", verb.left_behind);
      api.event(view.pipe, true, "ReleaseIncomplete", text);
      // The Event goes with its namespace.
      log::warn("pipe", "{}/{}: ReleaseIncomplete: {}", view.pipe.ns, view.pipe.name, text);
    }
    dataplane.forget(view.pipe.uid);
    return only(api.remove_finalizer(view.pipe));
  }
};

}  // namespace

Learnt act(const Action& action, const View& view, const Credentials& credentials, PipeApi& api,
           Dataplane& dataplane) {
  return std::visit(Executor{view, credentials, api, dataplane}, action);
}

const char* name_of(const Action& action) {
  struct Names {
    const char* operator()(const Rest&) const { return "Rest"; }
    const char* operator()(const AddFinalizer&) const { return "AddFinalizer"; }
    const char* operator()(const SetUp&) const { return "SetUp"; }
    const char* operator()(const DeclareTables&) const { return "DeclareTables"; }
    const char* operator()(const MakeTables&) const { return "MakeTables"; }
    const char* operator()(const RemoveTables&) const { return "RemoveTables"; }
    const char* operator()(const BeginResync&) const { return "BeginResync"; }
    const char* operator()(const TakeDownFormer&) const { return "TakeDownFormer"; }
    const char* operator()(const CreateSlot&) const { return "CreateSlot"; }
    const char* operator()(const StartLoad&) const { return "StartLoad"; }
    const char* operator()(const StartStream&) const { return "StartStream"; }
    const char* operator()(const StopRuns&) const { return "StopRuns"; }
    const char* operator()(const SwapTables&) const { return "SwapTables"; }
    const char* operator()(const Probe&) const { return "Probe"; }
    const char* operator()(const Release&) const { return "Release"; }
    const char* operator()(const RemoveFinalizer&) const { return "RemoveFinalizer"; }
  };
  return std::visit(Names{}, action);
}

Concern concern_of(const Action& action) {
  if (std::holds_alternative<StartLoad>(action)) return Concern::Load;
  if (std::holds_alternative<BeginResync>(action)) return Concern::Resync;
  if (std::holds_alternative<Release>(action)) return Concern::Release;
  if (std::holds_alternative<RemoveTables>(action)) return Concern::Removal;
  return Concern::Pipe;
}

}  // namespace penstock::reconcile
