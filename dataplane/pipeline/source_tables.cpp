#include "dataplane/pipeline/source_tables.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace penstock::pipeline {
namespace {

bool is_narrowed(const PipeJob& job) {
  return job.streams && !job.owns_publication;
}

}  // namespace

Result<SourceTables> read_source_tables(const PipeJob& job, postgres::HeapSizes sizes) {
  SourceTables out;
  std::vector<TableName> names;
  for (const auto& table : job.tables)
    names.push_back(table.source);
  PENSTOCK_ASSIGN(out.tables, postgres::read_tables(job.source, names, sizes));
  if (!job.streams) return out;
  PENSTOCK_ASSIGN(out.publication, postgres::read_publication(job.source, job.publication));
  for (auto& table : out.tables)
    if (table && is_narrowed(job)) postgres::narrow_to(out.publication, *table);
  return out;
}

Result<std::vector<std::optional<postgres::SourceTable>>> read_source_tables(
    const PipeJob& job, const postgres::Endpoint& source, const std::vector<std::uint32_t>& oids) {
  PENSTOCK_ASSIGN(auto tables, postgres::read_tables_by_oid(source, oids));
  const bool any = std::any_of(tables.begin(), tables.end(), [](const auto& table) { return table; });
  if (!any || !is_narrowed(job)) return tables;
  PENSTOCK_ASSIGN(const auto publication, postgres::read_publication(source, job.publication));
  for (auto& table : tables)
    if (table) postgres::narrow_to(publication, *table);
  return tables;
}

std::string published_part(const postgres::SourceTable& table) {
  std::string columns;
  for (const auto& column : table.columns)
    if (column.published) columns += (columns.empty() ? "columns " : ", ") + column.name;
  if (std::all_of(table.columns.begin(), table.columns.end(), [](auto& one) { return one.published; }))
    columns.clear();
  // The heaps of a partitioned table have one filter; those of plain inheritance each their own.
  const auto& heaps = table.heaps;
  const bool one_filter = std::all_of(heaps.begin(), heaps.end(),
                                      [&](auto& heap) { return heap.row_filter == heaps[0].row_filter; });
  std::string rows;
  for (const auto& heap : heaps) {
    if (heap.row_filter.empty() || (one_filter && !rows.empty())) continue;
    const auto where = one_filter ? "" : fmt::format(" of {}", heap.name.text());
    rows += fmt::format("{}rows{} WHERE {}", rows.empty() ? "" : "; ", where, heap.row_filter);
  }
  return columns + (columns.empty() || rows.empty() ? "" : "; ") + rows;
}

}  // namespace penstock::pipeline
