#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "dataplane/pipeline/binding.hpp"
#include "dataplane/pipeline/job.hpp"
#include "dataplane/pipeline/source_definition.hpp"

namespace penstock::pipeline {

struct TableReport {
  std::string source;  ///< as the manifest writes it
  std::int64_t rows_estimated = 0;
  std::int64_t load = 1;  ///< settled: TableJob::load
  bool staged = false;    ///< settled: TableJob::staged
  /// What the present target has, and the table that will take its place has not: "column note".
  std::vector<std::string> lost{};
  std::string published{};   ///< published_part(), source_tables.hpp
  std::string definition{};  ///< of the source, by which the excluded columns are known from here on
  std::string partitions{};  ///< partitions_text(), of before anything is streamed; empty where nothing is
  /// What is published of it is not known to be what was when TableJob::former_definition was read.
  bool newly_published = false;
};

struct SetupReport {
  SourceSystem system;
  Lsn source_lsn;  ///< the end of the source's WAL, after the checks; null where nothing is streamed
  std::vector<TableReport> tables;
  bool complete = true;  ///< false: there was no time to make the tables that are not among these
};

/// Validates source and destination for the job's tables, then makes the tables that are to be written to,
/// unless told to `make` nothing. Nothing is touched unless every check passes. Safe to repeat.
///
/// A table whose `load` is settled is made as it says; a staging table of another load is replaced. Else, if
/// the target holds rows of an earlier life of ours, or another pipe has given it back, the table is staged,
/// so that the exchange takes out what was before; and so it is where the target is nobody's, or that of a
/// pipe which is not known to exist, and the job takes over. Rows that are nobody's are TargetNotEmpty
/// otherwise, another pipe's table is TargetNotOurs: neither is ever loaded into.
///
/// What has not been made when the `limit` has passed is left for another call.
///
/// The Error of a failed check carries the first fault's reason and the text of all. Bounded: each server has
/// 10 s to answer the first time.
[[nodiscard]] Result<SetupReport> set_up(const PipeJob& job, bool make = true,
                                         std::chrono::milliseconds limit = std::chrono::hours(24));

/// What load and stream stand on, read from both sides at their start.
struct BoundTable {
  TableJob job;
  postgres::SourceTable source;
  Binding binding;
  std::vector<std::string> target_columns;
  SourceDefinition known;  ///< what the target was loaded from; `now` where nothing is remembered
  SourceDefinition now;
  bool to_follow = false;  ///< is_to_follow(): the source has columns that the target has not, or narrower
  std::vector<std::string> with_default{};  ///< columns that were followed, with what earlier rows hold
};

/// A column that the source has dropped, and that the stream still brings values of.
struct DroppedColumn {
  std::string table;  ///< as the manifest writes it
  std::string name;
  std::uint32_t type = 0;
  std::int32_t typmod = -1;
};

/// A table that cannot go on, by no fault of the others.
struct TableFault {
  std::string source;  ///< as the manifest writes it
  Error error;
};

/// Names of the tables that the job writes to.
[[nodiscard]] std::vector<std::string> written_by(const PipeJob& job);

[[nodiscard]] Error table_not_found(const TableJob& table);
[[nodiscard]] Error target_missing(const PipeJob& job, const TableJob& table);
/// Another table has taken its name. Kind Quarantine.
[[nodiscard]] Error table_replaced(const TableJob& table);

struct BoundTables {
  std::vector<BoundTable> tables;
  std::vector<TableFault> faults;  ///< these are not among `tables`
};

/// `dropped`: columns to bind although the catalog has them no more. Targets of an earlier build get their
/// versions widened. Of tables whose changes could not be told apart in their targets (row_identity.hpp), or
/// that are other tables than were loaded, the faults say so.
[[nodiscard]] Result<BoundTables> bind_tables(const PipeJob& job, clickhouse::Client& client,
                                              const std::vector<DroppedColumn>& dropped = {},
                                              postgres::HeapSizes sizes = postgres::HeapSizes::Read);

/// Carries tombstones over and exchanges each of the job's (staged) tables with its target. The names of
/// former tables that are not ours, and so were put aside: "orders as orders_before_3".
[[nodiscard]] Result<std::vector<std::string>> swap_tables(const PipeJob& job);

/// The source as it is now. Fails with SourceChanged (Terminal) when it is not the system that the pipe was
/// set up against, or has been restored to a time before what was taken from it: its timeline is an older
/// one or left ours before that place, or its WAL ends sooner. One that was restored and has since written
/// past that place again is told by the replay (last_commit.hpp).
[[nodiscard]] Error source_changed(std::string what);
/// The slot is at `place`, beyond all that the source was told: what is between is in no target. Terminal.
[[nodiscard]] Error slot_moved(const PipeJob& job, Lsn place, Lsn told);
[[nodiscard]] Result<SourceSystem> check_same_system(const PipeJob& job, const SourceSystem& expected);

/// SlotNotOurs (NeedsUser): one of the job's `slot_readers` has its slot in this system. Two that read one
/// slot in turn each miss what the other has read.
[[nodiscard]] Status check_slot_readers(const PipeJob& job, const std::string& system,
                                        const std::string& database);

/// SlotLost of a failover slot, where the source is a standby: that one does not have it, the primary may.
/// SourceIsStandby (Transient) then; any other error as it is.
[[nodiscard]] Error unless_on_a_standby(const PipeJob& job, Error error);

/// The name of the slot that a load of the pipe's `slot` (or prefix) makes for its snapshot. Names may be as
/// long as ours is.
[[nodiscard]] std::string temporary_slot(const std::string& slot);

}  // namespace penstock::pipeline
