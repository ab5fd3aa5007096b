#pragma once

// Words that scenarios are written in.

#include "tests/unit/reconcilers/simulation/play.hpp"

namespace penstock::reconcile::simulation::script {

/// Two tables, streamed.
[[nodiscard]] PipeSpec two_tables(Mode mode = Mode::Cdc);
/// Changes to both tables, a row that goes and one that comes back.
[[nodiscard]] std::vector<RowChange> busy();
[[nodiscard]] Scenario scenario(std::string name, std::vector<Wish> wishes, PipeSpec spec = two_tables());
[[nodiscard]] PipeSpec with(PipeSpec spec, const std::function<void(PipeSpec&)>& change);

[[nodiscard]] PipeSpec deleting_targets(PipeSpec spec);
[[nodiscard]] Scenario before(Scenario scenario, std::function<void(World&)> what);
/// Its end may be another one when something goes wrong on the way, as long as it is well.
[[nodiscard]] Scenario free_end(Scenario scenario);

using When = std::optional<PipeState>;
inline constexpr When kAtOnce = std::nullopt;

[[nodiscard]] Wish spec_becomes(std::string name, When when, std::function<void(PipeSpec&)> change);
[[nodiscard]] Wish pause(When when);
[[nodiscard]] Wish resume(When when);
[[nodiscard]] Wish bump(When when);
[[nodiscard]] Wish bump_table(When when, int table);
[[nodiscard]] Wish add(When when, int table, TableEngine engine = TableEngine::ReplacingMergeTree);
[[nodiscard]] Wish take_out(When when, int table);
[[nodiscard]] Wish remove(When when);
[[nodiscard]] Wish lose_the_slot(When when);
/// While no process runs: one that does puts it back.
[[nodiscard]] Wish lose_the_status(When when);
/// Somebody writes to the status.
[[nodiscard]] Wish spoil(When when, std::string what, std::function<void(PipeStatus&)> change);
/// The destination refuses rows of this table, or takes them again.
[[nodiscard]] Wish refuse(When when, int table);
[[nodiscard]] Wish accept(When when, int table);
[[nodiscard]] Wish happens(std::string name, When when, std::function<void(World&)> change);

[[nodiscard]] Wish target_becomes(When when, std::size_t at, const std::string& target);
/// A table that somebody made under a target's name.
[[nodiscard]] std::function<void(World&)> users_table(const std::string& name, bool holds_rows);
/// Full of rows that the source has no more: another pipe's, which has given it back or not.
[[nodiscard]] std::function<void(World&)> others_table(const std::string& name, bool released);

inline constexpr auto kSetup = PipeState::Setup;
inline constexpr auto kSnapshot = PipeState::Snapshot;
inline constexpr auto kRunning = PipeState::Running;
inline constexpr auto kPausing = PipeState::Pausing;
inline constexpr auto kPaused = PipeState::Paused;
inline constexpr auto kModifying = PipeState::Modifying;
inline constexpr auto kResync = PipeState::Resync;
inline constexpr auto kCompleted = PipeState::Completed;
inline constexpr auto kFailed = PipeState::Failed;

}  // namespace penstock::reconcile::simulation::script
