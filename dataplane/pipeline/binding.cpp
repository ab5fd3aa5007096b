#include "dataplane/pipeline/binding.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "dataplane/clickhouse/key_text.hpp"
#include "dataplane/pipeline/source_definition.hpp"

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

/// Rows of an earlier build have the commit's LSN in a column of its own, and versions that were widened.
std::string log_version(const clickhouse::TargetTable& target) {
  const bool former = std::any_of(target.columns.begin(), target.columns.end(), [](const auto& column) {
    return column.name == clickhouse::kFormerCommitColumn;
  });
  if (!former) return clickhouse::kVersionColumn;
  return fmt::format("if({0} < bitShiftLeft(toUInt128(1), 64), bitShiftLeft(toUInt128({1}), 64) + {0}, {0})",
                     clickhouse::kVersionColumn, clickhouse::kFormerCommitColumn);
}

bool is_written(const Binding& binding, const std::string& column) {
  return std::any_of(binding.fields.begin(), binding.fields.end(),
                     [&](const Block::Field& field) { return field.name == column; });
}

bool partitions_are_written(const Binding& binding, const clickhouse::TargetTable& target) {
  bool any = false;
  for (const auto& column : target.columns) {
    if (column.in_partition_key && !is_written(binding, column.name)) return false;
    any = any || column.in_partition_key;
  }
  return any;
}

/// The partition is told by the text of its key, in which NULL is a value like any other. The rows are in the
/// statement itself: not every server that speaks HTTP takes data behind an INSERT … SELECT.
ResumeStatement resume_statement(const Binding& binding, const clickhouse::TargetTable& target) {
  std::string columns;
  std::string structure;
  for (const auto& field : binding.fields) {
    columns += (columns.empty() ? "" : ", ") + clickhouse::quote(field.name);
    structure += (structure.empty() ? "" : ", ") + clickhouse::quote(field.name) + " " + field.type.text;
  }
  const auto name = clickhouse::quote(binding.target);
  const auto partition = fmt::format("toString(tuple({}))", target.partition_key);
  return {fmt::format("INSERT INTO {0} ({1}) SELECT {1} FROM format(Native, {2}, ", name, columns,
                      clickhouse::literal(structure)),
          fmt::format(") WHERE ({0}, {1}) NOT IN (SELECT {2}, {1} FROM {3} WHERE {2} >= {{first:UInt128}})",
                      clickhouse::kVersionColumn, partition, binding.log_version, name)};
}

}  // namespace

std::optional<Error> check_log_partitions(const Binding& binding, const clickhouse::TargetTable& target) {
  if (!binding.append_only || !binding.readable) return std::nullopt;
  std::vector<std::string> unknown;
  bool others = false;
  for (const auto& column : target.columns) {
    if (!column.in_partition_key) continue;
    // One insert has one time of arrival: by that alone it is one part.
    if (column.name != clickhouse::kSyncedAtColumn) others = true;
    if (!is_written(binding, column.name)) unknown.push_back(column.name);
  }
  if (unknown.empty() || !others) return std::nullopt;
  return Error{
      ErrorKind::BadData, "PartitionByInvalid",
      fmt::format("target table {}, which keeps every change, is partitioned by {}, which Penstock "
                  "does not write: after a crash nothing would tell which rows are in",
                  binding.target, fmt::join(unknown, ", ")),
      fmt::format("Partition it by columns of the source, or by {} alone", clickhouse::kSyncedAtColumn)};
}

std::vector<const postgres::SourceColumn*> taken_columns(const TableJob& job,
                                                         const postgres::SourceTable& source) {
  const auto known = SourceDefinition::parse(job.definition);
  std::vector<const postgres::SourceColumn*> out;
  for (const auto& column : source.columns)
    if (!column.generated && !is_excluded(job, known ? &*known : nullptr, column)) out.push_back(&column);
  return out;
}

namespace {

/// An array in a key is its text: lower bounds tell rows apart, and a sorting key takes no NULL elements.
std::string mapped_type(const postgres::SourceColumn& column, bool key, const TargetFeatures& features) {
  if (key && column.type.kind == PgType::Kind::Array) return "String";
  return default_column_type(column.type, !column.not_null && !key, features);
}

}  // namespace

