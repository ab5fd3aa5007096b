#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

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
  /// At every look, the last before a run is forgotten included.
  std::function<void(const std::string& uid, const reconcile::Runs&)> runs_seen;
};

/// The reconciler's dataplane port on dataplane/pipeline: holds each pipe's run and, between its creation and
/// the load, its slot's snapshot. Thread-safe; calls for one pipe come one at a time.
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
  Result<reconcile::ProbeFacts> probe(const Pipe& pipe, const reconcile::Credentials& credentials) override;
  Status start_load(const Pipe& pipe, const reconcile::Credentials& credentials) override;
  Status start_stream(const Pipe& pipe, const reconcile::Credentials& credentials) override;
  void stop_load(const Pipe& pipe) override;
  void stop_stream(const Pipe& pipe) override;
  Status take_down_former(const Pipe& pipe, const reconcile::Credentials& credentials) override;
  Result<reconcile::SwapFacts> swap(const Pipe& pipe, const reconcile::Credentials& credentials,
                                    const std::vector<reconcile::SwapWish>& tables) override;
  Status release(const Pipe& pipe, const reconcile::Credentials& credentials,
                 const reconcile::ReleaseWish& wish) override;
  void forget(const std::string& uid) override;

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
  };

  /// By table, the transactions that a TRUNCATE of it came in, as long as this process has lived.
  static std::map<std::string, std::vector<std::uint32_t>> truncates_of(const Run& run);
  /// Of what our publication has beside the streamed tables, what is none of the pipe's. Empty where that
  /// cannot be told now.
  static std::vector<std::string> strangers_of(const Pipe& pipe, const reconcile::Credentials& credentials,
                                               const std::vector<TableName>& unlisted);
  /// By table, its parts that changes have come of, likewise.
  static std::map<std::string, std::map<std::uint32_t, pipeline::PartChange>> parts_of(const Run& run);
  /// What the run that is about to be forgotten, or started anew, has found out.
  static void keep_findings(Run& run);
  static std::optional<Lsn> told_of(const Run& run, const std::string& slot);
  /// What the stream has found out and the status does not tell.
  static void add_streamed(const Pipe& pipe, const Run& run, pipeline::PipeJob& job);
  std::shared_ptr<Run> run_of(const std::string& uid);
  /// Takes the run out of the map; its threads end when the last holder lets go.
  std::shared_ptr<Run> take(const std::string& uid);

  const DataplaneHooks hooks_;
  const pipeline::TablePatience patience_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Run>> runs_;  // by uid
};

}  // namespace penstock::adapters
