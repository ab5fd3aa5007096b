#include "dataplane/pipeline/source_changes.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/log.hpp"
#include "dataplane/clickhouse/key_text.hpp"
#include "dataplane/columns/widening.hpp"
#include "dataplane/pipeline/source_tables.hpp"

namespace penstock::pipeline {
namespace {

bool has_column(const clickhouse::TargetTable& target, const std::string& name) {
  return std::any_of(target.columns.begin(), target.columns.end(),
                     [&](const auto& column) { return column.name == name; });
}

/// Of columns that the target tells rows apart by, and of those whose type the manifest chose, nothing
/// changes.
bool is_settled(const TableJob& table, const clickhouse::TargetTable& target, const std::string& column) {
  const auto key = clickhouse::split_key(target.sorting_key);
  const bool chosen = std::any_of(table.overrides.begin(), table.overrides.end(),
                                  [&](const auto& one) { return one.name == column && !one.type.empty(); });
  return chosen || std::find(key.begin(), key.end(), column) != key.end();
}

/// Columns of the target whose type is to be widened to hold what the source has by now.
std::vector<clickhouse::TargetColumn> to_widen(const TableJob& table, const clickhouse::TargetTable& target,
                                               const clickhouse::TargetDefinition& wanted) {
  std::vector<clickhouse::TargetColumn> out;
  for (const auto& column : wanted.columns) {
    const auto present = std::find_if(target.columns.begin(), target.columns.end(),
                                      [&](const auto& one) { return one.name == column.name; });
    if (present == target.columns.end() || is_settled(table, target, column.name)) continue;
    if (auto type = widened_type(ColumnType::parse(present->type), ColumnType::parse(column.type)))
      out.push_back({column.name, *std::move(type), ""});
  }
  return out;
}

/// Of text, whose every form counts: '007' is not '7'.
bool is_text(const PgType& type) {
  constexpr std::uint32_t kName = 19, kText = 25, kPadded = 1042, kVarchar = 1043;  // pg_type.oid
  return type.oid == kName || type.oid == kText || type.oid == kPadded || type.oid == kVarchar ||
         type.name.ends_with("citext");
}

/// Adds the columns that the source has and the target lacks, and widens those that the source has widened.
Status bring_after(const PipeJob& job, const TableJob& table, const postgres::SourceTable& source,
                   const clickhouse::TargetTable& seen, clickhouse::Client& client,
                   const TargetFeatures& features) {
  const auto& database = job.destination.database;
  if (auto taken = clickhouse::taken_from_us(database, table.written(), seen.mark, job.uid))
    return fail(*std::move(taken));
  const auto definition = define_target(job, table, source, features);
  if (auto faults = clickhouse::check_columns(definition); !faults.empty())
    return fail(std::move(faults.front()));
  if (!is_to_follow(job, table, source, seen)) return {};
  // What was read for all at once may have become another's, or have the columns by now.
  PENSTOCK_ASSIGN(const auto target, clickhouse::read_target(client, table.written()));
  if (!target) return {};
  if (auto taken = clickhouse::taken_from_us(database, table.written(), target->mark, job.uid))
    return fail(*std::move(taken));
  PENSTOCK_ASSIGN(const auto wanted, clickhouse::with_server_types(client, definition));
  for (const auto& column : wanted.columns) {
    if (has_column(*target, column.name)) continue;
    const auto known = std::find_if(source.columns.begin(), source.columns.end(),
                                    [&](const auto& one) { return one.name == column.name; });
    const bool lost = had_column(table, *known);
    PENSTOCK_TRY(clickhouse::add_column(
        client, database, table.written(), column,
        {known->type, lost ? std::nullopt : known->missing_value, lost || known->missing_differs}));
    log::info("stream", "{}: added column {} {} to {}", job.name, column.name, column.type, table.written());
  }
  for (const auto& column : to_widen(table, *target, wanted)) {
    PENSTOCK_TRY(clickhouse::modify_column(client, database, table.written(), column));
    log::info("stream", "{}: column {} of {} is {} now", job.name, column.name, table.written(), column.type);
  }
  return {};
}

/// What neither time nor another answer of the server cures is the matter of the table that it is about.
bool is_of_the_table(const Error& error) {
  return is_of_one_table(error.kind) || error.kind == ErrorKind::NeedsUser ||
         error.kind == ErrorKind::Internal || clickhouse::holds_up_one_table(error);
}

}  // namespace

bool is_source_change(const Error& error) {
  return error.reason == kSourceTableChanged || error.reason == kTextStreamNeeded;
}

bool had_column(const TableJob& table, const postgres::SourceColumn& column) {
  const auto known = SourceDefinition::parse(joined(table.definition, table.streamed_definition));
  const auto* one = known ? by_number(*known, column.attribute_number) : nullptr;
  return one && one->name == column.name && !one->excluded && !one->generated;
}

Result<std::vector<TableFault>> follow_source(const PipeJob& job) {
  clickhouse::Client client(job.destination);
  PENSTOCK_ASSIGN(const auto facts, clickhouse::read_destination(client));
  PENSTOCK_ASSIGN(const auto read, read_source_tables(job, postgres::HeapSizes::LeftOut));
  const auto& sources = read.tables;
  PENSTOCK_ASSIGN(const auto targets, clickhouse::read_targets(client, written_by(job)));
  std::vector<TableFault> faults;
  for (std::size_t at = 0; at < job.tables.size(); ++at) {
    const auto target = targets.find(job.tables[at].written());
    if (!sources[at]) continue;
    if (auto fault = exclusion_fault(job.tables[at], *sources[at])) {
      faults.push_back({job.tables[at].source_text, *std::move(fault)});
      continue;
    }
    if (target == targets.end()) continue;
    auto done = bring_after(job, job.tables[at], *sources[at], target->second, client, {facts.time64});
    if (done) continue;
    if (!is_of_the_table(done.error())) return fail(std::move(done).error());
    faults.push_back({job.tables[at].source_text, std::move(done).error()});
  }
  return faults;
}

bool is_to_follow(const PipeJob& pipe, const TableJob& table, const postgres::SourceTable& source,
                  const clickhouse::TargetTable& target) {
  const auto wanted = define_target(pipe, table, source, {true});
  return !to_widen(table, target, wanted).empty() ||
         std::any_of(wanted.columns.begin(), wanted.columns.end(),
                     [&](const auto& column) { return !has_column(target, column.name); });
}

namespace {

/// Since the target was loaded.
bool is_retyped(const postgres::SourceColumn& column, const SourceDefinition& known) {
  const auto* before = by_number(known, column.attribute_number);
  return before && (before->type != column.declared_type || before->typmod != column.declared_typmod);
}

}  // namespace

Drift drift_of(const PipeJob& pipe, const TableJob& job, const postgres::SourceTable& source,
               const clickhouse::TargetTable& target) {
  Drift out;
  const auto note = [&](const std::string& what) {
    out.changes += out.changes.empty() ? what : fmt::format("; {}", what);
  };
  const auto known = SourceDefinition::parse(job.definition);
  // Time64 is left to the server that made the table.
  const auto wanted = define_target(pipe, job, source, {true});
  for (const auto& present : target.columns) {
    const bool followed = present.comment == clickhouse::kFollowed;
    if (present.name == clickhouse::kVersionColumn && present.comment == clickhouse::kWidened)
      note(
          "rows of before have the versions of an earlier build, by which a deleted row may hide a newer "
          "one");
    const bool unlike = present.comment == clickhouse::kFollowedWithoutDefault;
    const bool others =
        present.name.starts_with("_penstock_") || (!present.default_kind.empty() && !followed);
    const bool there = std::any_of(source.columns.begin(), source.columns.end(),
                                   [&](const auto& column) { return column.name == present.name; });
    if (!others && !there) note(fmt::format("column {} is gone", present.name));
    if (unlike && there)
      out.differences.push_back(fmt::format(
          "column {} was added with a default that earlier rows lack in the target, or dropped there",
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
    if (time || clickhouse::type_holds(present->type, define->type)) continue;
    const auto what =
        fmt::format("column {} is {} now and {} in the target", column->name, define->type, present->type);
    if (is_text(column->type) && clickhouse::value_type(present->type) != "String")
      out.differences.push_back(what + ", which holds no other text than its own");
    else if (known && is_retyped(*column, *known) &&
             !widened_type(ColumnType::parse(present->type), ColumnType::parse(define->type)))
      out.differences.push_back(what + ", which does not hold all of its values");
    else
      note(what);
  }
  return out;
}

}  // namespace penstock::pipeline
