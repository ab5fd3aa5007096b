#pragma once

// The rules that plan() goes through, and what they share. Internal to plan.cpp and rules_*.cpp.

#include "reconcilers/pipe/plan.hpp"

namespace penstock::reconcile {

using Verdict = std::optional<Decision>;

inline constexpr Millis kLoadProgressEvery{2000};
inline constexpr Millis kStreamProgressEvery{2000};
inline constexpr Millis kLongestWait{3'600'000};

// ---- what the Pipe says ----
[[nodiscard]] bool streams(const PipeSpec& spec);
[[nodiscard]] bool loads(const PipeSpec& spec);
/// Made, and Pending or Loading.
[[nodiscard]] bool left_to_load(const TableStatus& table);
[[nodiscard]] bool any_left_to_load(const Pipe& pipe);
/// A slot keeps the pipe's place in the source: ours from when it is made, a user's from Setup on.
[[nodiscard]] bool has_a_place(const Pipe& pipe);
/// The servers are probed: a place may be lost, a load may wait for one that hangs.
[[nodiscard]] bool is_looked_at(const View& view);
/// Loaded into `_resync`, and the stream has passed the load's snapshot.
[[nodiscard]] bool ready_to_swap(const Pipe& pipe, const TableStatus& table);
/// A higher generation than was carried out, or is being carried out, of a pipe that has something to resync.
[[nodiscard]] bool resync_wanted(const Pipe& pipe);

/// Until it is tried again.
[[nodiscard]] Millis time_left(const View& view, const Retry& retry);

/// What failed before, while nothing of it was changed.
[[nodiscard]] std::optional<Error> standing_fault(const View& view, Concern concern);
/// The first terminal failure that nothing has changed since; null: none.
[[nodiscard]] const Retry* terminal_failure(const View& view);

// ---- the shapes of a decision ----
/// "Waiting for …" while an error is waited out or a person is waited for; the state stays.
[[nodiscard]] Decision waiting(const View& view, PipeState state, const Error& error, Concern concern,
                               const char* rule);
/// A step that needs the source or the destination: taken when the Secrets are there and it is time. Trying
/// again does not take back what is said of the failure, so that conditions do not flap; succeeding does.
[[nodiscard]] Decision step(const View& view, PipeState state, std::string message, Action action,
                            const char* rule);
/// A step beside the pipe's life: its state, message and conditions stay as they are recorded.
[[nodiscard]] Decision aside(const View& view, Action action, const char* rule);
/// Stops what is active of the two (a former run that has ended is forgotten), or waits for it to end.
[[nodiscard]] Decision stopping(const View& view, PipeState state, std::string message, StopRuns which,
                                const char* rule);
/// The decision with what is wrong with single tables, or with a stream that does not run yet, if it has no
/// fault of its own.
[[nodiscard]] Decision with_doubt(const View& view, Decision decision);

// ---- the rules; nullopt: it does not apply ----
Verdict release_when_deleted(const View& view);
Verdict adopt_before_touching_anything(const View& view);
Verdict wait_for_a_worker(const View& view);
Verdict stop_what_runs_on_old_settings(const View& view);
Verdict honour_pause(const View& view);
Verdict stay_failed(const View& view);
Verdict take_down_what_setup_made_in_vain(const View& view);
Verdict set_up_before_loading(const View& view);
Verdict a_slot_before_the_first_row(const View& view);

Verdict finish_a_swap_begun(const View& view);
Verdict take_out_removed_tables(const View& view);
Verdict begin_a_resync(const View& view);
Verdict make_way_for_the_resync(const View& view);
Verdict declare_new_tables(const View& view);
Verdict declare_tables_anew(const View& view);
Verdict make_declared_tables(const View& view);
Verdict swap_what_is_loaded(const View& view);

Verdict load_beside_the_stream(const View& view);
Verdict load_what_is_left(const View& view);
Verdict complete_a_load_without_a_stream(const View& view);
Verdict keep_streaming(const View& view);

}  // namespace penstock::reconcile
