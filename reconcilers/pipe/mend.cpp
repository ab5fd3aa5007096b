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
  const auto& recorded = memory->recorded;
  if (!recorded || pipe.status == *recorded) return Millis{0};
  // What is put back is what this process has written: a view may be out of date, and one of before may be
  // long past.
  const bool of_another_time = !pipe.status.revision.empty() && recorded->revision != pipe.status.revision;
  if (of_another_time) return Millis{0};
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
