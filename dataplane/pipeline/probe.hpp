#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/pipeline/setup.hpp"
#include "dataplane/postgres/catalog.hpp"

namespace penstock::pipeline {

struct ProbedTable {
  std::string changes;                   ///< Drift::changes (source_changes.hpp)
  std::string partition_changes;         ///< PartitionLook::drift (source_partitions.hpp)
  std::string partitions;                ///< TableJob::partitions from now on
  std::string definition;                ///< TableJob::definition from now on
  std::vector<std::string> differences;  ///< why rows may differ, by what the definition was and is
  bool in_doubt = false;                 ///< PartitionLook::in_doubt
};

struct ProbeReport {
  SourceSystem system;  ///< as it is now: a failover brings another timeline
  postgres::SlotFacts slot;
  std::vector<postgres::SlotFacts> slots_of_pipes;  ///< of the whole server, by the prefix of their names
  Lsn end{};  ///< of the source's WAL after the look, where a table is in doubt; else null
  std::vector<TableFault> faults;  ///< tables whose changes do not come any more, or cannot be applied
  std::map<std::string, ProbedTable> tables;  ///< those that are on both sides, by source
  std::optional<Error> unseen;                ///< a table that could not be looked at, for now, and why
  std::vector<TableName> unlisted;  ///< what our own publication has beside the job's tables and their parts
};

/// Is our place in the source still there, and every table of the job behind it? And are the targets' rows
/// those of the source still, by what its catalog says? Changes nothing but that targets follow columns that
/// were added or widened in the source, whether or not a row comes. SourceChanged, SlotLost,
/// PublicationMissing (Terminal): no waiting brings it back. TableNotFound, TableNotPublished (BadData): a
/// table was dropped, renamed, or dropped and made again (its place in the publication goes with it), or was
/// taken out of the publication. TableReplaced, PublicationChanged, ReplicaIdentityChanged, KeyNotUnique
/// (Quarantine): its changes cannot be applied any more.
[[nodiscard]] Result<ProbeReport> probe(const PipeJob& job, const SourceSystem& expected);

/// Pure: of what is published, what is none of the job's tables, nor a part of one.
[[nodiscard]] std::vector<TableName> unlisted_tables(
    const PipeJob& job, const std::vector<std::optional<postgres::SourceTable>>& sources,
    const postgres::PublicationFacts& publication);

/// Pure.
[[nodiscard]] std::vector<TableFault> lost_tables(
    const PipeJob& job, const std::vector<std::optional<postgres::SourceTable>>& sources,
    const postgres::PublicationFacts& publication);

}  // namespace penstock::pipeline
