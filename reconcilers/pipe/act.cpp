#include "reconcilers/pipe/act.hpp"

#include <fmt/format.h>

#include "reconcilers/pipe/record.hpp"

namespace penstock::reconcile {
namespace {

using Learnt = Result<std::optional<PipeStatus>>;

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

  Learnt operator()(const Rest&) const { return std::nullopt; }
  Learnt operator()(const AddFinalizer&) const { return only(api.add_finalizer(view.pipe)); }

  Learnt operator()(const SetUp&) const {
    PENSTOCK_ASSIGN(const auto facts, dataplane.set_up(view.pipe, credentials));
    return after_setup(view.pipe, facts);
  }

  Learnt operator()(const CreateSlot& verb) const {
    // A stale view might not know of a slot that is in use: the API server confirms what we saw before we
    // drop one.
    PENSTOCK_TRY(api.confirm_unchanged(view.pipe, verb.resource_version));
    if (view.pipe.status.replication.owns_publication)
      PENSTOCK_TRY(dataplane.ensure_publication(view.pipe, credentials));
    PENSTOCK_ASSIGN(const auto lsn, dataplane.create_slot(view.pipe, credentials));
    PipeStatus out = view.pipe.status;
    out.replication.start_lsn = lsn.text();
    return out;
  }

  Learnt operator()(const StartLoad& verb) const {
    PENSTOCK_TRY(api.confirm_unchanged(view.pipe, verb.resource_version));
    return only(dataplane.start_load(view.pipe, credentials));
  }
  Learnt operator()(const StartStream& verb) const {
    PENSTOCK_TRY(api.confirm_unchanged(view.pipe, verb.resource_version));
    return only(dataplane.start_stream(view.pipe, credentials));
  }
  Learnt operator()(const StopRun&) const {
    dataplane.stop(view.pipe);
    return std::nullopt;
  }

  Learnt operator()(const Release& verb) const {
    PENSTOCK_TRY(dataplane.release(view.pipe, credentials, verb.wish));
    return only(api.remove_finalizer(view.pipe));
  }

  Learnt operator()(const RemoveFinalizer& verb) const {
    if (!verb.left_behind.empty())
      api.event(view.pipe, true, "ReleaseIncomplete",
                fmt::format("deleted without taking everything down: {}. Drop slot {} and publication {} in "
                            "the source by hand",
                            verb.left_behind, view.pipe.status.replication.slot,
                            view.pipe.status.replication.publication));
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
    const char* operator()(const CreateSlot&) const { return "CreateSlot"; }
    const char* operator()(const StartLoad&) const { return "StartLoad"; }
    const char* operator()(const StartStream&) const { return "StartStream"; }
    const char* operator()(const StopRun&) const { return "StopRun"; }
    const char* operator()(const Release&) const { return "Release"; }
    const char* operator()(const RemoveFinalizer&) const { return "RemoveFinalizer"; }
  };
  return std::visit(Names{}, action);
}

}  // namespace penstock::reconcile
