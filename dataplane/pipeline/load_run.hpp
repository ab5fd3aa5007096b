#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/call_limits.hpp"
#include "core/lsn.hpp"
#include "core/result.hpp"
#include "dataplane/pipeline/job.hpp"
#include "dataplane/postgres/slot.hpp"

namespace penstock::pipeline {

/// How far one table's load has come; what has to outlive a crash is all here, as short texts.
struct TableLoad {
  std::string source;     ///< as the manifest writes it
  std::int64_t load = 0;  ///< TableJob::load
  bool finished = false;
  std::optional<Error> error;  ///< it cannot go on; the others do
  std::string layout;          ///< LoadLayout::text(); empty: not begun
  std::string done;            ///< IndexSet::text() of the partitions that are in the target
  std::string partitions;      ///< of the source, as the layout took them in (source_partitions.hpp)
  std::string definition;      ///< of the source, as it is loaded (source_definition.hpp)
  Lsn snapshot;                ///< newest snapshot any of them was read at
  std::int64_t rows = 0;
  std::int64_t rows_estimated = 0;
  std::int64_t partitions_done = 0;
  std::int64_t partitions_total = 0;
  std::vector<std::pair<std::string, std::uint64_t>>
      clamped;  ///< column, values moved into the target's range
};

struct RunFacts {
  bool ended = false;
  std::optional<Error> error;     ///< why it ended before its work was done; none: stopped or finished
  std::optional<Error> retrying;  ///< what it is waiting out at present
};

struct LoadFacts {
  RunFacts run;
  std::vector<TableLoad> tables;
};

enum class StopMode { AfterPartitions, Now };

/// How a run's waits for servers end, once it is to stop: now, or as soon as a server does nothing for it.
class Ending {
 public:
  [[nodiscard]] CallLimits limits() const { return {{}, soon_.get_token(), now_.get_token()}; }
  void begin(StopMode mode) {
    soon_.request_stop();
    if (mode == StopMode::Now) now_.request_stop();
  }

 private:
  std::stop_source soon_, now_;
};

struct LoadRequest {
  PipeJob job;
  SourceSystem system;
  Lsn version;  ///< of every loaded row, the commit's part: the slot's consistent point; 0 without a slot
  std::vector<TableLoad>
      resume;  ///< what is known of each table that is to be loaded, finished ones included
  std::optional<postgres::CreatedSlot> slot;  ///< just made: its snapshot is read; else a new one is taken
  std::function<void()> changed;              ///< called, from a thread of the run, when it has ended
};

/// The load of the job's tables: partitions read in parallel, each written and only then counted as done.
/// Threads of its own, where the system has any (else it has ended with ThreadNotStarted), as many as there
/// are partitions left and as it may have of the process's (worker_shares.hpp). Every method may be called
/// from any thread. A table whose values or target are at fault is left alone, the others go on. Where tables
/// were added to a slot that was there already, the snapshot waits for transactions that are older. A table
/// whose target is a log of changes, and every table of a pipe without a stream, is read at one snapshot or
/// begun anew (docs/adr).
class LoadRun {
 public:
  explicit LoadRun(LoadRequest request);
  ~LoadRun();  ///< stops at once and waits

  void stop(StopMode mode);
  /// Goes on with this job's parallel_tables and workers_per_table. What decides how partitions are cut and
  /// written is the next load's.
  void tune(const PipeJob& job);
  [[nodiscard]] LoadFacts facts() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::pipeline
