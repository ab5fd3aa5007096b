// A status that somebody else wrote to.

#include "core/log.hpp"
#include "reconcilers/pipe/pipe_reconciler.hpp"

namespace penstock::reconcile {
namespace {

/// Who writes to the status is not fought for ever: so often at once, then now and then.
constexpr int kMendedAtOnce = 5;
constexpr Millis kMendAgain{10'000};
constexpr std::chrono::minutes kMendedForgotten{5};

}  // namespace

Result<Millis> PipeReconciler::mend(Pipe& pipe) {
  const auto memory = memory_of(pipe.uid);
  auto& recorded = memory->recorded;
  const bool ours =
      !pipe.status.revision.empty() && (!recorded || recorded->revision != pipe.status.revision);
  if (ours) recorded = pipe.status;  // by a process before this one, or of a view that is out of date
  if (!recorded || pipe.status == *recorded) return Millis{0};
  auto& mended = memory->mended;
  const auto now = clock_.steady();
  if (now - mended.last > kMendedForgotten) mended.times = 0;
  if (mended.times >= kMendedAtOnce && now - mended.last < kMendAgain) return kMendAgain;
  PENSTOCK_ASSIGN(pipe.resource_version, api_.write_status(pipe, *recorded));
  pipe.status = *recorded;
  ++mended.times;
  mended.last = now;
  const char* text = "somebody else wrote to the status, which is Penstock's alone; it was put back";
  api_.event(pipe, true, "StatusPutBack", text);
  log::warn("pipe", "{}/{}: {}", pipe.ns, pipe.name, text);
  return Millis{0};
}

Status PipeReconciler::give_to(Pipe& pipe, const std::string& worker) {
  PENSTOCK_ASSIGN(const auto wait, mend(pipe));
  if (wait.count() > 0 || pipe.status.worker == worker) return {};
  auto status = pipe.status;
  status.worker = worker;
  Decision decision;
  decision.aside = true;
  return record(pipe, std::move(status), decision);
}

}  // namespace penstock::reconcile
