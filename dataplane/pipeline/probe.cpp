#include "dataplane/pipeline/probe.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "dataplane/pipeline/source_changes.hpp"
#include "dataplane/pipeline/source_partitions.hpp"
#include "dataplane/postgres/checks.hpp"

namespace penstock::pipeline {
namespace {

Error not_published(const PipeJob& job, const TableJob& table) {
  return {
      ErrorKind::BadData, "TableNotPublished",
      fmt::format("table {} is not in publication {} any more: it was dropped and made again, or taken out, "
                  "and what changed since is not streamed",
                  table.source_text, job.publication),
      job.owns_publication ? "It is put back and loaded anew by itself"
                           : "Add it to the publication again; it is loaded anew then"};
}

/// The table with the columns that its target has.
postgres::SourceTable taken(const TableJob& job, const postgres::SourceTable& source) {
  auto out = source;
  out.columns.clear();
  for (const auto* column : taken_columns(job, source))
    out.columns.push_back(*column);
  return out;
}

/// Adds what a look at the tables' heaps has found to what else has changed.
Status note_partitions(const PipeJob& job, const std::vector<std::optional<postgres::SourceTable>>& sources,
                       ProbeReport& out) {
  for (std::size_t at = 0; at < job.tables.size(); ++at) {
    const auto& table = job.tables[at];
    if (!sources[at]) continue;
    const bool truncates = !table.ignore_truncate && table.engine == clickhouse::Engine::ReplacingMergeTree;
    PENSTOCK_ASSIGN(auto look,
                    look_at_partitions(job.source, taken(table, *sources[at]), table.partitions, truncates));
    out.partitions[table.source_text] = std::move(look.known);
    const auto drift = out.drifts.find(table.source_text);
    if (drift == out.drifts.end() || look.drift.empty()) continue;
    drift->second += fmt::format("{}{}", drift->second.empty() ? "" : "; ", look.drift);
  }
  return {};
}

}  // namespace

std::vector<TableFault> lost_tables(const PipeJob& job,
                                    const std::vector<std::optional<postgres::SourceTable>>& sources,
                                    const postgres::PublicationFacts& publication) {
  std::vector<TableFault> out;
  for (std::size_t at = 0; at < job.tables.size(); ++at) {
    const auto& table = job.tables[at];
    const auto& published = publication.tables;
    if (!sources[at])
      out.push_back({table.source_text, table_not_found(table)});
    else if (std::find(published.begin(), published.end(), table.source) == published.end() &&
             !sources[at]->heaps.empty())
      out.push_back({table.source_text, not_published(job, table)});
  }
  return out;
}

Result<ProbeReport> probe(const PipeJob& job, const SourceSystem& expected) {
  ProbeReport out;
  PENSTOCK_ASSIGN(out.system, check_same_system(job, expected));
  PENSTOCK_ASSIGN(out.slot, postgres::read_slot(job.source, job.slot));
  if (auto fault = postgres::slot_fault(job.source, out.slot)) return fail(*std::move(fault));
  PENSTOCK_ASSIGN(const auto publication, postgres::read_publication(job.source, job.publication));
  if (!publication.exists)
    return fail(
        ErrorKind::Terminal, "PublicationMissing",
        fmt::format("publication {} is not there any more: what was changed since it was dropped cannot "
                    "be streamed",
                    job.publication),
        "Raise spec.resyncGeneration to load everything anew");
  std::vector<TableName> names;
  for (const auto& table : job.tables)
    names.push_back(table.source);
  PENSTOCK_ASSIGN(const auto sources, postgres::read_tables(job.source, names));
  out.faults = lost_tables(job, sources, publication);
  PENSTOCK_ASSIGN(out.drifts, read_drifts(job, sources));
  PENSTOCK_TRY(note_partitions(job, sources, out));
  return out;
}

}  // namespace penstock::pipeline
