#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>

#include "controller/adapters/probe_task.hpp"
#include "controller/adapters/reaper.hpp"
#include "controller/adapters/slot_maker.hpp"
#include "controller/runtime/object.hpp"
#include "dataplane/pipeline/load_run.hpp"
#include "dataplane/pipeline/stream_run.hpp"
#include "dataplane/postgres/catalog.hpp"
#include "reconcilers/pipe/ports.hpp"

namespace penstock::adapters {

/// Called from any thread; none is empty.
struct DataplaneHooks {
  std::function<void(const runtime::ObjectKey&)> changed;  ///< a run has news: reconcile the pipe
  std::function<void(const std::string& uid, const postgres::SlotFacts&)> slot_seen;
  /// Of every look at a source: "host:port", and its slots that are called as pipes' are.
  std::function<void(const std::string& uid, const std::string& server,
                     const std::vector<postgres::SlotFacts>&)>
      slots_seen;
  /// At every look, the last before a run is forgotten included.
  std::function<void(const std::string& uid, const reconcile::Runs&)> runs_seen;
  /// All Pipes of the API server, as far as this process knows them.
  std::function<std::vector<Pipe>()> pipes = [] { return std::vector<Pipe>{}; };
};

/// For a server's answer to what a pass, or a probe, asks.
inline constexpr std::chrono::seconds kAnswerLimit{10};

/// What has become of a Pipe while calls for it may be waiting for a server.
enum class Interruption {
  Changed,  ///< its spec: what is asked for now may be something else
  Removed   ///< it is being deleted, or gone
};

/// The reconciler's dataplane port on dataplane/pipeline: holds each pipe's run and, between its creation and
/// the load, its slot's snapshot. Thread-safe; calls for one pipe come one at a time.
///
/// A server has about 10 s for each answer, but for statements that last by nature, which are watched. Probes
/// run beside the calls.
class PipelineDataplane final : public reconcile::Dataplane {
 public:
  explicit PipelineDataplane(DataplaneHooks hooks, pipeline::TablePatience patience = {})
      : hooks_(std::move(hooks)), patience_(patience) {}
  ~PipelineDataplane() override;  ///< ends every run: what has been received and can be written at once is

  reconcile::Runs observe(const Pipe& pipe) override;
  void tune(const Pipe& pipe) override;
  reconcile::Fingerprints fingerprint(const Pipe& pipe, const reconcile::Credentials& credentials) override;
  Result<reconcile::SetupFacts> set_up(const Pipe& pipe, const reconcile::Credentials& credentials,
                                       const reconcile::SetupWish& wish) override;
  Status ensure_publication(const Pipe& pipe, const reconcile::Credentials& credentials) override;
  Result<Lsn> create_slot(const Pipe& pipe, const reconcile::Credentials& credentials) override;
  Result<std::optional<reconcile::ProbeFacts>> probe(const Pipe& pipe,
                                                     const reconcile::Credentials& credentials) override;
  Status start_load(const Pipe& pipe, const reconcile::Credentials& credentials) override;
  Status start_stream(const Pipe& pipe, const reconcile::Credentials& credentials) override;
  void stop_load(const Pipe& pipe) override;
  void stop_stream(const Pipe& pipe) override;
  Status take_down_former(const Pipe& pipe, const reconcile::Credentials& credentials) override;
  Result<reconcile::SwapFacts> swap(const Pipe& pipe, const reconcile::Credentials& credentials,
                                    const std::vector<reconcile::SwapWish>& tables) override;
  Status release(const Pipe& pipe, const reconcile::Credentials& credentials,
                 const reconcile::ReleaseWish& wish) override;
  /// Its runs are told to end at once, which nobody waits for.
  void forget(const std::string& uid) override;

  /// Calls for the pipe are ended by interrupt() from here on. Before the Pipe is read that they are made
  /// for: a change that comes between is not missed.
  void begin_calls(const std::string& uid);
  /// Ends the call for the pipe that is under way, and all until begin_calls(), with kind Cancelled. An
  /// exchange of tables goes on when the spec has changed, as long as ClickHouse answers. Any thread.
  void interrupt(const std::string& uid, Interruption what);
  /// The same for all pipes, and for good: the process is about to end.
  void interrupt_all();

