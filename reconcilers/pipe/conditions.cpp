#include "reconcilers/pipe/conditions.hpp"

#include <tuple>

#include "core/error_policy.hpp"

namespace penstock::reconcile {
namespace {

bool passing(PipeState state) {
  switch (state) {
    case PipeState::Provisioning:
    case PipeState::Setup:
    case PipeState::Snapshot:
    case PipeState::Pausing:
    case PipeState::Modifying:
    case PipeState::Resync:
      return true;
    case PipeState::Running:
    case PipeState::Paused:
    case PipeState::Completed:
    case PipeState::Failed:
      return false;
  }
  return false;
}

}  // namespace

std::vector<Condition> conditions_of(const Decision& decision, std::int64_t generation) {
  const auto& [state, message, fault] = std::tie(decision.state, decision.message, decision.fault);
  const auto make = [&](const char* type, bool status, const std::string& reason) {
    return Condition{type, status, reason, message, generation, {}};
  };
  const std::string name = to_text(state);
  std::vector<Condition> out;
  if (fault && (policy(fault->kind).stalls || state == PipeState::Failed)) {
    out = {make("Ready", false, fault->reason), make("Stalled", true, fault->reason)};
  } else if (fault) {
    out = {make("Ready", false, "ProgressingWithRetry"), make("Reconciling", true, "ProgressingWithRetry")};
  } else if (passing(state)) {
    out = {make("Ready", false, name), make("Reconciling", true, name)};
  } else if (!decision.taken_up) {
    out = {make("Ready", false, "TakingUpChanges"), make("Reconciling", true, "TakingUpChanges")};
  } else {
    out = {make("Ready", state != PipeState::Failed, name)};
    if (state == PipeState::Failed) out.push_back(make("Stalled", true, name));
  }
  if (state == PipeState::Paused) out.push_back(make("Paused", true, name));
  return out;
}

}  // namespace penstock::reconcile
