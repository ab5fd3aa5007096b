#pragma once

// One run of a scenario from its beginning to rest, with the faults of a plan.

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "reconcilers/pipe/pipe_reconciler.hpp"
#include "tests/unit/reconcilers/simulation/sim_api.hpp"
#include "tests/unit/reconcilers/simulation/sim_dataplane.hpp"
#include "tests/unit/reconcilers/simulation/user.hpp"

namespace penstock::reconcile::simulation {

/// What somebody does, as soon as it is time: the pipe has been in a state since the last wish, or rests.
struct Wish {
  std::string name;
  std::optional<PipeState> after;  ///< none: at once
  std::function<void(Stage&)> make;
};

struct RowChange {
  int table = 0;
  int key = 0;
  bool deleted = false;
};

struct Scenario {
  std::string name;
  PipeSpec spec;
  std::function<void(World&)> before = [](World&) {};
  std::vector<Wish> wishes;
  std::vector<RowChange> changes;  ///< committed now and then, in this order
  bool end_is_told = true;         ///< the end must be that of the undisturbed run, word for word
};

struct Outcome {
  std::string end;
  std::string problem;  ///< empty: all is well
  int effects = 0;
  std::vector<std::string> trace;
  std::set<PipeState> states;
};

class Play {
 public:
  Play(const Scenario& scenario, FaultPlan faults, bool tracing = false);
  [[nodiscard]] Outcome run();

 private:
  void make_wishes();
  void next_wish();
  void change_rows();
  void die();
  void pass();
  [[nodiscard]] StoredPipe old_view() const;
  void reconcile(const Pipe& pipe);
  [[nodiscard]] Status give_to_a_worker(Pipe& pipe);
  [[nodiscard]] bool pass_is_due() const;
  [[nodiscard]] bool rests() const;
  /// False: nothing is left to happen.
  bool round();

  const Scenario& scenario_;
  Stage stage_;
  StageClock clock_;
  SimApi api_;
  SimDataplane dataplane_;
  std::unique_ptr<PipeReconciler> reconciler_;
  std::size_t wished_ = 0, changed_ = 0;
  int rounds_ = 0;
  WallTime wished_at_ = kEpoch;
  int failures_ = 0;  // passes in a row
  std::size_t seen_versions_ = 0;
  std::set<PipeState> seen_, seen_since_wish_;
  StoredPipe given_;              // to the last pass
  std::optional<WallTime> next_;  // pass
};

[[nodiscard]] World first_world();

}  // namespace penstock::reconcile::simulation
