#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/row_version.hpp"
#include "dataplane/pipeline/held_tables.hpp"
#include "dataplane/pipeline/job.hpp"
#include "dataplane/pipeline/load_run.hpp"

namespace penstock::pipeline {

struct TableStream {
  std::string source;      ///< as the manifest writes it
  std::int64_t load = 0;   ///< TableJob::load
  std::uint64_t rows = 0;  ///< changes written since this run began
  Lsn written{};  ///< every change of it up to here is in the destination: may be ahead of `confirmed`
  double lag_seconds = 0;        ///< age of its oldest change that is not in the destination, at most
  std::optional<Error> error{};  ///< set apart: the stream goes on without it
  std::vector<std::pair<std::string, std::uint64_t>> clamped{};
  std::vector<std::string> differences{};  ///< why its rows may differ from the source's
  std::vector<std::uint32_t>
      truncated_by{};  ///< transactions that a TRUNCATE of it came in, the last of them
  /// Its parts, by pg_class.oid, that changes have come of, and in which transaction the first did.
  std::map<std::uint32_t, PartChange> parts{};
  std::string definition{};  ///< TableJob::definition, with the columns that were followed since
  std::map<std::string, std::string> types{};  ///< TableJob::streamed_types
};

struct StreamFacts {
  RunFacts run;
  bool streaming = false;     ///< the slot is being read
  std::int64_t timeline = 0;  ///< of the source, as it was checked before the run began; 0: not known
  LastCommit last;            ///< the last transaction in the destination; null: none came yet
  /// Everything up to here is in the destination, and the source has been told, or is just being told.
  Lsn confirmed;
  Lsn received;
  std::int64_t lag_bytes = 0;  ///< WAL written in the source beyond `confirmed`
  double lag_seconds = 0;      ///< age of the oldest change that is not in the destination
  std::vector<TableStream> tables;
};

struct StreamRequest {
  PipeJob job;
  SourceSystem system;
  /// By source, of tables that keep every change: the version of their loaded rows. What is above it is not
  /// in their load.
  std::map<std::string, RowVersion> loaded_up_to{};
  /// By source, of tables that were added later: what commits up to here is in their load already. Of a table
  /// that was taken out and put back, a stream that is behind still brings changes of before; those of
  /// between, which undid them, it does not.
  std::map<std::string, Lsn> added_at{};
  TablePatience patience{};
  std::function<void()>
      changed{};  ///< called, from a thread of the run, when it has connected and when it has ended
};

/// Logical replication into the targets: one thread reads and decodes, one writes. The source is told an LSN
/// only after the destination has acknowledged every row up to it. A table whose changes cannot be written is
/// tried again for a while, the source keeping them, and then set apart; the others go on. Any thread may
/// call any method.
class StreamRun {
 public:
  explicit StreamRun(StreamRequest request);
  ~StreamRun();  ///< stops at once and waits

  /// AfterPartitions: what has been received is written and acknowledged first.
  void stop(StopMode mode);
  /// Goes on with this job's flush_interval, max_inserts_per_second and batch_rows.
  void tune(const PipeJob& job);
  /// Differences, by source, that are recorded: the source may be told the changes that brought them. So it
  /// may of tables that are not among them, which are to be made anew.
  void recorded(const std::map<std::string, std::vector<std::string>>& differences);
  /// What a look at the catalog has found since: by source, definitions as in TableJob.
  void learn(const std::map<std::string, std::string>& definitions);
  [[nodiscard]] StreamFacts facts() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::pipeline
