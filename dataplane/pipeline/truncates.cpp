#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "core/log.hpp"
#include "dataplane/pipeline/stream_decoder.hpp"

namespace penstock::pipeline {
namespace {

/// Whether no row is left of a table of which these relations were emptied. A partitioned table is named
/// itself; one that others inherit from is but the first of its heaps.
bool is_whole(const postgres::SourceTable& table, const std::vector<TableName>& emptied) {
  const auto named = [&](const TableName& name) {
    return std::find(emptied.begin(), emptied.end(), name) != emptied.end();
  };
  if (table.kind == 'p' && named(table.name)) return true;
  return std::all_of(table.heaps.begin(), table.heaps.end(),
                     [&](const postgres::Heap& heap) { return named(heap.name); });
}

std::string names_of(const std::vector<TableName>& tables) {
  std::vector<std::string> out;
  for (const auto& table : tables)
    out.push_back(table.text());
  return fmt::format("{}", fmt::join(out, ", "));
}

}  // namespace

Status StreamDecoder::truncate(const postgres::pgoutput::Truncate& change, const RowVersion& version) {
  announced_.reset();  // one message tells of several tables, each announced before
  std::map<std::size_t, std::vector<TableName>> emptied;
  for (const auto relation : change.relations)
    if (const Route* route = find(relation)) emptied[route->table].push_back(route->name);
  for (const auto& [table, relations] : emptied)
    source_.report_truncate(tables_[table], xid_);
  for (const auto& [table, relations] : emptied)
    PENSTOCK_TRY(truncate(table, relations, version));
  return {};
}

Status StreamDecoder::truncate(std::size_t table, const std::vector<TableName>& emptied,
                               const RowVersion& version) {
  const auto& binding = tables_[table].binding;
  if (written_already(table, version)) return {};
  if (binding.ignore_truncate) return ignore_truncate(table);
  if (binding.append_only) {
    log::warn("stream", "{} was truncated: its target keeps every change and has no word for that",
              binding.source_text);
    return {};
  }
  if (is_whole(tables_[table].source, emptied)) {
    truncates_.emplace_back(table, version);
    return {};
  }
  failed_table_ = table;
  return fail(
      ErrorKind::BadData, "TruncatedInPart",
      fmt::format("of table {} only {} was emptied by a TRUNCATE: which rows these were is not in the "
                  "stream",
                  binding.source_text, names_of(emptied)),
      "It is loaded anew by itself; raise resyncGeneration of the table to have it at once");
}

}  // namespace penstock::pipeline