clickhouse::TargetDefinition define_target(const PipeJob& pipe, const TableJob& job,
                                           const postgres::SourceTable& source,
                                           const TargetFeatures& features) {
  clickhouse::TargetDefinition out;
  out.database = pipe.destination.database;
  out.table = job.written();
  out.order_by = sorting_key(job, source);
  out.partition_by = job.partition_by;
  out.engine = job.engine;
  out.mark = {pipe.uid, pipe.generation, job.load, pipe.name};
  for (const auto* column : taken_columns(job, source)) {
    const auto* chosen = override_of(job, column->name);
    out.columns.push_back({column->name,
                           chosen && !chosen->type.empty()
                               ? chosen->type
                               : mapped_type(*column, contains(out.order_by, column->name), features),
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
  out.key = out.append_only ? sorting_key(job, source) : clickhouse::split_key(target.sorting_key);
  for (const auto* column : taken_columns(job, source)) {
    const auto at = std::find_if(target.columns.begin(), target.columns.end(),
                                 [&](const auto& c) { return c.name == column->name; });
    if (at == target.columns.end()) continue;
    const auto type = ColumnType::parse(at->type);
    const auto* chosen = override_of(job, column->name);
    out.fields.push_back({column->name, type});
    const bool nulls = chosen && chosen->null_if_unrepresentable;
    const bool key = contains(out.key, column->name);
    const bool sorted_by = contains(clickhouse::split_key(target.sorting_key), column->name);
    const bool settled = key || sorted_by || (chosen && !chosen->type.empty());
    out.columns.push_back({column->name, column->type, key, key && !out.append_only, settled,
                           !FieldDecoder::takes_binary(column->type, type),
                           FieldDecoder(column->type, type, nulls), nulls});
  }
  out.fields.push_back({clickhouse::kVersionColumn, ColumnType::uint128()});
  out.fields.push_back({clickhouse::kDeletedColumn, ColumnType::parse("UInt8")});
  out.insert_sql = insert_statement(out);
  if (out.append_only) out.log_version = log_version(target);
  if (out.append_only && partitions_are_written(out, target)) out.resume = resume_statement(out, target);
  return out;
}

postgres::SourceTable with_taken_columns(const TableJob& job, const postgres::SourceTable& source) {
  auto out = source;
  out.columns.clear();
  for (const auto* column : taken_columns(job, source))
    out.columns.push_back(*column);
  return out;
}

std::map<std::string, std::string> Binding::column_types() const {
  std::map<std::string, std::string> out;
  for (std::size_t at = 0; at < columns.size(); ++at)
    out[columns[at].name] = fields[at].type.text;
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
  if (outcome == FieldOutcome::NotNullable)
    return {ErrorKind::BadData, "NullNotAllowed",
            fmt::format(
                "table {}, column {}{}: NULL does not fit into the target's column, which is not Nullable",
                binding.source_text, column.name, key),
            column.settled
                ? fmt::format("Say that it may be NULL: columns: [{{name: {}, type: Nullable(…)}}]; a "
                              "column of the key must be NOT NULL",
                              column.name)
                : "It is reloaded automatically into a target that takes NULL; raise resyncGeneration "
                  "of the table to have it at once"};
  if (column.exact && outcome == FieldOutcome::Unrepresentable)
    return {
        ErrorKind::BadData, "UnrepresentableValue",
        fmt::format("table {}, column {}{}: a value of type {} does not fit into the target's column, which "
                    "is part of its key",
                    binding.source_text, column.name, key, column.source_type.name),
        fmt::format("Override the type of {0} to String (columns: [{{name: {0}, type: String}}])",
                    column.name)};
  return {ErrorKind::BadData, "UnrepresentableValue",
          fmt::format("table {}, column {}{}: a value of type {} does not fit into the target's column",
                      binding.source_text, column.name, key, column.source_type.name),
          fmt::format("Override the type of {0} to String (columns: [{{name: {0}, type: String}}]), or set "
                      "unrepresentable: Null for it",
                      column.name)};
}

}  // namespace penstock::pipeline
