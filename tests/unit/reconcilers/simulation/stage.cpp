#include "tests/unit/reconcilers/simulation/stage.hpp"

#include <fmt/format.h>

#include "tests/unit/reconcilers/simulation/invariants.hpp"
#include "tests/unit/reconcilers/simulation/user.hpp"

namespace penstock::reconcile::simulation {

namespace {

/// Longer than any wait of a pipe.
constexpr std::chrono::hours kFar{2};

std::string summary(const World& world) {
  if (!world.api->stored) return ": gone";
  const auto& status = world.api->stored->status;
  auto out = fmt::format(": {} ({})", status.state ? to_text(*status.state) : "", status.message);
  if (status.resync) out += fmt::format(" resync step {}", static_cast<int>(status.resync->step));
  for (const auto& table : status.tables)
    out += fmt::format(" {}{} {}#{}", table.target, table.staged ? "_resync" : "",
                       penstock::to_text(table.state), table.load_generation);
  return out;
}

}  // namespace

const char* to_text(Fault fault) {
  switch (fault) {
    case Fault::DieBefore:
      return "dies before";
    case Fault::DieAfter:
      return "dies after";
    case Fault::AnswerLost:
      return "answer lost";
    case Fault::Fails:
      return "fails";
    case Fault::Conflict:
      return "conflict";
    case Fault::StaleView:
      return "stale view after";
    case Fault::StaleStart:
      return "stale start after";
    case Fault::ClockBack:
      return "the clock is set back at";
    case Fault::ClockAhead:
      return "the clock is set ahead at";
    case Fault::WishNow:
      return "wish before";
  }
  return "";
}

bool Stage::strikes(Fault fault, int number) const {
  const auto [first, last] = faults.equal_range(number);
  for (auto at = first; at != last; ++at)
    if (at->second == fault) return true;
  return false;
}

void Stage::violated(const std::string& what) {
  violations.push_back(fmt::format("at effect {}: {}", effects, what));
}

Status Stage::effect(const char* point, const std::function<Status(World&)>& apply) {
  const int number = effects++;
  if (tracing) trace.emplace_back(fmt::format("{} {}", number, point));
  if (!faults.empty()) {
    if (strikes(Fault::DieBefore, number)) throw Died{};
    if (strikes(Fault::Fails, number))
      return fail(ErrorKind::Transient, "Injected", fmt::format("{} fails", point));
    if (strikes(Fault::Conflict, number)) touch(*this);
    if (strikes(Fault::ClockBack, number)) clock_set_by = -kFar;
    if (strikes(Fault::ClockAhead, number)) clock_set_by = kFar;
    if (strikes(Fault::WishNow, number)) wish_now();
  }
  const World before = world;
  auto done = apply(world);
  last_effect = now;
  if (!world.api.is(before.api)) {
    versions.push_back(world.api->stored);
    if (tracing) trace.back() += summary(world);
  }
  check_effect(before, *this, point);
  if (!faults.empty()) {
    if (strikes(Fault::StaleView, number) || strikes(Fault::StaleStart, number)) stale_next = true;
    if (strikes(Fault::DieAfter, number) || strikes(Fault::StaleStart, number)) throw Died{};
    if (done && strikes(Fault::AnswerLost, number))
      return fail(ErrorKind::InDoubt, "Injected", fmt::format("the answer to {} is lost", point));
  }
  return done;
}

Status Stage::effect_of(const char* point, const std::function<void(World&)>& apply) {
  return effect(point, [&](World& w) -> Status {
    apply(w);
    return {};
  });
}

}  // namespace penstock::reconcile::simulation
