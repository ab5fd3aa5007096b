// Which tables the publication lacks, and which it has beside.

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "dataplane/pipeline/probe.hpp"

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

std::vector<TableName> unlisted_tables(const PipeJob& job,
                                       const std::vector<std::optional<postgres::SourceTable>>& sources,
                                       const postgres::PublicationFacts& publication) {
  std::set<TableName> known;
  for (const auto& table : job.tables)
    known.insert(table.source);
  for (const auto& source : sources)
    if (source)
      for (const auto& heap : source->heaps)
        known.insert(heap.name);
  std::vector<TableName> out;
  for (const auto& name : publication.tables)
    if (!known.contains(name)) out.push_back(name);
  return out;
}

}  // namespace penstock::pipeline
