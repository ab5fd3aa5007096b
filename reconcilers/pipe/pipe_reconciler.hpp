#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>

#include "core/clock.hpp"
#include "reconcilers/pipe/act.hpp"
#include "reconcilers/pipe/credentials.hpp"
#include "reconcilers/pipe/plan.hpp"
#include "reconcilers/pipe/ports.hpp"

namespace penstock::reconcile {

/// Brings pipes to what their manifests say: observe → record → plan → record → act, until there is nothing
/// to do. Different pipes may be reconciled by different threads at once; one pipe only by one.
class PipeReconciler {
 public:
  /// `worker`: only pipes that were given to this worker are touched. All three outlive the reconciler.
  PipeReconciler(PipeApi& api, Dataplane& dataplane, const Clock& clock, std::string worker);

  /// When to look again (zero: when something changes). An unreachable API is an error; what goes wrong with
  /// the pipe itself is not: it is recorded in its status and tried again. Nor is that `pipe` is out of date:
  /// it is read again then.
  [[nodiscard]] Result<Millis> reconcile(Pipe pipe);
  /// Records that this worker has the pipe; `pipe` follows. Fails with "Conflict" as a write does.
  [[nodiscard]] Status give_to(Pipe& pipe, const std::string& worker);
  /// The Pipe is not in the API any more.
  void forget(const std::string& uid);
  /// How many passes were ended after more steps than any should need; but for a Pipe of many tables that are
  /// each tried by itself, that is a fault of the rules.
  [[nodiscard]] int passes_cut_short() const { return passes_cut_short_; }

 private:
  /// Of the Pipe as it was seen; fails with "Conflict" when it is not the stored one in what matters.
  [[nodiscard]] Result<Millis> pass(Pipe pipe);
  [[nodiscard]] View observe(const Pipe& pipe, Credentials& credentials);
  /// The status is ours alone: where somebody else has written to it, what was recorded last is put back, and
  /// `pipe` follows. After how long the pass may go on: zero, unless he keeps writing.
  [[nodiscard]] Result<Millis> mend(Pipe& pipe);
  /// Writes the status when it differs, with its events, to the log as well; `pipe` follows.
  [[nodiscard]] Status record(Pipe& pipe, PipeStatus status, const Decision& decision);
  /// Runs and tables that failed become retries, once; those that get on end theirs.
  /// Which of them have ended with an error, to be forgotten when what they say is recorded.
  StopRuns note_runs(const Pipe& pipe, View& view);
  bool note_run(const Pipe& pipe, View& view, Concern concern, const RunFacts& run);
  void forget_ended(const View& view, const StopRuns& ended);
  void note_tables(const Pipe& pipe, const Runs& run, View& view);
  /// One Warning Event for each column that values were clamped in.
  void tell_of_clamped(const Pipe& pipe, const RunFacts& run);
  /// One for each table in our publication that is none of the pipe's.
  void tell_of_strangers(const Pipe& pipe, const std::vector<std::string>& strangers);
  void note_failure(const Pipe& pipe, const View& view, const Decision& decision, const Error& error);
  void note_success(const Pipe& pipe, const Action& action);
  void note_probe(const Pipe& pipe, const Learnt& learnt);

  /// What has been failing since a moment.
  struct Lasting {
    std::optional<SteadyTime> since;
    std::optional<SteadyTime> good;  ///< when it was seen last that nothing is wrong
    std::optional<Error> error;
    /// `begun`: when what shows it was asked.
    void note(const std::optional<Error>& now_wrong, SteadyTime begun, SteadyTime now);
    /// Once it has failed for longer than is promised to be silent about it.
    [[nodiscard]] std::optional<Error> at(SteadyTime now) const;
  };
  /// Of a status that somebody else wrote to.
  struct Mended {
    int times = 0;
    SteadyTime last;
  };
  /// What is kept of a pipe between passes, in memory alone.
  struct Memory {
    std::map<Concern, Retry> retries;
    std::map<std::string, Retry> table_retries;  // by source
    std::optional<SteadyTime> probed;
    std::optional<SteadyTime> probing;  // when the probe that goes on began
    bool seen_alive = false;            // before it was deleted
    std::optional<SteadyTime> deleting_since;
    Lasting looks;                                          // at the source
    Lasting table_looks;                                    // at one of its tables
    Lasting secrets;                                        // whose reading fails
    std::set<std::pair<std::string, std::string>> clamped;  // table and column that were told of
    std::set<std::string> strangers;                        // tables that were told of
    std::optional<Credentials> credentials;                 // the last that could be read
    std::optional<PipeStatus> recorded;                     // as it was written with its revision
    Mended mended;
  };
  /// The Secrets as they are; for a Pipe that is being deleted, as they were (they often go with it).
  [[nodiscard]] SecretValues secrets_of(const Pipe& pipe, Memory& memory);
  /// From when this process saw it first. What passed before a restart the wall clock alone tells, which may
  /// have been set.
  [[nodiscard]] static Millis deleting_for(const Pipe& pipe, const View& view, Memory& memory);
  /// Of one pipe, which only one thread works on.
  std::shared_ptr<Memory> memory_of(const std::string& uid);

  PipeApi& api_;
  Dataplane& dataplane_;
  const Clock& clock_;
  std::string worker_;
  const unsigned process_ = std::random_device{}();  // in our revisions
  std::atomic<std::uint64_t> writes_{0};
  std::atomic<int> passes_cut_short_{0};
  std::mutex mutex_;                                         // of the map, not of what it holds
  std::map<std::string, std::shared_ptr<Memory>> memories_;  // by uid
};

}  // namespace penstock::reconcile
