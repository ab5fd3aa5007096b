#include "dataplane/pipeline/binding.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace penstock::pipeline {
namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

const ColumnOverride* override_of(const TableJob& job, const std::string& column) {
  const auto at = std::find_if(job.overrides.begin(), job.overrides.end(),
                               [&](const ColumnOverride& o) { return o.name == column; });
  return at == job.overrides.end() ? nullptr : &*at;
}

std::vector<std::string> sorting_key(const TableJob& job, const postgres::SourceTable& source) {
  if (!job.order_by.empty()) return job.order_by;
  if (!source.identity_key.empty()) return source.identity_key;
  return source.primary_key;
}

std::string insert_statement(const Binding& binding) {
  std::string columns;
  for (const auto& field : binding.fields)
    columns += (columns.empty() ? "" : ", ") + clickhouse::quote(field.name);
  return fmt::format("INSERT INTO {} ({}) FORMAT Native", clickhouse::quote(binding.target), columns);
}

}  // namespace

std::vector<const postgres::SourceColumn*> taken_columns(const TableJob& job,
                                                         const postgres::SourceTable& source) {
  std::vector<const postgres::SourceColumn*> out;
  for (const auto& column : source.columns)
    if (!column.generated && !contains(job.excluded_columns, column.name)) out.push_back(&column);
  return out;
}

clickhouse::TargetDefinition define_target(const PipeJob& pipe, const TableJob& job,
                                           const postgres::SourceTable& source,
                                           const TargetFeatures& features) {
  clickhouse::TargetDefinition out;
  out.database = pipe.destination.database;
  out.table = job.written();
  out.order_by = sorting_key(job, source);
  out.partition_by = job.partition_by;
  out.engine = job.engine;
  out.mark = {pipe.uid, pipe.generation, job.load};
  for (const auto* column : taken_columns(job, source)) {
    const bool nullable = !column->not_null && !contains(out.order_by, column->name);
    const auto* chosen = override_of(job, column->name);
    out.columns.push_back({column->name,
                           chosen && !chosen->type.empty()
                               ? chosen->type
                               : default_column_type(column->type, nullable, features),
                           ""});
  }
  return out;
}

Binding bind(const TableJob& job, const postgres::SourceTable& source,
             const clickhouse::TargetTable& target) {
  Binding out;
  out.source = job.source;
  out.source_text = job.source_text;
  out.target = job.written();
  out.append_only = job.engine != clickhouse::Engine::ReplacingMergeTree;
  out.readable = job.engine != clickhouse::Engine::Null;
  out.ignore_truncate = job.ignore_truncate;
  out.key = sorting_key(job, source);
  for (const auto* column : taken_columns(job, source)) {
    const auto at = std::find_if(target.columns.begin(), target.columns.end(),
                                 [&](const auto& c) { return c.name == column->name; });
    if (at == target.columns.end()) continue;
    const auto type = ColumnType::parse(at->type);
    const auto* chosen = override_of(job, column->name);
    out.fields.push_back({column->name, type});
    const bool nulls = chosen && chosen->null_if_unrepresentable;
    out.columns.push_back({column->name, column->type, contains(out.key, column->name),
                           !FieldDecoder::takes_binary(column->type, type),
                           FieldDecoder(column->type, type, nulls), nulls});
  }
  out.fields.push_back({clickhouse::kVersionColumn, ColumnType::parse("UInt64")});
  out.fields.push_back({clickhouse::kDeletedColumn, ColumnType::parse("UInt8")});
  if (out.append_only) out.fields.push_back({clickhouse::kCommitLsnColumn, ColumnType::parse("UInt64")});
  out.insert_sql = insert_statement(out);
  return out;
}

std::vector<postgres::CopyColumn> Binding::copy_columns() const {
  std::vector<postgres::CopyColumn> out;
  for (const auto& column : columns)
    out.push_back({column.name, column.as_text});
  return out;
}

bool Binding::binary_stream() const {
  return std::none_of(columns.begin(), columns.end(), [](const BoundColumn& c) { return c.as_text; });
}

Error unrepresentable(const Binding& binding, const BoundColumn& column, const std::string& key,
                      FieldOutcome outcome) {
  if (outcome == FieldOutcome::Malformed)
    return {ErrorKind::Internal, "MalformedValue",
            fmt::format("table {}, column {}{}: the bytes received are not a value of type {}",
                        binding.source_text, column.name, key, column.source_type.name),
            "Resync the table; if it happens again, report it"};
  return {ErrorKind::BadData, "UnrepresentableValue",
          fmt::format("table {}, column {}{}: a value of type {} does not fit into the target's column",
                      binding.source_text, column.name, key, column.source_type.name),
          fmt::format("Override the type of {0} to String (columns: [{{name: {0}, type: String}}]), or set "
                      "unrepresentable: Null for it",
                      column.name)};
}

}  // namespace penstock::pipeline
