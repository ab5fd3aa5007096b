#include "dataplane/pipeline/source_changes.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/log.hpp"
#include "dataplane/clickhouse/key_text.hpp"

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

std::string drift_of(const PipeJob& pipe, const TableJob& job, const postgres::SourceTable& source,
                     const clickhouse::TargetTable& target) {
  std::string out;
  const auto note = [&](const std::string& what) { out += out.empty() ? what : fmt::format("; {}", what); };
  // Time64 is left to the server that made the table.
  const auto wanted = define_target(pipe, job, source, {true});
  for (const auto& present : target.columns) {
    const bool followed = present.comment == clickhouse::kFollowed;
    const bool unlike = present.comment == clickhouse::kFollowedWithoutDefault;
    const bool others =
        present.name.starts_with("_penstock_") || (!present.default_kind.empty() && !followed);
    const bool there = std::any_of(source.columns.begin(), source.columns.end(),
                                   [&](const auto& column) { return column.name == present.name; });
    if (!others && !there) note(fmt::format("column {} is gone", present.name));
    if (unlike && there)
      note(fmt::format("column {} was added with a default that rows of before lack in the target",
                       present.name));
  }
  for (const auto* column : taken_columns(job, source)) {
    const auto present = std::find_if(target.columns.begin(), target.columns.end(),
                                      [&](const auto& one) { return one.name == column->name; });
    const auto define = std::find_if(wanted.columns.begin(), wanted.columns.end(),
                                     [&](const auto& one) { return one.name == column->name; });
    const bool chosen = std::any_of(job.overrides.begin(), job.overrides.end(), [&](const auto& one) {
      return one.name == column->name && !one.type.empty();
    });
    if (present == target.columns.end() || define == wanted.columns.end() || chosen) continue;
    const bool time = clickhouse::value_type(define->type).starts_with("Time64");
    if (!time && !clickhouse::type_holds(present->type, define->type))
      note(
          fmt::format("column {} is {} now and {} in the target", column->name, define->type, present->type));
  }
  return out;
}

Result<std::map<std::string, std::string>> read_drifts(
    const PipeJob& job, const std::vector<std::optional<postgres::SourceTable>>& sources) {
  clickhouse::Client client(job.destination);
  std::map<std::string, std::string> out;
  for (std::size_t at = 0; at < job.tables.size(); ++at) {
    PENSTOCK_ASSIGN(const auto target, clickhouse::read_target(client, job.tables[at].target));
    if (sources[at] && target)
      out[job.tables[at].source_text] = drift_of(job, job.tables[at], *sources[at], *target);
  }
  return out;
}

}  // namespace penstock::pipeline
