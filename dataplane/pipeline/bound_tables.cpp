// What load and stream stand on, read from both sides at their start.

#include <fmt/format.h>

#include <algorithm>

#include "dataplane/pipeline/row_identity.hpp"
#include "dataplane/pipeline/setup.hpp"
#include "dataplane/pipeline/source_changes.hpp"
#include "dataplane/pipeline/source_tables.hpp"

namespace penstock::pipeline {

Error target_missing(const PipeJob& job, const TableJob& table) {
  return {ErrorKind::BadData, "TargetMissing",
          fmt::format("target table {}.{} is not there any more", job.destination.database, table.written()),
          "It is loaded anew by itself; raise resyncGeneration of the table to have it at once"};
}

namespace {

Status add_dropped(const PipeJob& job, const std::string& table, const std::vector<DroppedColumn>& dropped,
                   postgres::SourceTable& source) {
  for (const auto& column : dropped) {
    const bool returned = std::any_of(source.columns.begin(), source.columns.end(),
                                      [&](const auto& one) { return one.name == column.name; });
    if (column.table != table || returned) continue;
    postgres::SourceColumn former;
    former.name = column.name;
    former.declared_type = column.type;
    PENSTOCK_ASSIGN(former.type, postgres::read_type(job.source, column.type, column.typmod));
    source.columns.push_back(std::move(former));
  }
  return {};
}

/// What both sides say of a table that is there on both.
BoundTable bind_one(const PipeJob& job, const TableJob& table, postgres::SourceTable source,
                    const clickhouse::TargetTable& target, const postgres::PublicationFacts& publication) {
  auto binding = bind(table, source, target);
  std::vector<std::string> target_columns, with_default;
  for (const auto& column : target.columns) {
    target_columns.push_back(column.name);
    if (!column.default_kind.empty() && column.comment == clickhouse::kFollowed)
      with_default.push_back(column.name);
  }
  auto now = define(table, source, binding.key, &publication);
  auto known = SourceDefinition::parse(table.definition).value_or(now);
  const bool to_follow = is_to_follow(job, table, source, target);
  return {
      table,          std::move(source), std::move(binding),     std::move(target_columns), std::move(known),
      std::move(now), to_follow,         std::move(with_default)};
}

std::optional<Error> fault_of(const PipeJob& job, const BoundTable& table) {
  if (table.known.oid != table.source.oid) return table_replaced(table.job);
  if (auto fault = exclusion_fault(table.job, table.source)) return fault;
  const bool replaces = job.streams && !table.binding.append_only;
  return replaces ? identity_fault(table.job.source_text, table.source, table.binding.key) : std::nullopt;
}

}  // namespace

Result<BoundTables> bind_tables(const PipeJob& job, clickhouse::Client& client,
                                const std::vector<DroppedColumn>& dropped, postgres::HeapSizes sizes) {
  PENSTOCK_ASSIGN(auto read, read_source_tables(job, sizes));
  auto& sources = read.tables;
  PENSTOCK_ASSIGN(const auto targets, clickhouse::read_targets(client, written_by(job)));
  BoundTables out;
  for (std::size_t at = 0; at < job.tables.size(); ++at) {
    const auto& table = job.tables[at];
    const auto target = clickhouse::target_of(targets, table.written());
    if (!sources[at] || !target) {
      out.faults.push_back(
          {table.source_text, sources[at] ? target_missing(job, table) : table_not_found(table)});
      continue;
    }
    if (auto taken =
            clickhouse::taken_from_us(job.destination.database, table.written(), target->mark, job.uid)) {
      out.faults.push_back({table.source_text, *std::move(taken)});
      continue;
    }
    if (clickhouse::has_narrow_versions(*target)) {
      const auto widened = clickhouse::widen_versions(client, *target);
      if (!widened && widened.error().kind != ErrorKind::BadData) return fail(widened.error());
      if (!widened) out.faults.push_back({table.source_text, widened.error()});
      if (!widened) continue;
    }
    // A source column that was given one of our names must never be written into ours.
    auto misnamed = clickhouse::check_columns(define_target(job, table, *sources[at], {}));
    if (!misnamed.empty()) {
      misnamed.front().kind = ErrorKind::BadData;
      out.faults.push_back({table.source_text, std::move(misnamed.front())});
      continue;
    }
    PENSTOCK_TRY(add_dropped(job, table.source_text, dropped, *sources[at]));
    auto bound = bind_one(job, table, std::move(*sources[at]), *target, read.publication);
    auto fault = fault_of(job, bound);
    if (!fault) fault = check_log_partitions(bound.binding, *target);
    if (fault)
      out.faults.push_back({table.source_text, *std::move(fault)});
    else
      out.tables.push_back(std::move(bound));
  }
  return out;
}

}  // namespace penstock::pipeline
