#pragma once

// Where a world is played: each effect outside of the process goes through here, and may go wrong here.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "tests/unit/reconcilers/simulation/world.hpp"

namespace penstock::reconcile::simulation {

/// What our process throws when it dies at a point. Nothing of ours catches it but the driver.
struct Died {};

enum class Fault {
  DieBefore,   ///< the effect never happens
  DieAfter,    ///< it happened, and nothing else did
  AnswerLost,  ///< it happened, and the process is told that it is in doubt
  Fails,       ///< it did not happen, and the process is told so
  Conflict,    ///< somebody writes to the Pipe right before
  StaleView,   ///< the next pass sees the Pipe as it was before the last one
  StaleStart,  ///< the process dies after it, and the next one is first told of the Pipe as it was long ago
  ClockBack,   ///< from then on the wall clock is two hours behind
  ClockAhead,  ///< or ahead
  WishNow      ///< the user's next wish comes right before
};
[[nodiscard]] const char* to_text(Fault fault);

/// Faults by the number of the effect that they strike.
using FaultPlan = std::multimap<int, Fault>;

class Stage {
 public:
  explicit Stage(World first) : world(std::move(first)) {}

  /// Carries an effect out, or not. `point` names it. A violation of what must always hold is noted.
  [[nodiscard]] Status effect(const char* point, const std::function<Status(World&)>& apply);
  /// An effect that cannot fail by itself.
  [[nodiscard]] Status effect_of(const char* point, const std::function<void(World&)>& apply);

  void violated(const std::string& what);

  World world;
  WallTime now = kEpoch;
  std::chrono::hours clock_set_by{0};  ///< what people read is off by this
  FaultPlan faults;
  std::function<void()> wish_now = [] {};
  bool events_are_effects = true;
  bool woken = false;       ///< a run has news
  bool stale_next = false;  ///< the next pass gets an old view
  int effects = 0;
  WallTime last_effect = kEpoch;
  bool tracing = false;
  std::vector<std::string> trace;
  std::vector<StoredPipe> versions;  ///< of the Pipe, as they were stored
  std::vector<std::string> events;
  std::vector<std::string> violations;

 private:
  [[nodiscard]] bool strikes(Fault fault, int number) const;
};

class StageClock final : public Clock {
 public:
  explicit StageClock(const Stage& stage) : stage_(stage) {}
  [[nodiscard]] WallTime now() const override { return stage_.now + stage_.clock_set_by; }
  [[nodiscard]] SteadyTime steady() const override { return SteadyTime(stage_.now.time_since_epoch()); }

 private:
  const Stage& stage_;
};

[[nodiscard]] std::string describe(const World& world);

}  // namespace penstock::reconcile::simulation
