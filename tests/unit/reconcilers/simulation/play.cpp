#include "tests/unit/reconcilers/simulation/play.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "tests/unit/reconcilers/simulation/invariants.hpp"
#include "tests/unit/reconcilers/simulation/sim_runs.hpp"

namespace penstock::reconcile::simulation {
namespace {

constexpr Millis kRound{50};
/// A timer may be late by this when nothing happens: it saves a run hundreds of idle passes.
constexpr std::chrono::seconds kIdle{15};
/// Longer than any wait of a pipe that is well, and than any wait at all.
constexpr std::chrono::seconds kQuiet{65};
constexpr std::chrono::minutes kStuck{45};
/// For a state to come that never does.
constexpr std::chrono::minutes kLongEnough{20};
constexpr int kMostRounds = 20'000;
constexpr int kRoundsPerChange = 3;

}  // namespace

World first_world() {
  World world;
  for (int table = 0; table < kTables; ++table)
    for (int key = 0; key < 2; ++key)
      write_row(world, table, key);
  auto& source = world.source.edit();
  source.slots.push_back({"somebodys", 1, 1, false, false});
  source.publications.push_back({"somebodys", {{0, 1}}});
  Table users;
  users.name = "users_own";
  users.rows[0] = {7, 7, false};
  world.destination.edit().add(users);
  return world;
}

Play::Play(const Scenario& scenario, FaultPlan faults, bool tracing)
    : scenario_(scenario),
      stage_(first_world()),
      clock_(stage_),
      api_(stage_, true),
      dataplane_(stage_),
      reconciler_(std::make_unique<PipeReconciler>(api_, dataplane_, clock_, kWorker)) {
  scenario.before(stage_.world);
  stage_.faults = std::move(faults);
  stage_.tracing = tracing;
  stage_.wish_now = [this] { next_wish(); };
  create_pipe(stage_, scenario.spec);
}

void Play::die() {
  if (stage_.tracing) stage_.trace.emplace_back("-- the process dies and is started again");
  for (auto& slot : stage_.world.source.edit().slots)
    slot.read = false;
  stage_.world.runs.edit() = {};
  reconciler_ = std::make_unique<PipeReconciler>(api_, dataplane_, clock_, kWorker);
  given_.reset();
  next_.reset();
  failures_ = 0;
  stage_.woken = true;
}

void Play::next_wish() {
  if (wished_ == scenario_.wishes.size()) return;
  const auto& wish = scenario_.wishes[wished_++];
  if (stage_.tracing) stage_.trace.emplace_back("-- " + wish.name);
  seen_since_wish_.clear();
  wished_at_ = stage_.now;
  stage_.last_effect = stage_.now;
  wish.make(stage_);
}

void Play::make_wishes() {
  if (wished_ == scenario_.wishes.size()) return;
  const auto& wish = scenario_.wishes[wished_];
  const bool quiet = stage_.now - stage_.last_effect > kQuiet || stage_.now - wished_at_ > kLongEnough;
  if (!wish.after || seen_since_wish_.contains(*wish.after) || quiet) next_wish();
}

void Play::change_rows() {
  if (changed_ == scenario_.changes.size() || rounds_ % kRoundsPerChange != 0) return;
  const auto& change = scenario_.changes[changed_++];
  write_row(stage_.world, change.table, change.key, change.deleted);
  stage_.last_effect = stage_.now;
}

bool Play::pass_is_due() const {
  return stage_.world.api->stored != given_ || stage_.woken || (next_ && stage_.now >= *next_);
}

Status Play::give_to_a_worker(Pipe& pipe) {
  return reconciler_->give_to(pipe, kWorker);
}

void Play::reconcile(const Pipe& view) {
  Pipe pipe = view;
  const bool waits =
      pipe.has_finalizer && pipe.status.state && pipe.status.worker != kWorker && !pipe.deleting;
  const auto given = waits ? give_to_a_worker(pipe) : Status{};
  const auto again = given ? reconciler_->reconcile(std::move(pipe)) : fail(given.error());
  if (reconciler_->passes_cut_short() > 0) stage_.violated("a pass goes in circles");
  failures_ = again ? 0 : failures_ + 1;
  if (!again)
    next_ = stage_.now + Millis(100) * (1 << std::min(failures_, 8));
  else if (again->count() > 0)
    next_ = stage_.now + *again;
}

/// As it was before the last pass; a process that has just begun may be told of what was long ago.
StoredPipe Play::old_view() const {
  constexpr std::size_t kLongAgo = 9;
  if (given_) return given_;
  const auto& versions = stage_.versions;
  return versions.empty() ? nullptr : versions[versions.size() - std::min(versions.size(), kLongAgo)];
}

void Play::pass() {
  auto view = stage_.world.api->stored;
  stage_.woken = false;
  next_.reset();
  const auto stale = std::exchange(stage_.stale_next, false) ? old_view() : nullptr;
  if (stale && view && stale->uid == view->uid)
    view = stale;
  else
    given_ = view;
  if (!view) {
    reconciler_->forget(kUid);
    return;
  }
  try {
    reconcile(*view);
  } catch (const Died&) {
    die();
  }
}

bool Play::round() {
  ++rounds_;
  stage_.now += kRound;
  for (; seen_versions_ < stage_.versions.size(); ++seen_versions_)
    if (const auto& version = stage_.versions[seen_versions_]; version && version->status.state) {
      seen_.insert(*version->status.state);
      seen_since_wish_.insert(*version->status.state);
    }
  try {
    make_wishes();
  } catch (const Died&) {
    die();
  }
  change_rows();
  bool moved = false;
  if (pass_is_due()) {
    pass();
    moved = true;
  }
  try {
    moved = step_load(stage_) || moved;
    moved = step_stream(stage_) || moved;
  } catch (const Died&) {
    die();
  }
  return moved;
}

bool Play::rests() const {
  if (wished_ < scenario_.wishes.size() || changed_ < scenario_.changes.size()) return false;
  const auto quiet = stage_.now - stage_.last_effect;
  return quiet > kStuck || (quiet > kQuiet && unfulfilled(stage_.world).empty());
}

Outcome Play::run() {
  while (!rests() && rounds_ < kMostRounds && stage_.violations.empty())
    if (!round() || stage_.now - stage_.last_effect > Millis(500)) stage_.now += kIdle;
  Outcome out{end_of(stage_.world), "", stage_.effects, stage_.trace, seen_};
  if (!stage_.violations.empty())
    out.problem = stage_.violations.front();
  else if (rounds_ >= kMostRounds)
    out.problem = "it does not come to rest";
  else
    out.problem = unfulfilled(stage_.world);
  if (!out.problem.empty()) out.end = describe(stage_.world);
  return out;
}

}  // namespace penstock::reconcile::simulation
