#pragma once

#include <map>
#include <string>
#include <vector>

#include "dataplane/pipeline/setup.hpp"
#include "dataplane/postgres/catalog.hpp"

namespace penstock::pipeline {

struct ProbeReport {
  SourceSystem system;  ///< as it is now: a failover brings another timeline
  postgres::SlotFacts slot;
  std::vector<TableFault> faults;                 ///< tables whose changes the stream does not bring any more
  std::map<std::string, std::string> drifts;      ///< by source (source_changes.hpp, source_partitions.hpp)
  std::map<std::string, std::string> partitions;  ///< by source: TableJob::partitions from now on
};

/// Is our place in the source still there, and every table of the job behind it? Looks only. SourceChanged,
/// SlotLost, PublicationMissing (Terminal): no waiting brings it back. TableNotFound, TableNotPublished
/// (BadData): a table was dropped, renamed, or dropped and made again (its place in the publication goes with
/// it), or was taken out of the publication.
[[nodiscard]] Result<ProbeReport> probe(const PipeJob& job, const SourceSystem& expected);

/// Pure.
[[nodiscard]] std::vector<TableFault> lost_tables(
    const PipeJob& job, const std::vector<std::optional<postgres::SourceTable>>& sources,
    const postgres::PublicationFacts& publication);

}  // namespace penstock::pipeline