 private:
  /// A load or a stream, and what it was started with.
  template <typename What>
  struct Running {
    std::unique_ptr<What> run;
    std::string fingerprint;
    bool stopping = false;
    bool seen_ended = false;  ///< its last facts have been told

    [[nodiscard]] bool ended() const { return !run || run->facts().run.ended; }
    /// One whose end nobody has seen yet is kept until then: its last partitions would be loaded again.
    void stop();
  };
  struct Run {
    Running<pipeline::LoadRun> load;
    Running<pipeline::StreamRun> stream;
    std::map<std::string, std::int64_t> streamed_before;  ///< rows streamed by earlier runs, by table
    /// What earlier runs have seen of TableStream::truncated_by, by table.
    std::map<std::string, std::vector<std::uint32_t>> truncated_before;
    /// The same of TableStream::parts.
    std::map<std::string, std::map<std::uint32_t, pipeline::PartChange>> parts_before;
    std::set<std::string> missing_targets;  ///< by source, of the last look
    std::vector<std::string> strangers;     ///< of the last look at the source
    std::optional<Error> unseen;            ///< likewise: ProbeReport::unseen
    /// The most that our slot, of this name, can have been told; none: not known since the process began.
    std::optional<std::pair<std::string, Lsn>> told;
    std::string slot_read;                  ///< by the present stream
    std::map<std::string, Lsn> looked_to;   ///< by source, ProbeReport::end, until its stream has passed it
    std::unique_ptr<SlotMaker> slot_maker;  ///< while the source makes our slot
    std::optional<postgres::CreatedSlot> slot;  ///< made, and not yet handed to a load
    std::unique_ptr<ProbeTask> probe;           ///< under way, or its answer is still to be taken
  };
  struct Calls {
    std::stop_source changed, removed;
  };

  /// By table, the transactions that a TRUNCATE of it came in, as long as this process has lived.
  static std::map<std::string, std::vector<std::uint32_t>> truncates_of(const Run& run);
  /// What a probe has found: told to the stream, and kept for the next.
  reconcile::ProbeFacts take_up(Run& run, const Pipe& pipe, const pipeline::PipeJob& job,
                                ProbeTask::Report report);
  Result<std::unique_ptr<ProbeTask>> start_probe(const Pipe& pipe, Run& run, ProbeBasis basis);
  /// The answer of a probe that is under way would be about another state of affairs.
  void drop_probe(Run& run);
  /// The job, bounded for a call that a pass waits for.
  pipeline::PipeJob bounded(const Pipe& pipe, pipeline::PipeJob job);
  /// By table, its parts that changes have come of, likewise.
  static std::map<std::string, std::map<std::uint32_t, pipeline::PartChange>> parts_of(const Run& run);
  /// What the run that is about to be forgotten, or started anew, has found out.
  static void keep_findings(Run& run);
  static std::optional<Lsn> told_of(const Run& run, const std::string& slot);
  /// What the stream has found out and the status does not tell.
  static void add_streamed(const Pipe& pipe, const Run& run, pipeline::PipeJob& job);
  /// job_of(), for what depends on the other Pipes.
  [[nodiscard]] pipeline::PipeJob job_among_others(const Pipe& pipe,
                                                   const reconcile::Credentials& credentials,
                                                   const std::vector<std::string>& sources) const;
  std::shared_ptr<Run> run_of(const std::string& uid);
  /// Takes the run out of the map; its threads end when the last holder lets go.
  std::shared_ptr<Run> take(const std::string& uid);

  const DataplaneHooks hooks_;
  const pipeline::TablePatience patience_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Run>> runs_;  // by uid
  std::map<std::string, Calls> calls_;                // by uid
  bool stopping_ = false;
  Reaper reaper_;
};

}  // namespace penstock::adapters
