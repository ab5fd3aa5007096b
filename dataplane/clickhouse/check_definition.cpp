#include <fmt/format.h>

#include <iterator>
#include <map>
#include <set>
#include <string_view>

#include "dataplane/clickhouse/target.hpp"

namespace penstock::clickhouse {
namespace {

using Faults = std::vector<Error>;

void add(Faults& faults, const TargetDefinition& definition, const char* reason, const std::string& what,
         std::string cure) {
  faults.push_back({ErrorKind::NeedsUser, reason,
                    fmt::format("target {}.{} {}", definition.database, definition.table, what),
                    std::move(cure)});
}

bool is_control_column(std::string_view name) {
  return name == kVersionColumn || name == kDeletedColumn || name == kSyncedAtColumn;
}

/// Columns that ClickHouse itself stores in a MergeTree table (its source, MergeTreeVirtualColumns), or makes
/// in every plan with grouping.
bool is_column_of_clickhouse(std::string_view name) {
  return name == "_row_exists" || name == "_block_number" || name == "_block_offset" ||
         name == "__grouping_set";
}

void check_names(const TargetDefinition& definition, Faults& faults) {
  std::set<std::string_view> seen;
  for (const auto& column : definition.columns) {
    if (is_control_column(column.name))
      add(faults, definition, "TargetColumnReserved",
          fmt::format("would have a source column named {}, which Penstock needs for itself", column.name),
          "Rename it in the source, or exclude it with spec.tables[].excludedColumns");
    if (is_column_of_clickhouse(column.name) && definition.engine != Engine::Null)
      add(faults, definition, "TargetColumnReserved",
          fmt::format("would have a source column named {}, a name that ClickHouse keeps for itself",
                      column.name),
          "Rename it in the source, or exclude it with spec.tables[].excludedColumns");
    if (!seen.insert(column.name).second)
      add(faults, definition, "TargetColumnDoubled",
          fmt::format("would have the column {} twice", column.name), "Name each column once");
  }
}

void check_count(const TargetDefinition& definition, Faults& faults) {
  if (definition.columns.empty())
    add(faults, definition, "TargetWithoutColumns", "would have no column of the source",
        "Leave at least one column out of spec.tables[].excludedColumns");
}

void check_key(const TargetDefinition& definition, Faults& faults) {
  if (definition.engine == Engine::ReplacingMergeTree && definition.order_by.empty())
    add(faults, definition, "TargetSortingKey",
        "has no sorting key: ReplacingMergeTree would keep one row of the whole table",
        "Give the source table a primary key, name spec.tables[].orderBy, or use engine MergeTree");
  for (const auto& key : definition.order_by) {
    bool found = false;
    for (const auto& column : definition.columns)
      found = found || column.name == key;
    if (!found)
      add(faults, definition, "TargetSortingKey",
          fmt::format("would be ordered by {}, which is not among its columns", key),
          "Correct spec.tables[].orderBy (upper and lower case count), or do not exclude the column");
  }
}

/// Array columns `n.a` and `n.b` are one Nested column `n` to ClickHouse, their lengths equal in each row
/// (ClickHouse docs, "Nested").
void check_nested(const TargetDefinition& definition, Faults& faults) {
  std::map<std::string_view, std::string_view> first_of;
  for (const auto& column : definition.columns) {
    const std::string_view name = column.name;
    const auto dot = name.find('.');
    if (dot == std::string_view::npos || !column.type.starts_with("Array(")) continue;
    const auto [other, fresh] = first_of.emplace(name.substr(0, dot), name);
    if (fresh) continue;
    add(faults, definition, "TargetNestedColumns",
        fmt::format(
            "would have the array columns {} and {}, which ClickHouse takes for one Nested column with equal "
            "lengths in each row",
            other->second, name),
        "Override one of them to String in spec.tables[].columns, or exclude it");
  }
}

}  // namespace

std::vector<Error> check_columns(const TargetDefinition& definition) {
  Faults faults;
  check_names(definition, faults);
  check_nested(definition, faults);
  return faults;
}

std::vector<Error> check_definition(const TargetDefinition& definition) {
  Faults faults;
  check_count(definition, faults);
  check_key(definition, faults);
  auto of_columns = check_columns(definition);
  std::move(of_columns.begin(), of_columns.end(), std::back_inserter(faults));
  return faults;
}

}  // namespace penstock::clickhouse
