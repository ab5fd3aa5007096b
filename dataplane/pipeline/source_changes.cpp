#include "dataplane/pipeline/source_changes.hpp"

#include <algorithm>

#include "core/log.hpp"

namespace penstock::pipeline {
namespace {

bool has_column(const clickhouse::TargetTable& target, const std::string& name) {
  return std::any_of(target.columns.begin(), target.columns.end(),
                     [&](const auto& column) { return column.name == name; });
}

/// Adds the columns that the source has and the target lacks.
Status add_columns(const PipeJob& job, const TableJob& table, const postgres::SourceTable& source,
                   clickhouse::Client& client, const TargetFeatures& features) {
  PENSTOCK_ASSIGN(const auto target, clickhouse::read_target(client, table.written()));
  if (!target) return {};
  PENSTOCK_ASSIGN(const auto wanted,
                  clickhouse::with_server_types(client, define_target(job, table, source, features)));
  for (const auto& column : wanted.columns) {
    if (has_column(*target, column.name)) continue;
    const auto known = std::find_if(source.columns.begin(), source.columns.end(),
                                    [&](const auto& one) { return one.name == column.name; });
    PENSTOCK_TRY(clickhouse::add_column(client, job.destination.database, table.written(), column,
                                        known->missing_value));
    log::info("stream", "{}: added column {} {} to {}", job.name, column.name, column.type, table.written());
  }
  return {};
}

}  // namespace

bool is_source_change(const Error& error) {
  return error.reason == kSourceTableChanged || error.reason == kTextStreamNeeded;
}

Status follow_source(const PipeJob& job) {
  clickhouse::Client client(job.destination);
  PENSTOCK_ASSIGN(const auto facts, clickhouse::read_destination(client));
  std::vector<TableName> names;
  for (const auto& table : job.tables)
    names.push_back(table.source);
  PENSTOCK_ASSIGN(const auto sources, postgres::read_tables(job.source, names));
  for (std::size_t at = 0; at < job.tables.size(); ++at)
    if (sources[at]) PENSTOCK_TRY(add_columns(job, job.tables[at], *sources[at], client, {facts.time64}));
  return {};
}

}  // namespace penstock::pipeline
